"""A folder of this machine as the place of undos: one folder an undo, readable by its owner only.

While an undo is written its folder is locked (flock(2), which the kernel drops when the writer dies), so that what a
dead writer left is told from what is being written. A folder is made and locked while `root` is locked, and only then
is one looked at by a sweep: none is ever seen before its writer has locked it. The manifest comes by rename(2), after
everything else is on disk.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from yett.recovery.keep.errors import Damaged, KeepError, KeepFull
from yett.recovery.keep.place import MOST_MANIFEST_BYTES

MANIFEST = "manifest"
DRAFT = "manifest.draft"
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ_BYTES = 1024 * 1024
LEAVE_FREE_BYTES = 256 * 1024 * 1024
"""Room that undos leave on the disk: Yett's own log usually lies there too, and refuses everything once it is full."""
LOOK_EVERY_BYTES = 16 * 1024 * 1024

_UNDO = re.compile(r"u-[0-9a-f]{12}")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
DATA_DIRECTORY_MARKS = {
    "PG_VERSION": "PostgreSQL",
    "ibdata1": "MySQL or MariaDB",
    "WiredTiger": "MongoDB",
    "appendonlydir": "Redis",
    "aria_log_control": "MariaDB",
}
"""A file that stands in the top folder of a database's data directory."""


class Folder:
    """Undos below `root`. See `open_folder`."""

    gaps: tuple[str, ...] = ("the undo lies on this machine's own disk: what erases the disk erases it",)

    def __init__(self, root: Path, leave_free_bytes: int = LEAVE_FREE_BYTES) -> None:
        self.root = root
        self._leave_free_bytes = leave_free_bytes

    @property
    def name(self) -> str:
        return f"folder:{self.root}"

    def draft(self, undo: str, until_ns: int) -> FolderDraft:
        with _in_words(self.root):
            return FolderDraft(self.root, undo, self._leave_free_bytes)

    def manifests(self, undo: str) -> Iterator[bytes]:
        with _in_words(self.root), contextlib.suppress(FileNotFoundError, NotADirectoryError):
            path = self._folder(undo) / MANIFEST
            if path.stat().st_size <= MOST_MANIFEST_BYTES:
                yield b"".join(_pieces(path))

    def read(self, undo: str, name: str, at: str) -> Iterator[bytes]:
        path = self._folder(undo) / name
        with _in_words(self.root):
            try:
                yield from _pieces(path)
            except (FileNotFoundError, NotADirectoryError):
                raise Damaged("it is gone", "somebody removed it: use another undo") from None

    def undos(self) -> Iterator[str]:
        yield from (folder.name for folder in self._folders() if (folder / MANIFEST).exists())

    def extend(self, undo: str, until_ns: int) -> None:
        """Nothing here lets go by itself."""

    def remove(self, undo: str) -> None:
        folder = self._folder(undo)
        with _in_words(self.root), contextlib.suppress(FileNotFoundError), _opened(folder) as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            _remove(folder)

    def sweep(self) -> int:
        with _in_words(self.root):
            return sum(_swept(self.root, folder) for folder in self._folders() if not (folder / MANIFEST).exists())

    def _folders(self) -> list[Path]:
        with _in_words(self.root):
            return sorted(path for path in self.root.iterdir() if _UNDO.fullmatch(path.name))

    def _folder(self, undo: str) -> Path:
        if not _UNDO.fullmatch(undo):
            raise Damaged(f"{undo!r} is no undo's id", "yett undo list shows those that exist")
        return self.root / undo


