"""Every way in which a file comes to hold something new is noticed, by inotify and without it."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from yett.inventory.watching import notified, watch
from yett.inventory.watching.inotify import Event, Inotify, Mask
from yett.inventory.watching.notified import Notified
from yett.inventory.watching.watch import Due, Watch

SOON_S = 5.0
"""R30."""


class Seen:
    """A watch, and what it has given so far."""

    def __init__(self, root: Path, share: int | None, since: int) -> None:
        self.said: list[str] = []
        self.watch = Watch(str(root), self.said.append, since, share)
        self.files: set[str] = set()
        self.gone: set[str] = set()
        self.gone_folders: set[str] = set()

    def until(self, wanted: Callable[[], bool], seconds: float = SOON_S) -> bool:
        end = time.monotonic() + seconds
        while not wanted() and time.monotonic() < end:
            changes = self.watch.wait(250, min(0.2, end - time.monotonic()))
            self.files.update(changes.files)
            self.gone |= changes.gone
            self.gone_folders.update(changes.gone_folders)
        return wanted()

    def sees(self, *paths: Path) -> bool:
        return self.until(lambda: self.files >= set(map(str, paths)))

    def never_sees(self, *paths: Path) -> bool:
        self.until(lambda: False, 1.5)
        return not self.files & set(map(str, paths))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    return folder


@pytest.fixture(params=["inotify", "listing"])
def seen(root: Path, request: pytest.FixtureRequest) -> Iterator[Seen]:
    """`listing`: no watch is left for this user."""
    found = Seen(root, 0 if request.param == "listing" else None, time.time_ns())
    assert found.watch.by == request.param
    found.until(lambda: False, 0.3)
    yield found
    found.watch.close()


def test_a_new_file_is_seen(seen: Seen, root: Path) -> None:
    (root / "a").write_text("x")
    assert seen.sees(root / "a")


def test_what_is_appended_is_seen(seen: Seen, root: Path) -> None:
    (root / "a").write_text("x")
    assert seen.sees(root / "a")
    seen.files.clear()
    with (root / "a").open("a") as file:
        file.write("y")
    assert seen.sees(root / "a")


def test_what_an_editor_puts_in_place_by_a_rename_is_seen(seen: Seen, root: Path) -> None:
    (root / ".a.swp").write_text("x")
    os.replace(root / ".a.swp", root / "a")
    assert seen.sees(root / "a")


def test_what_is_being_written_and_not_closed_is_seen(seen: Seen, root: Path) -> None:
    with (root / "log").open("w") as file:
        for _ in range(3):
            seen.files.clear()
            file.write("line\n" * 3)
            file.flush()
            assert seen.sees(root / "log")


def test_files_in_new_folders_are_seen_however_fast_they_come(seen: Seen, root: Path) -> None:
    deep = [root / f"new{n}/a/b/c" for n in range(20)]
    for folder in deep:
        folder.mkdir(parents=True)
        (folder / "f").write_text("x")
    assert seen.sees(*(folder / "f" for folder in deep))


def test_a_folder_that_is_moved_in_brings_its_files(seen: Seen, root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere/deep").mkdir(parents=True)
    (tmp_path / "elsewhere/deep/f").write_text("x")
    os.rename(tmp_path / "elsewhere", root / "in")
    assert seen.sees(root / "in/deep/f")
    (root / "in/deep/g").write_text("x")
    assert seen.sees(root / "in/deep/g")


def test_a_hard_link_is_seen(seen: Seen, root: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x")
    os.link(tmp_path / "kept", root / "linked")
    assert seen.sees(root / "linked")


def test_a_file_that_is_gone_is_told(seen: Seen, root: Path) -> None:
    (root / "a").write_text("x")
    assert seen.sees(root / "a")
    (root / "a").unlink()
    assert seen.until(lambda: str(root / "a") in seen.gone)


def test_a_folder_that_leaves_is_told_and_no_longer_watched(seen: Seen, root: Path, tmp_path: Path) -> None:
    (root / "out").mkdir()
    (root / "out/f").write_text("x")
    assert seen.sees(root / "out/f")
    os.rename(root / "out", tmp_path / "away")
    assert seen.until(lambda: str(root / "out") in seen.gone_folders or str(root / "out/f") in seen.gone)
    seen.files.clear()
    (tmp_path / "away/g").write_text("x")
    assert seen.never_sees(root / "out/g")


@pytest.mark.parametrize("name", [".git", "node_modules", "venv/lib/site-packages", "__pycache__"])
def test_gits_own_files_and_installed_packages_are_not_watched(seen: Seen, root: Path, name: str) -> None:
    (root / name).mkdir(parents=True)
    if name == ".git":
        (root / name / "HEAD").write_text("ref: refs/heads/main\n")
        seen.until(lambda: False, 1.5)
    (root / name / "f").write_text("x")
    assert seen.never_sees(root / name / "f")


def test_a_repository_that_is_cloned_is_watched_but_for_gits_own(seen: Seen, root: Path) -> None:
    (root / "made").mkdir()
    subprocess.run(["git", "init", "-q", str(root / "made")], check=True)
    seen.until(lambda: False, 1.5)
    (root / "made/.git/objects/f").write_text("x")
    (root / "made/f").write_text("x")
    assert seen.sees(root / "made/f")
    assert str(root / "made/.git/objects/f") not in seen.files


@pytest.mark.parametrize("name", [".git/f", "env/f", "env/etc/f", "a.png", "lib/f"])
def test_no_name_alone_hides_a_file(seen: Seen, root: Path, name: str) -> None:
    """Of a .git that is no repository, of an environment beside what is installed, of a picture."""
    (root / "env").mkdir()
    (root / "env/pyvenv.cfg").write_text("home = /usr\n")
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("x")
    assert seen.sees(root / name)


def test_a_link_is_never_followed(seen: Seen, root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "to").symlink_to(outside)
    (root / "machine").symlink_to("/")
    (outside / "f").write_text("x")
    assert seen.never_sees(root / "to/f", outside / "f")


def test_a_name_that_is_no_text_ends_nothing(seen: Seen, root: Path) -> None:
    strange = os.fsencode(root) + b"/\xff\n\x1b[2J"
    with open(strange, "wb") as file:
        file.write(b"x")
    assert seen.until(lambda: os.fsdecode(strange) in seen.files)
    (root / "after").write_text("x")
    assert seen.sees(root / "after")


def test_a_burst_of_five_thousand_files_is_seen_in_time(seen: Seen, root: Path) -> None:
    paths = [root / f"d{n % 50}" / f"f{n}" for n in range(5000)]
    for n in range(50):
        (root / f"d{n}").mkdir()
    for path in paths:
        path.write_text("x")
    assert seen.sees(*paths)


def test_a_workspace_that_is_made_anew_is_watched_again(
    seen: Seen, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "SWEEP_S", 1.0)
    seen.watch._sweep_at = 0.0
    shutil.rmtree(root)
    seen.until(lambda: False, 1.5)
    root.mkdir()
    (root / "a").write_text("x")
    assert seen.sees(root / "a")


def test_what_changed_while_nobody_watched_is_given_first(root: Path) -> None:
    (root / "before").write_text("x")
    time.sleep(2.1)
    since = time.time_ns()
    (root / "meanwhile").write_text("x")
    time.sleep(0.05)
    for share in (None, 0):
        found = Seen(root, share, since)
        try:
            assert found.sees(root / "meanwhile")
            assert str(root / "before") not in found.files
        finally:
            found.watch.close()


def test_running_out_of_watches_is_said_once_and_nothing_is_missed(root: Path) -> None:
    found = Seen(root, 5, time.time_ns())
    assert found.watch.by == "inotify"
    try:
        for n in range(30):
            (root / f"d{n}").mkdir()
            (root / f"d{n}" / "f").write_text("x")
        assert found.sees(*(root / f"d{n}" / "f" for n in range(30)))
        assert found.watch.by == "listing"
        assert len(found.said) == 1
        assert "listing it" in found.said[0]
    finally:
        found.watch.close()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EMFILE, errno.ENOSYS])
def test_a_machine_without_inotify_is_listed(root: Path, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(self: Inotify) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Inotify, "__init__", none_left)
    found = Seen(root, None, time.time_ns())
    try:
        assert found.watch.by == "listing"
        assert len(found.said) == 1
        (root / "a").write_text("x")
        assert found.sees(root / "a")
    finally:
        found.watch.close()


def test_a_queue_that_ran_over_is_made_up_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel says only that something was lost; the file's change time says what."""
    found = Seen(root, None, time.time_ns())
    found.until(lambda: False, 0.3)
    real = Inotify.read

    def lossy(self: Inotify) -> Iterator[Event]:
        if any(True for _ in real(self)):
            yield Event(-1, Mask.OVERFLOW, "")

    monkeypatch.setattr(notified.Inotify, "read", lossy)
    try:
        (root / "new/deep").mkdir(parents=True)
        (root / "new/deep/f").write_text("x")
        (root / "a").write_text("x")
        assert found.sees(root / "a", root / "new/deep/f")
    finally:
        found.watch.close()


