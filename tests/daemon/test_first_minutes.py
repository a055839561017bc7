"""What a newcomer runs into: a taken port, a killed daemon, a wrong file name, a folder that is not Yett's."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from yett.cli.show import rows
from yett.drills.stage import COMMAND, started
from yett.ledger.verify import open_receipt

TOKEN = "8c3cbb1e-9f01-4a6a-8b6d-7a1f6b2e44ea"


class Person:
    """Somebody with a home of Yett's and a shell."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.work = home.parent / "work"
        self.work.mkdir()
        self.environ = {"PATH": os.environ["PATH"], "HOME": str(home.parent), "YETT_HOME": str(home), "LANG": "C.UTF-8"}

    def yett(self, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *words],
            env=self.environ | environ,
            cwd=self.work,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    home = tmp_path / "state"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text('realm = "drill"\nport = 0\n')
    someone = Person(home)
    yield someone
    stop(home, signal.SIGTERM)


def stop(home: Path, number: signal.Signals) -> None:
    """End the daemon of a home, if there is one, and wait for it."""
    try:
        pid = int((home / "daemon.pid").read_text())
        os.kill(pid, number)
        while True:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return
            time.sleep(0.02)
    except (FileNotFoundError, ProcessLookupError):
        return


@pytest.mark.parametrize("words", [("status",), ("report",), ("why",), ("lease", "list")], ids=" ".join)
def test_to_look_starts_nothing(person: Person, words: tuple[str, ...]) -> None:
    done = person.yett(*words)
    assert done.returncode == 1
    assert "no Yett daemon runs" in done.stderr
    assert os.listdir(person.home) == ["config.toml"]


