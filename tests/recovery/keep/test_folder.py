"""The folder as a place: where it may be, what a crash and a full disk leave."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from test_keep import NOISE, USERS, content, make

from yett.broker.seal import Keys
from yett.recovery.keep import Budget, Keep, KeepError, KeepFull, Limits
from yett.recovery.keep.folder import DATA_DIRECTORY_MARKS, Folder, open_folder

CALLS = ("mkdir", "open", "write", "fsync", "rename")
SCRIPT = Path(__file__).with_name("small_disk.py")
MOUNT = 'mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" "$3" "$1"'


# ---- where it may be


@pytest.mark.parametrize("mark", DATA_DIRECTORY_MARKS)
def test_never_inside_a_database(tmp_path: Path, mark: str) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / mark).touch()
    with pytest.raises(KeepError, match=DATA_DIRECTORY_MARKS[mark]):
        open_folder(tmp_path / "base" / "keep")
    assert not (tmp_path / "base" / "keep").exists()


def test_never_inside_a_real_postgresql(postgres, tmp_path: Path) -> None:
    import psycopg

    with psycopg.connect(f"{postgres.url}/postgres") as connection:
        (data,) = connection.execute("SHOW data_directory").fetchone()
    with pytest.raises(KeepError, match="PostgreSQL"):
        open_folder(Path(data) / "keep")
    link = tmp_path / "link"
    link.symlink_to(data)
    with pytest.raises(KeepError, match="PostgreSQL"):
        open_folder(link / "keep")


def test_never_inside_a_workspace_nor_around_one_nor_through_a_link(tmp_path: Path) -> None:
    workspace = tmp_path / "shop"
    workspace.mkdir()
    (tmp_path / "link").symlink_to(workspace)
    for root in (workspace, workspace / "keep", tmp_path / "link" / "keep", tmp_path):
        with pytest.raises(KeepError, match="what they protect from"):
            open_folder(root, apart_from=[workspace])
    open_folder(tmp_path / "keep", apart_from=[workspace])


def test_what_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "keep").mkdir(mode=0o755)
    with pytest.raises(KeepError, match="others than you") as refused:
        open_folder(tmp_path / "keep")
    assert "chmod 700" in refused.value.remedy


def test_a_folder_that_cannot_be_made_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(KeepError, match="cannot be kept in"):
        open_folder(tmp_path / "file" / "keep")


# ---- what a crash leaves


def killed_at(step: int, call: str, folder: Folder, keys: Keys) -> bool:
    """Make an undo in a child that dies by SIGKILL right before its n-th call of that kind; whether it died."""
    child = os.fork()
    if child == 0:
        try:
            _die_at(step, call)
            make(Keep(folder, keys, Budget(Limits())), {"a": NOISE, "b": USERS})
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _die_at(step: int, call: str) -> None:
    truly, calls = getattr(os, call), [0]

    def counting(*given, **named):
        calls[0] += 1
        if calls[0] == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return truly(*given, **named)

    setattr(os, call, counting)


@pytest.mark.parametrize("call", CALLS)
def test_killed_at_any_step_it_counts_whole_or_not_at_all(folder: Folder, keys: Keys, call: str) -> None:
    keep = Keep(folder, keys, Budget(Limits()))
    before = make(keep, {"kept": USERS})
    step, died = 1, True
    while died:
        died = killed_at(step, call, folder, keys)
        for undo in set(folder.undos()) - {before.id}:
            assert content(keep, undo) == {"a": NOISE, "b": USERS}
            folder.remove(undo)
        folder.sweep()
        assert [path.name for path in folder.root.iterdir()] == [before.id]
        step += 1
    assert step > 2, f"{call} was never called"
    assert content(keep, before.id) == {"kept": USERS}


def test_everything_is_flushed_before_the_manifest_gets_its_name(
    keep: Keep, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def flushed(file: int) -> None:
        fsync(file)
        done.append(Path(os.readlink(f"/proc/self/fd/{file}")).name)

    def renamed(source: str, target: str, **named: int) -> None:
        done.append(f"{source} -> {target}")
        rename(source, target, **named)

    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(os, "rename", renamed)
    made = make(keep, {"a": NOISE, "b": USERS})
    assert done == [
        "00000",
        "00001",
        made.id,
        "manifest.draft",
        "manifest.draft -> manifest",
        made.id,
        folder.root.name,
    ]


def test_what_is_being_written_is_not_swept(keep: Keep, folder: Folder) -> None:
    with keep.begin("t1") as making, making.file("a") as file:
        file.write(NOISE)
        assert folder.sweep() == 0
        file.close()
        assert folder.sweep() == 0
        made = making.finish({})
    assert folder.sweep() == 0
    assert content(keep, made.id) == {"a": NOISE}


def test_a_removal_that_is_cut_short_is_swept(keep: Keep, folder: Folder) -> None:
    made = make(keep)
    (folder.root / made.id / "manifest").unlink()
    assert list(folder.undos()) == []
    assert folder.sweep() == 1
    assert list(folder.root.iterdir()) == []


def test_what_is_no_folder_of_its_own_is_left_alone_by_a_sweep(keep: Keep, folder: Folder, tmp_path: Path) -> None:
    made = make(keep, {"a": USERS})
    (tmp_path / "elsewhere").mkdir()
    (folder.root / "u-0123456789ab").symlink_to(tmp_path / "elsewhere")
    (folder.root / "u-0123456789ac").touch()
    assert folder.sweep() == 0
    assert (tmp_path / "elsewhere").is_dir()
    assert content(keep, made.id) == {"a": USERS}


def test_sweeping_and_making_at_the_same_time(keep: Keep, folder: Folder) -> None:
    """No sweep sees a folder that is new and not locked yet: each undo is made whole, and no sweep fails."""
    stop = threading.Event()

    def sweep() -> int:
        swept = 0
        while not stop.is_set():
            swept += folder.sweep()
        return swept

    with ThreadPoolExecutor(2) as threads:
        sweeps = [threads.submit(sweep) for _ in range(2)]
        try:
            made = [make(keep, {"a": USERS}) for _ in range(60)]
        finally:
            stop.set()
        assert [one.result() for one in sweeps] == [0, 0]
    assert set(folder.undos()) == {one.id for one in made}
    for one in made:
        assert content(keep, one.id) == {"a": USERS}


def test_two_sweeps_and_two_removals_at_the_same_time(keep: Keep, folder: Folder) -> None:
    """What a dead writer left is swept; an undo that two remove is gone when the first of them says so."""

    def still_there_behind(removed: str) -> bool:
        folder.remove(removed)
        return (folder.root / removed).exists()

    files = {f"a{number}": b"" for number in range(100)}
    for _ in range(5):
        left, removed = make(keep, files), make(keep, files)
        (folder.root / left.id / "manifest").unlink()
        with ThreadPoolExecutor(4) as threads:
            sweeps = [threads.submit(folder.sweep) for _ in range(2)]
            removals = [threads.submit(still_there_behind, removed.id) for _ in range(2)]
            assert [one.result() for one in removals] == [False, False]
            assert sum(one.result() for one in sweeps) >= 1
        assert list(folder.root.iterdir()) == []


# ---- a full disk


def small_disk(folder: Path) -> list[str]:
    """A real file system of eight megabytes in a mount namespace of its own; a limit on files where that is denied."""
    shell = ["sh", "-c", MOUNT, "sh", str(folder), sys.executable, str(SCRIPT)]
    for command in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        if subprocess.run([*command, "true"], capture_output=True).returncode == 0:
            return [*command, *shell]
    return [sys.executable, str(SCRIPT), str(folder)]


@pytest.mark.parametrize("disk", ["small", "limited"])
def test_a_full_disk_refuses_and_leaves_nothing(tmp_path: Path, disk: str) -> None:
    """`small` is a file system that runs out of blocks, `limited` one that refuses larger files (EFBIG)."""
    command = small_disk(tmp_path) if disk == "small" else [sys.executable, str(SCRIPT), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "refused": "KeepFull",
        "left": 0,
        "stored": 0,
        "then": "it fits again",
    }


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("call", ["write", "fsync", "rename", "mkdir"])
def test_no_room_at_any_step_leaves_nothing(
    keep: Keep, folder: Folder, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    def full(*given, **named):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, full)
    with pytest.raises(KeepFull, match="no room"):
        make(keep)
    monkeypatch.undo()
    assert list(folder.root.iterdir()) == []
    assert keep.budget.total == 0


@pytest.mark.parametrize("call", ["write", "fsync", "rename", "mkdir"])
def test_a_broken_disk_is_no_full_disk(keep: Keep, folder: Folder, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    def broken(*given, **named):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, call, broken)
    with pytest.raises(KeepError, match="Input/output error") as refused:
        make(keep)
    assert not isinstance(refused.value, KeepFull)
    monkeypatch.undo()
    assert list(folder.root.iterdir()) == []


def test_it_leaves_room_for_the_log(tmp_path: Path, keys: Keys) -> None:
    room = os.statvfs(tmp_path)
    folder = open_folder(tmp_path / "keep", leave_free_bytes=room.f_bavail * room.f_frsize)
    with pytest.raises(KeepFull, match="MiB are free"):
        make(Keep(folder, keys, Budget(Limits())))
    assert list(folder.root.iterdir()) == []