def renamed(seen: Seen, root: Path) -> tuple[Path, Path]:
    """From where to where; the new name was looked at a moment ago, and has to rest."""
    old, new = root / "draft", root / "kept"
    for path in (old, new):
        path.write_text("a")
    assert seen.sees(old, new)
    seen.watch.looked(str(new), 0.2)
    seen.files.clear()
    os.replace(old, new)
    return old, new


def test_what_is_renamed_is_looked_at_before_its_old_name_is_gone(seen: Seen, root: Path) -> None:
    """Else what is in it went, and came back."""
    old, new = renamed(seen, root)
    assert seen.until(lambda: str(old) in seen.gone)
    assert str(new) in seen.files


def test_a_name_that_is_back_before_it_is_told_gone_is_not(seen: Seen, root: Path) -> None:
    old, new = renamed(seen, root)
    assert not seen.until(lambda: str(old) in seen.gone, 0.2)
    old.write_text("b")
    assert seen.sees(old, new)
    assert str(old) not in seen.gone


def test_the_real_queue_runs_over_and_nothing_is_lost(root: Path) -> None:
    found = Seen(root, None, time.time_ns())
    found.until(lambda: False, 0.3)
    script = "import sys\nfor n in range(30000): open(f'{sys.argv[1]}/f{n}', 'w').close()"
    try:
        subprocess.run([sys.executable, "-c", script, str(root)], check=True)
        assert found.until(lambda: len(found.files) == 30000, 20)
    finally:
        found.watch.close()


