"""Root in somebody's workspace: the run is that somebody's."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.conftest import Guarded
from sandbox.control_plane import ControlPlane
from yett.sandbox import owner

pytestmark = pytest.mark.sandbox

SOMEBODY = 65534


@pytest.fixture
def workspace() -> Iterator[Path]:
    """A folder that belongs to somebody else if root runs the tests, else to us."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        place = Path(folder) / "project"
        place.mkdir()
        if os.geteuid() == 0:
            os.chown(place, SOMEBODY, SOMEBODY)
        yield place


@pytest.fixture
def theirs(plane: ControlPlane, workspace: Path, tmp_path: Path) -> Guarded:
    (tmp_path / "person").mkdir()
    return Guarded(plane, workspace, tmp_path / "person")


def test_the_run_has_the_owners_identity_and_no_other_group(theirs: Guarded, workspace: Path) -> None:
    done = theirs.shell("id -u; cat /proc/self/uid_map | tr -s ' ' | cut -d' ' -f4")
    uid = os.stat(workspace).st_uid
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[0] == str(uid if uid else 1000)


def test_files_made_inside_belong_to_the_owner(theirs: Guarded, workspace: Path) -> None:
    assert theirs.shell("echo x > made; mkdir d").returncode == 0
    assert os.stat(workspace / "made").st_uid == os.stat(workspace / "d").st_uid == os.stat(workspace).st_uid


def test_the_way_out_masks_the_small_program_and_the_private_home_work(theirs: Guarded, workspace: Path) -> None:
    real, copy = workspace / ".env", theirs.plane.home / "sessions" / "copy"
    real.write_text("A=secret\n")
    os.chown(real, os.stat(workspace).st_uid, os.stat(workspace).st_gid)
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.write_text("A=placeholder\n")
    theirs.plane.masks = [{"path": str(real), "masked": "copied"}]
    theirs.plane.copied = {"copied": copy.read_text()}
    done = theirs.shell(
        "cat .env; sed -i s/A=/B=/ .env && cat .env; curl -sS http://a.example.com/; yett holds; echo x > ~/kept"
    )
    assert done.stdout == "A=placeholder\nB=placeholder\ngate saw GET http://a.example.com/ HTTP/1.1\nheard holds\n"
    assert theirs.shell("cat ~/kept").stdout == "x\n"


def test_roots_own_files_are_not_readable(theirs: Guarded) -> None:
    done = theirs.shell("cat /etc/shadow /proc/1/environ; ls -A /media /mnt /srv")
    assert "root:" not in done.stdout


def test_nothing_is_left_on_the_host(theirs: Guarded, workspace: Path) -> None:
    theirs.run("true")
    assert os.listdir(workspace) == []
    assert "yett" not in Path("/proc/self/mountinfo").read_text()


def test_an_ordinary_user_becomes_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: SOMEBODY)
    assert owner.of("/") is None
