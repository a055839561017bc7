"""Where an agent could read: the workspace's files, its git objects, variables, and the places that clients use."""

from __future__ import annotations

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

MAX_FILE = 2 << 20
_SKIPPED = frozenset({".git", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache"})
_GIT = ("git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*")


def workspace_files(workspace: Path) -> Iterator[tuple[str, bytes]]:
    """(path, content) of every text file up to MAX_FILE; links are not followed."""
    for base, folders, names in os.walk(workspace):
        folders[:] = [name for name in folders if name not in _SKIPPED and not _is_installed(base, name)]
        for name in names:
            path = os.path.join(base, name)
            if (content := read_text(path)) is not None:
                yield path, content


def _is_installed(base: str, name: str) -> bool:
    """Other people's packages, put there by an installer: their test keys are nobody's."""
    return name in ("node_modules", "site-packages") or os.path.exists(os.path.join(base, name, "pyvenv.cfg"))


def read_text(path: str) -> bytes | None:
    """A regular file's content, None if it is large, binary, unreadable or a link."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > MAX_FILE:
            return None
        content = file.read(MAX_FILE)
    return None if b"\0" in content[:8192] else content


def git_objects(workspace: Path) -> Iterator[tuple[str, str, bytes]]:
    """(id, type, content) of every blob, commit and tag that the repository holds, reachable or not."""
    if not (workspace / ".git").is_dir():
        return
    listed = _git(
        workspace,
        "cat-file",
        "--batch-all-objects",
        "--unordered",
        "--batch-check=%(objectname) %(objecttype) %(objectsize)",
    )
    wanted = []
    for row in listed.decode().splitlines():
        oid, kind, size = row.split(" ")
        if kind != "tree" and int(size) <= MAX_FILE:
            wanted.append(oid)
    yield from _contents(workspace, wanted)


def paths_of(workspace: Path, oids: set[str]) -> dict[str, str]:
    """A path that each blob had somewhere in history; only asked for when something was found."""
    found: dict[str, str] = {}
    listed = _git(workspace, "rev-list", "--objects", "--all", "--reflog")
    for row in listed.decode(errors="surrogateescape").splitlines():
        oid, _, path = row.partition(" ")
        if oid in oids and path:
            found.setdefault(oid, path)
    return found


def _contents(workspace: Path, oids: list[str]) -> Iterator[tuple[str, str, bytes]]:
    process = subprocess.Popen(
        [*_GIT, "cat-file", "--batch", "--buffer"],
        cwd=workspace, env=_environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 20,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    feed = process.stdin

    def write() -> None:
        feed.write("\n".join(oids).encode() + b"\n")
        feed.close()

    threading.Thread(target=write, daemon=True).start()
    try:
        for header in process.stdout:
            fields = header.split()
            if len(fields) == 3:
                content = process.stdout.read(int(fields[2]) + 1)[:-1]
                if b"\0" not in content[:8192]:
                    yield fields[0].decode(), fields[1].decode(), content
    finally:
        process.stdout.close()
        process.kill()
        process.wait()


def _git(workspace: Path, *words: str) -> bytes:
    done = subprocess.run([*_GIT, *words], cwd=workspace, env=_environment(), capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else b""


def _environment() -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    return clean | {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "GIT_NO_REPLACE_OBJECTS": "1"}
