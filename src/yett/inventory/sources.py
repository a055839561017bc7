"""What an agent could read: a workspace's files, git objects and configuration. Read-only, follows no links in it."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from yett.inventory.git import GIT, environment, read_many
from yett.inventory.git_life import run

MAX_FILE = 2 << 20
"""Larger files are data, not text that anyone keeps a key in; reading them all would make every start wait."""

"""Seconds: a pipe among a repository's files makes git wait for ever."""
_SKIPPED = frozenset({".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", ".tox"})
_BINARY = re.compile(
    r".*\.(?:7z|a|avi|bin|bmp|bz2|class|dll|dylib|eot|exe|gif|gz|ico|jar|jpe?g|mov|mp[34]|o|otf|parquet|pdf|png|pyc"
    r"|rar|so|tar|tgz|ttf|wasm|web[mp]|whl|woff2?|xz|zip|zst)",
    re.IGNORECASE,
)
_GIT_TEXTS = ("config", "config.worktree", "FETCH_HEAD", "COMMIT_EDITMSG", "logs/HEAD")


def workspace_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """(path, content) of every text file up to MAX_FILE below a folder; of a file, itself, also through a link."""
    if not folder.is_dir():
        content = read_text(os.path.realpath(folder))
        if content is not None:
            yield str(folder), content
        return
    for base, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in _SKIPPED and not _is_installed(base, name)]
        for name in names:
            if _BINARY.fullmatch(name):
                continue
            path = os.path.join(base, name)
            if (content := read_text(path)) is not None:
                yield path, content


def _is_installed(base: str, name: str) -> bool:
    """Other people's packages, put there by an installer: their test keys are nobody's."""
    return name in ("node_modules", "site-packages") or os.path.exists(os.path.join(base, name, "pyvenv.cfg"))


def read_text(path: str) -> bytes | None:
    """A regular file's content, None if it is large, binary, unreadable or a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_FILE:
            return None
        content = os.read(descriptor, MAX_FILE)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None if is_binary(content) else content


def is_binary(content: bytes) -> bool:
    """As git tells: a NUL near the start. UTF-16 text is binary too."""
    return b"\0" in content[:8192]


def blob_id(content: bytes) -> str:
    """The id that git gives a file of this content, in a repository of SHA-1."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def git_folder(workspace: Path) -> Path | None:
    """The repository that the workspace belongs to, None if it belongs to none."""
    found = _git(workspace, "rev-parse", "--absolute-git-dir").decode(errors="surrogateescape").strip()
    return Path(found) if found else None


def git_texts(folder: Path) -> Iterator[tuple[str, bytes]]:
    """git's own files that may hold a remote's password."""
    for name in _GIT_TEXTS:
        path = str(folder / name)
        if (content := read_text(path)) is not None:
            yield path, content


def git_objects(workspace: Path, known: Iterable[str] = ()) -> Iterator[tuple[str, str, bytes]]:
    """(id, type, content) of every blob, commit and tag in the repository, reachable or not, but for `known`."""
    listed = _git(
        workspace,
        "cat-file",
        "--batch-all-objects",
        "--unordered",
        "--batch-check=%(objectname) %(objecttype) %(objectsize)",
    )
    left_out = set(known)
    wanted = []
    for row in listed.decode().splitlines():
        oid, kind, size = row.split(" ")
        if kind != "tree" and int(size) <= MAX_FILE and oid not in left_out:
            wanted.append(oid)
    if wanted:
        for oid, kind, content in read_many(workspace, wanted):
            if not is_binary(content):
                yield oid, kind, content


def paths_of(workspace: Path, oids: set[str]) -> dict[str, str]:
    """A path that each blob had somewhere in history; only asked for when something was found."""
    found: dict[str, str] = {}
    for oid, path in git_paths(workspace):
        if oid in oids:
            found.setdefault(oid, path)
    return found


def git_paths(workspace: Path, most: int = 0) -> Iterator[tuple[str, str]]:
    """(object, a path that it had) of everything that a branch, tag or reflog leads to.

    Nothing where the repository keeps more than `most` objects (0: any number).
    """
    if most and _object_count(workspace) > most:
        return
    listed = _git(workspace, "rev-list", "--objects", "--all", "--reflog")
    for row in listed.decode(errors="surrogateescape").splitlines():
        oid, _, path = row.partition(" ")
        if path:
            yield oid, path


def _object_count(workspace: Path) -> int:
    rows = (row.split(b": ") for row in _git(workspace, "count-objects", "-v").splitlines())
    return sum(int(number) for name, number in rows if name in (b"count", b"in-pack"))


def _git(workspace: Path, *words: str) -> bytes:
    """git's answer, nothing if it has none: no repository, no git.

    Raises:
        GitStalled: it waits for something that does not come.
    """
    try:
        done = run([*GIT, *words], cwd=workspace, env=environment())
    except OSError:
        return b""
    return done.stdout if done.returncode == 0 else b""