def test_what_a_mapping_writes_after_its_file_was_closed_is_found_by_the_sweep(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import mmap

    monkeypatch.setattr(watch, "SWEEP_S", 0.5)
    (root / "a").write_bytes(b"x" * 4096)
    with (root / "a").open("r+b") as file:
        mapping = mmap.mmap(file.fileno(), 4096)
    found = Seen(root, None, time.time_ns())
    found.until(lambda: False, 2.5)
    found.files.clear()
    try:
        mapping[0:6] = b"secret"
        mapping.flush()
        assert found.until(lambda: str(root / "a") in found.files, 30)  # a slow sweep rests fifty times as long
    finally:
        mapping.close()
        found.watch.close()


def test_a_folder_that_became_a_link_is_not_watched(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (root / "x").symlink_to(outside)
    watching = Notified(str(root), 100)
    try:
        assert list(watching.added(str(root / "x"))) == []
        assert len(watching) == 1
    finally:
        watching.close()


def test_a_file_that_is_written_all_the_time_is_looked_at_in_proportion() -> None:
    due = Due()
    due.now(["large"])
    assert due.take(10) == ("large",)
    due.looked("large", 100.0)
    due.now(["large", "small"])
    assert due.take(10) == ("small",)
    assert due.first() > time.monotonic() + 300


def test_stopping_wakes_whoever_waits(root: Path) -> None:
    import threading

    found = Watch(str(root), lambda line: None, time.time_ns())
    threading.Timer(0.2, found.stop).start()
    began = time.monotonic()
    assert not found.wait(10, 30)
    assert time.monotonic() - began < 5
    found.close()
    found.stop()
