"""What a commit would add: the credentials in staged files that the files did not hold before. For a commit hook.

Everybody who commits waits for this, so it imports hyperscan and the standard library only, and reads nothing but the
blobs that git has staged.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from yett.inventory.engine import Detector, engine
from yett.inventory.git import GIT, environment
from yett.inventory.hit import Hit
from yett.inventory.likely import is_weighty
from yett.model.errors import YettError

_RAW = ("--raw", "-z", "--abbrev=64", "--no-renames")
_GITLINK = "160000"


@dataclass(frozen=True, slots=True)
class Change:
    """One changed file: its path, and the ids of its blobs. `before` is "" for a new one."""

    path: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Leak:
    """A credential that a change adds. `value` stays in memory."""

    path: str
    line: int
    hit: Hit
    value: bytes


class NoRepository(YettError):
    """git has nothing to say here."""


def staged(folder: Path) -> list[Change]:
    """The files that the next commit adds or changes.

    Raises:
        NoRepository: the folder is in no repository, or there is no git.
    """
    return _changes(folder, "diff", "--cached")


def pushed(folder: Path, lines: str) -> list[Change]:
    """The files that a push adds or changes: `lines` as git hands them to a pre-push hook (githooks(5))."""
    found: list[Change] = []
    for line in lines.splitlines():
        fields = line.split()
        if len(fields) == 4 and fields[1].strip("0"):
            found += _since(folder, fields[1], fields[3])
    return found


def between(folder: Path, old: str, new: str = "HEAD") -> list[Change]:
    """The files that differ between two revisions."""
    return _changes(folder, "diff", f"{old}...{new}")


def leaks(folder: Path, changes: list[Change], detector: Detector | None = None) -> Iterator[Leak]:
    """What the changes add. A credential that stood in the file before is no news, whatever line it moves to."""
    known = detector or engine(light=True)
    bodies = _bodies(folder, {oid for change in changes for oid in (change.before, change.after) if oid})
    for change in changes:
        after = bodies.get(change.after, b"")
        found = list(_look(known, change.path, after))
        if not found:
            continue
        before = {value for _, value in _look(known, change.path, bodies.get(change.before, b""))}
        for hit, value in found:
            if value not in before:
                yield Leak(change.path, after.count(b"\n", 0, hit.start) + 1, hit, value)


def _look(detector: Detector, path: str, content: bytes) -> Iterator[tuple[Hit, bytes]]:
    if not content:
        return
    if b"\0" in content[:8192]:
        hits = detector.forms_only(content)
    else:
        hits = _with_format(path, content, detector.hits(content))
    for hit in hits:
        if is_weighty(path, content, hit):
            yield hit, hit.value_in(content)


def _with_format(path: str, content: bytes, found: list[Hit]) -> list[Hit]:
    from yett.inventory.formats.names import format_at

    form = format_at(path)
    if form is None:
        return found
    from yett.inventory.joined import joined, parsed

    return joined(found, list(parsed(content, form, lambda _why: None)), len(content))


def _since(folder: Path, local: str, remote: str) -> Iterator[Change]:
    """Of every commit that the other side does not have: a secret that a later one removes is pushed too."""
    exclude = [f"^{remote}"] if remote.strip("0") else ["--not", "--remotes"]
    commits = _git(folder, "rev-list", local, *exclude).decode().split()
    seen: set[tuple[str, str]] = set()
    for commit in commits:
        for change in _rows(_git(folder, "diff-tree", "-r", "-m", *_RAW, "--root", "--no-commit-id", commit)):
            if (change.path, change.after) not in seen:
                seen.add((change.path, change.after))
                yield change


def _changes(folder: Path, *words: str) -> list[Change]:
    return list(_rows(_git(folder, *words, *_RAW, "--no-ext-diff", "--diff-filter=AMT")))


def _rows(raw: bytes) -> Iterator[Change]:
    """`:100644 100644 OLD NEW M` NUL `path` NUL ... (git-diff-tree(1), raw output)."""
    fields = raw.decode("utf-8", "surrogateescape").split("\0")
    for about, path in zip(fields[::2], fields[1::2], strict=False):
        _, mode, before, after, kind = about.split(" ")
        if mode != _GITLINK and not kind.startswith("D"):
            yield Change(path, before if before.strip("0") else "", after)


def _bodies(folder: Path, oids: set[str]) -> Mapping[str, bytes]:
    if not oids:
        return {}
    done = subprocess.run(
        [*GIT, "cat-file", "--batch"], cwd=folder, env=_environment(), input="\n".join(oids).encode() + b"\n",
        capture_output=True, check=False,
    )  # fmt: skip
    return dict(_objects(done.stdout))


def _objects(answer: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while at < len(answer):
        end = answer.index(b"\n", at)
        fields = answer[at:end].split()
        at = end + 1
        if len(fields) == 3:
            size = int(fields[2])
            yield fields[0].decode(), answer[at : at + size]
            at += size + 1


def _git(folder: Path, *words: str) -> bytes:
    try:
        done = subprocess.run([*GIT, *words], cwd=folder, env=_environment(), capture_output=True, check=False)
    except OSError as error:
        raise NoRepository(f"git cannot be run: {error.strerror}", "install git") from None
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
        raise NoRepository(f"git has no answer in {folder}: {said[:200]}", "run this inside a git repository")
    return done.stdout


_OF_A_HOOK = ("GIT_INDEX_FILE", "GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")


def _environment() -> dict[str, str]:
    """A hook is told by GIT_INDEX_FILE what is committed (`git commit -a`, `git commit PATH`)."""
    return environment({name: os.environ[name] for name in _OF_A_HOOK if name in os.environ})