class FolderDraft:
    """One undo being written below `root`; its folder stays locked until it is over."""

    def __init__(self, root: Path, undo: str, leave_free_bytes: int) -> None:
        self._root = root
        self._path = root / undo
        self._leave_free_bytes = leave_free_bytes
        self._blobs: list[FolderBlob] = []
        with _opened(root) as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            self._path.mkdir(mode=0o700)
            self._folder = os.open(self._path, FOLDER)
            fcntl.flock(self._folder, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def blob(self, name: str) -> FolderBlob:
        with _in_words(self._root):
            blob = FolderBlob(self._root, self._folder, name, self._leave_free_bytes)
        self._blobs.append(blob)
        return blob

    def reach(self, name: str) -> str:
        return ""

    def settle(self) -> Mapping[str, str]:
        with _in_words(self._root):
            os.fsync(self._folder)
        return {blob.name: "" for blob in self._blobs}

    def commit(self, manifest: bytes) -> None:
        with _in_words(self._root):
            blob = FolderBlob(self._root, self._folder, DRAFT, 0)
            self._blobs.append(blob)
            blob.write(manifest)
            blob.finish()
            os.rename(DRAFT, MANIFEST, src_dir_fd=self._folder, dst_dir_fd=self._folder)
            os.fsync(self._folder)
            _fsync_folder(self._root)
        self._close()

    def abort(self) -> None:
        with contextlib.suppress(OSError):
            _remove(self._path)
        self._close()

    def _close(self) -> None:
        for blob in self._blobs:
            blob.close()
        if self._folder >= 0:
            os.close(self._folder)
            self._folder = -1


class FolderBlob:
    """A new file in a folder; flushed to disk by `finish`."""

    def __init__(self, root: Path, folder: int, name: str, leave_free_bytes: int) -> None:
        self.name = name
        self._root = root
        self._leave_free_bytes = leave_free_bytes
        self._until_look = 0
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.open(name, flags, 0o600, dir_fd=folder)

    def write(self, data: bytes) -> None:
        with _in_words(self._root):
            self._look_at_the_room(len(data))
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._file, rest) :]

    def finish(self) -> None:
        with _in_words(self._root):
            os.fsync(self._file)
        self.close()

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _look_at_the_room(self, more: int) -> None:
        self._until_look -= more
        if self._until_look > 0 or self._leave_free_bytes == 0:
            return
        self._until_look = LOOK_EVERY_BYTES
        room = os.fstatvfs(self._file)
        if room.f_bavail * room.f_frsize < self._leave_free_bytes + more:
            raise _full(self._root, f"less than {self._leave_free_bytes // 1024**2} MiB are free")


def open_folder(root: Path, *, apart_from: Iterable[Path] = (), leave_free_bytes: int = LEAVE_FREE_BYTES) -> Folder:
    """The place at `root`, made if it is not there. `apart_from`: workspaces and other folders that agents reach.

    Raises:
        KeepError: it is inside one of those (or one of those inside it) or inside a database's data directory, or
            others than its owner can read it.
    """
    real = Path(os.path.realpath(root))
    for other in (Path(os.path.realpath(path)) for path in apart_from):
        if real.is_relative_to(other) or other.is_relative_to(real):
            raise KeepError(
                f"undos cannot lie in {root}: {other} is what they protect from, or holds it",
                "choose a folder apart from every workspace",
            )
    for above in (real, *real.parents):
        for mark, database in DATA_DIRECTORY_MARKS.items():
            if (above / mark).exists():
                raise KeepError(
                    f"undos cannot lie in {root}: {above} is a data directory of {database}, and would go with it",
                    "choose a folder outside every database",
                )
    with _in_words(real):
        made = [path for path in (real, *real.parents) if not path.exists()]
        real.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = real.stat()
        if facts.st_uid != os.geteuid() or stat.S_IMODE(facts.st_mode) & 0o077:
            raise KeepError(
                f"undos cannot lie in {root}: others than you can read or write it", f"run chmod 700 {real}"
            )
        for path in made or [real]:
            _fsync_folder(path.parent)
    return Folder(real, leave_free_bytes)


def _pieces(path: Path) -> Iterator[bytes]:
    opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(opened, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise Damaged("it is no plain file", "somebody put something else there")
        while piece := file.read(READ_BYTES):
            yield piece


def _swept(root: Path, folder: Path) -> bool:
    """Remove what a dead writer left in `folder`; not what somebody is writing or removing.

    It stays locked while it goes, so that of two sweeps one removes it.
    """
    with contextlib.ExitStack() as locked:
        try:
            opened = locked.enter_context(_opened(folder))
            with _opened(root) as above:
                fcntl.flock(above, fcntl.LOCK_EX)
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # somebody is at it, or it is gone, or no folder of ours
            return False
        left = folder.exists() and not (folder / MANIFEST).exists()  # it may be finished or gone since
        if left:
            _remove(folder)
        return left


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    opened = os.open(folder, FOLDER)
    try:
        yield opened
    finally:
        os.close(opened)


def _remove(folder: Path) -> None:
    """The manifest first: what is left of a removal that is cut short does not count, and is swept."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        (folder / MANIFEST).unlink()
        _fsync_folder(folder)
    if folder.exists():
        shutil.rmtree(folder)
        _fsync_folder(folder.parent)


def _fsync_folder(folder: Path) -> None:
    with _opened(folder) as opened:
        os.fsync(opened)


@contextlib.contextmanager
def _in_words(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(root, str(error.strerror)) from None
        raise KeepError(f"undos cannot be kept in {root}: {error.strerror}", "check the disk and who owns it") from None


def _full(root: Path, why: str) -> KeepFull:
    return KeepFull(
        f"there is no room for the undo in {root}: {why}", "make room there, or let old undos go with yett undo prune"
    )
