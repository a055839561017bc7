"""git's plumbing, as the mirror needs it: commands, objects by id, trees, packs (see also inventory/git.py)."""

from __future__ import annotations

import contextlib
import hashlib
import re
import struct
import subprocess
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from yett.inventory.git import GIT, environment
from yett.inventory.git_life import Life, patient, run
from yett.inventory.history.regular import regular
from yett.model.errors import YettError

Oid = str
ZERO = "0" * 40
_TYPES = {"commit": 1, "tree": 2, "blob": 3, "tag": 4}
_FETCH_ALL = "fetch what is missing once, then run again: git fetch --refetch --no-filter"
_ENTRY = re.compile(rb"(\d+) ([^\0]+)\0(.{20})", re.DOTALL)


class GitFailed(YettError):
    """git ended with an error; its last words are in the message."""


def git(
    repository: Path,
    *arguments: str,
    stdin: bytes | IO[bytes] | None = None,
    env: Mapping[str, str] | None = None,
    beside: Sequence[int] = (),
) -> bytes:
    """Standard output of one git command, which reads bytes or an open file. `beside`: processes that it waits for.

    Raises:
        GitFailed: it ended with another status than 0.
        GitStalled: it waited for something that did not come.
    """
    done = run([*GIT, *arguments], cwd=repository, env=environment(env), stdin=stdin, beside=beside)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        if "promisor remote" in said:
            raise GitFailed(f"{repository} is a partial clone, and lacks an object", _FETCH_ALL)
        raise GitFailed(f"git {arguments[0]} failed: {said[-400:]}")
    return done.stdout


def lines(
    repository: Path, *arguments: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
) -> list[str]:
    return git(repository, *arguments, stdin=stdin, env=env).decode(errors="surrogateescape").splitlines()


def object_id(kind: str, body: bytes) -> Oid:
    return hashlib.sha1(b"%s %d\0" % (kind.encode(), len(body)) + body, usedforsecurity=False).hexdigest()


def present(repository: Path, oids: Iterable[Oid]) -> set[Oid]:
    """Which of these objects a repository has."""
    asked = "\n".join(oids).encode() + b"\n"
    rows = lines(repository, "cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked)
    return {row.split(" ")[0] for row in rows if not row.endswith(" missing")}


def text_of(path: Path, most: int = 4 << 20) -> str:
    """A small file of a git folder; "" if there is none, or something that is no file."""
    try:
        return regular(path, most).decode(errors="surrogateescape")
    except OSError:
        return ""


class Reader:
    """One object at a time, by id, from one running cat-file."""

    def __init__(self, repository: Path, env: Mapping[str, str] | None = None) -> None:
        self._process = subprocess.Popen(
            [*GIT, "cat-file", "--batch"],
            cwd=repository, env=environment(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._answers = patient(Life(self._process, repository))

    def __call__(self, oid: Oid) -> tuple[str, bytes]:
        """Type and body.

        Raises:
            GitFailed: there is no such object.
            GitStalled: git waits for something that does not come.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(oid.encode() + b"\n")
        self._process.stdin.flush()
        fields = self._answers.readline().split()
        if len(fields) < 3:
            raise GitFailed(f"object {oid} is missing")
        return fields[1].decode(), self._answers.read(int(fields[2]) + 1)[:-1]

    def close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it was ended
            self._process.stdin.close()
        self._answers.close()
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def tree_entries(body: bytes) -> list[tuple[bytes, bytes, Oid]]:
    """(mode, name, id) of each entry, in the tree's own order."""
    return [(mode, name, oid.hex()) for mode, name, oid in _ENTRY.findall(body)]


def tree_body(entries: Iterable[tuple[bytes, bytes, Oid]]) -> bytes:
    return b"".join(mode + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in entries)


def write_objects(repository: Path, objects: Sequence[tuple[str, bytes]]) -> None:
    """Store objects as one pack; git's own index-pack checks every byte of it."""
    if not objects:
        return
    pack = bytearray(b"PACK" + struct.pack(">II", 2, len(objects)))
    for kind, body in objects:
        pack += _pack_header(kind, len(body)) + zlib.compress(body, 1)
    pack += hashlib.sha1(pack, usedforsecurity=False).digest()
    git(repository, "index-pack", "--stdin", "--strict", stdin=bytes(pack))


def _pack_header(kind: str, size: int) -> bytes:
    """gitformat-pack(5): 3 bits of type, then the size in 4 + 7n bits, least significant first."""
    header = bytearray()
    byte = _TYPES[kind] << 4 | size & 15
    size >>= 4
    while size:
        header.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    header.append(byte)
    return bytes(header)
