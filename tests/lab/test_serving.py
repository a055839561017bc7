"""The lab as a process: whom it runs as, what it hands out and to whom, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.lab.conftest import Hands

from yett.lab.incident import started_lab
from yett.lab.process import LabFailed, choose_user, open_to


def test_root_starts_it_as_another_user_whose_volumes_nobody_else_opens(hands: Hands) -> None:
    uid = hands.lab.announced["uid"]
    assert uid != 0
    assert (uid != os.geteuid()) == (os.geteuid() == 0)
    for folder in ("volumes", "git"):
        state = (Path(hands.lab.announced["dir"]) / folder).stat()
        assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (uid, 0o700)


def test_tokens_are_only_in_a_file_of_the_starter(hands: Hands) -> None:
    state = Path(hands.lab.announced["handed_out"]).stat()
    assert (state.st_uid, stat.S_IMODE(state.st_mode)) == (os.geteuid(), 0o600)
    announced = json.dumps(hands.lab.announced)
    assert not [name for name, value in hands.lab.handed_out.items() if value in announced]
    command_lines = " ".join(
        " ".join(process.cmdline()) for process in psutil.Process(hands.lab.announced["pid"]).children()
    )
    assert not [name for name, value in hands.lab.handed_out.items() if value in command_lines]


def test_everything_listens_on_loopback_only(hands: Hands) -> None:
    lab, listening = psutil.Process(hands.lab.announced["pid"]), list[str]()
    for process in (lab, *lab.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # of PostgreSQL's some end by themselves
            held = process.net_connections(kind="tcp")
            listening += [one.laddr.ip for one in held if one.status == psutil.CONN_LISTEN]
    assert len(listening) == 3
    assert set(listening) == {"127.0.0.1"}


def test_it_ends_in_order_when_its_starter_is_killed(fresh_folder: Path) -> None:
    starter = (
        "import subprocess, sys, time\n"
        f"lab = subprocess.Popen([sys.executable, '-m', 'yett.lab', 'serve', '--dir', {str(fresh_folder / 'lab')!r}])\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        announced = json.loads(process.stdout.readline())
        lab = psutil.Process(announced["pid"])
        servers = lab.children()
        assert servers
        process.send_signal(signal.SIGKILL)
    assert psutil.wait_procs([lab, *servers], timeout=10)[1] == []
    log = next((fresh_folder / "lab" / "volumes").glob("*/postgres.log"))
    assert "database system is shut down" in log.read_text()


def test_the_database_ends_even_if_the_lab_is_killed(fresh_folder: Path) -> None:
    with started_lab(fresh_folder / "lab") as lab:
        process = psutil.Process(lab.announced["pid"])
        servers = process.children()
        process.kill()
        assert psutil.wait_procs(servers, timeout=10)[1] == []


def test_a_used_folder_is_refused(hands: Hands) -> None:
    with pytest.raises(LabFailed, match="is not empty"), started_lab(Path(hands.lab.announced["dir"])):
        pass


def test_a_folder_that_its_user_cannot_enter_is_refused_with_the_remedy(fresh_folder: Path) -> None:
    closed = fresh_folder / "closed"
    (closed / "lab").mkdir(parents=True)
    closed.chmod(0o700)
    account = choose_user(None)
    if account.pw_uid == os.geteuid():
        open_to(account, closed / "lab")
        return
    with pytest.raises(LabFailed, match="choose a --dir under"):
        open_to(account, closed / "lab")


def test_an_unknown_user_is_refused() -> None:
    with pytest.raises(LabFailed):
        choose_user("no-such-account")