@pytest.mark.parametrize("words", [("secret", "list"), ("run", "--", "true")], ids=" ".join)
def test_a_taken_port_is_said_where_the_daemon_was_wanted(person: Person, words: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (person.home / "config.toml").write_text(f'realm = "drill"\nport = {port}\n')
        done = person.yett(*words)
    assert done.returncode in (1, 125)
    assert f"localhost:{port}: Address already in use" in done.stderr
    assert "yett up --port" in done.stderr


def test_a_setting_of_a_wrong_type_is_named(person: Person) -> None:
    (person.home / "config.toml").write_text('port = "x"\n')
    done = person.yett("up")
    assert done.returncode == 1
    assert done.stderr.startswith(f"yett: {person.home}/config.toml: port is 'x'")


@pytest.mark.parametrize(
    "words",
    [
        ("log", "verify", "nowhere"),
        ("log", "verify", "state", "--vkey", "x", "--earlier", "nowhere"),
        ("policy", "sign", "nowhere"),
        ("policy", "check", "nowhere"),
        ("scan", "nowhere"),
        ("protect", "nowhere"),
        ("blast", "nowhere"),
    ],
    ids=" ".join,
)
def test_a_file_that_is_not_there_is_named_without_a_traceback(person: Person, words: tuple[str, ...]) -> None:
    done = person.yett(*words)
    assert done.returncode in (1, 2)
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_export_to_a_place_that_cannot_be_written_says_why(person: Person) -> None:
    done = person.yett("log", "export", "/proc/nowhere")
    assert done.returncode == 1
    assert "/proc/nowhere: No such file or directory" in done.stderr
    root = json.loads(person.yett("log", "verify", "--json").stdout)["root"]
    assert bytes.fromhex(root)


def test_a_receipt_verifies_offline_and_serves_as_what_was_kept(person: Person) -> None:
    assert person.yett("lockdown", "on").returncode == 0
    kept = person.work / "0.tlog-proof"
    kept.write_text(person.yett("log", "receipt", "0").stdout)
    person.yett("log", "export", "log")
    assert open_receipt(kept.read_text(), (person.work / "log" / "vkey").read_text().strip())[0] == 0
    assert person.yett("log", "verify", "log", "--earlier", str(kept)).returncode == 0
    kept.write_text(kept.read_text().replace("\nindex 0\n", "\nindex 1\n"))
    assert person.yett("log", "verify", "log", "--earlier", str(kept)).returncode == 1
    beyond = person.yett("log", "receipt", "100000")
    assert beyond.returncode == 1
    assert "Entry 100000 is not in a log of" in beyond.stderr


@pytest.mark.sandbox
def test_what_was_lent_to_a_run_does_not_outlive_a_killed_daemon(person: Person) -> None:
    (person.work / ".env").write_text(f"RAILWAY_TOKEN={TOKEN}\n")
    words = [*COMMAND, "run", "--", "sh", "-c", "echo up; sleep 60"]
    run = subprocess.Popen(words, cwd=person.work, env=person.environ, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    assert run.stdout.readline() == "up\n"
    assert len(json.loads(person.yett("secret", "list", "--json").stdout)) == 1
    stop(person.home, signal.SIGKILL)
    assert json.loads(person.yett("secret", "list", "--json").stdout) == []
    run.terminate()
    run.wait()


@pytest.mark.sandbox
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_daemons_end_changes_nothing_of_a_running_workspace(person: Person, number: signal.Signals) -> None:
    """What the supervisor compares with at the end is still there, so nothing looks as if the command removed it."""
    git = ["git", "-C", str(person.work)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "config", "user.email", "ada@example.com"], check=True)
    subprocess.run([*git, "remote", "add", "origin", "https://example.com/x.git"], check=True)
    before = (person.work / ".git" / "config").read_bytes()
    (person.work / ".env").write_text(f"RAILWAY_TOKEN={TOKEN}\n")
    words = [*COMMAND, "run", "--", "sh", "-c", "echo up; read x; git remote -v; cat .env"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    run = subprocess.Popen(words, cwd=person.work, env=person.environ, text=True, **pipes)
    assert run.stdout is not None
    assert run.stdout.readline() == "up\n"
    stop(person.home, number)
    said, complaints = run.communicate("\n", timeout=20)
    assert "https://example.com/x.git" in said
    assert "RAILWAY_TOKEN=yett_ph_" in said
    assert "carried out" not in complaints
    assert "inside" not in complaints
    assert (person.work / ".git" / "config").read_bytes() == before
    assert TOKEN in (person.work / ".env").read_text()


@pytest.mark.sandbox
def test_state_lies_where_xdg_says_for_runs_too(person: Person) -> None:
    base = person.home.parent / "xdg"
    (base / "yett").mkdir(parents=True, mode=0o700)
    (base / "yett" / "config.toml").write_text('realm = "drill"\nport = 0\n')
    environ = {k: v for k, v in person.environ.items() if k != "YETT_HOME"} | {"XDG_STATE_HOME": str(base)}
    subprocess.run([*COMMAND, "run", "--", "true"], cwd=person.work, env=environ, check=True, stdin=subprocess.DEVNULL)
    said = subprocess.run([*COMMAND, "status", "--json"], env=environ, check=True, capture_output=True, text=True)
    assert json.loads(said.stdout)["home"] == str(base / "yett")
    stop(base / "yett", signal.SIGTERM)


def test_uninstall_leaves_nothing(person: Person) -> None:
    assert person.yett("secret", "list").returncode == 0
    done = person.yett("uninstall", "--yes")
    assert done.returncode == 0, done.stderr
    assert not person.home.exists()


def test_uninstall_after_a_start_that_failed_needs_no_daemon(person: Person) -> None:
    (person.home / "config.toml").write_text("port = 'x'")
    assert person.yett("up").returncode == 1
    assert person.yett("uninstall", "--yes").returncode == 0
    assert not person.home.exists()


def test_uninstall_takes_nothing_that_is_not_yetts(person: Person) -> None:
    """$YETT_HOME may be anything, even somebody's home directory."""
    (person.home / "thesis.tex").write_text("years of work")
    done = person.yett("uninstall", "--yes")
    assert done.returncode == 1
    assert "thesis.tex" in done.stderr
    assert (person.home / "thesis.tex").read_text() == "years of work"


def test_a_daemon_stops_at_once_and_silently_with_a_page_open(tmp_path: Path) -> None:
    home = tmp_path / "state"
    home.mkdir(mode=0o700)
    (home / "config.toml").write_text('realm = "drill"\n')
    with started(home) as stage, urllib.request.urlopen(stage.origin + "/events", timeout=10) as events:
        assert events.readline().startswith(b"event:")
        stage.daemon.terminate()
        assert stage.daemon.wait(10) == 0  # what does not end by itself is cut off after a second, and that is logged
    assert (home / "daemon.log").read_text() == ""


def test_a_table_in_a_pipe_is_not_folded(capsys: pytest.CaptureFixture[str]) -> None:
    rows([{"where": "x" * 150}], [("where", "WHERE")], as_json=False, empty="")
    assert "x" * 150 in capsys.readouterr().out
