"""Which commits brought a found object into the repository, and under which paths."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from yett.inventory.git import GIT, environment
from yett.inventory.git_life import Life, patient
from yett.inventory.history.agents import made_by_agent
from yett.inventory.history.commits import Commit, commits
from yett.inventory.history.repositories import Repository, git, repositories
from yett.inventory.history.screening import Found

UNREACHABLE = "unreachable"
_WORTH_TWO = 5000
"""Commits from which on two processes are faster than one."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The oldest commit that had an object at a path. `agent` as `made_by_agent` says.

    `commit` is UNREACHABLE where no branch, tag or reflog leads to the object: it can still be read, and fetched.
    """

    commit: str
    path: str = ""
    author: str = ""
    address: str = ""
    at: float = 0.0
    agent: str = ""


def attribute(found: Iterable[Found], workspace: Path) -> dict[str, tuple[Origin, ...]]:
    """The origins of each object by its id, one a path, the oldest first."""
    origins: dict[str, tuple[Origin, ...]] = {}
    by_folder: dict[Path, list[Found]] = {}
    for each in found:
        by_folder.setdefault(each.repository, []).append(each)
    for repository in repositories(workspace) if by_folder else ():
        origins.update(_of_one(repository, by_folder.get(repository.folder, ())))
    return origins


def _of_one(repository: Repository, found: Sequence[Found]) -> dict[str, tuple[Origin, ...]]:
    if not found:
        return {}
    blobs = {each.oid for each in found if each.kind == "blob"}
    listed = git(repository.folder, repository.env, "rev-list", "--all", "--reflog").decode().split()
    places = _places(repository, listed, blobs) if blobs else {}
    reached = frozenset(listed)
    said = [each.oid for each in found if each.kind != "blob"]
    wanted = {commit for rows in places.values() for commit in rows.values()}
    read = {commit.oid: commit for commit in commits(repository, [*wanted, *said])}
    origins: dict[str, tuple[Origin, ...]] = {}
    for each in found:
        if each.kind == "blob":
            rows = [_origin(read[commit], path) for path, commit in places.get(each.oid, {}).items() if commit in read]
        elif each.oid in read and (each.kind == "tag" or each.oid in reached):
            rows = [_origin(read[each.oid], "")]
        else:
            rows = []
        origins[each.oid] = tuple(sorted(rows, key=lambda row: row.at)) or (Origin(UNREACHABLE),)
    return origins


def _origin(commit: Commit, path: str) -> Origin:
    return Origin(commit.oid, path, commit.author.name, commit.author.address, commit.author.at, made_by_agent(commit))


def _places(repository: Repository, listed: Sequence[str], blobs: set[str]) -> dict[str, dict[str, str]]:
    """For each blob its paths, each with the oldest commit that brought it there. `listed`: the newest commit first."""
    half = len(listed) // 2 if len(listed) > _WORTH_TWO else 0
    parts = [part for part in (listed[:half], listed[half:]) if part]
    answers: list[dict[str, dict[str, str]]] = [{} for _ in parts]
    threads = [
        threading.Thread(target=_compare, args=(repository, part, blobs, answer), daemon=True)
        for part, answer in zip(parts, answers, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    places: dict[str, dict[str, str]] = {}
    for answer in answers:
        for oid, rows in answer.items():
            places.setdefault(oid, {}).update(rows)
    return places


def _compare(repository: Repository, listed: Sequence[str], blobs: set[str], found: dict[str, dict[str, str]]) -> None:
    """Compare each commit with its parents. A merge counts where it differs from all of them."""
    with tempfile.TemporaryFile() as asked:
        asked.write("\n".join(listed).encode() + b"\n")
        asked.seek(0)
        process = subprocess.Popen(
            [*GIT, "diff-tree", "--stdin", "-r", "-z", "--root", "--no-renames", "-c", "--raw"],
            cwd=repository.folder, env=environment(repository.env), stdin=asked, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
    wanted = {oid.encode() for oid in blobs}
    with patient(Life(process, repository.folder)) as out:
        for commit, blob, path in _rows(out):
            if blob in wanted:
                found.setdefault(blob.decode(), {})[path.decode("utf-8", "surrogateescape")] = commit.decode()
    process.wait()


def _rows(out: IO[bytes]) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(commit, blob, path) of git's raw format: a commit's id, then for each change its data and its path."""
    commit = blob = left = b""
    while piece := out.read(1 << 20):
        *fields, left = (left + piece).split(b"\0")
        for field in fields:
            if blob:
                yield commit, blob, field
                blob = b""
            elif field.startswith(b":"):
                blob = field.rpartition(b" ")[0].rpartition(b" ")[2]
            else:
                commit = field
