"""Objects that git must be asked for: of other formats, borrowed bases, broken entries. Each is scanned whole."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

from yett.inventory.git import GIT, environment, read_many
from yett.inventory.git_life import run
from yett.inventory.history.repositories import Repository, git
from yett.inventory.history.screening import Engine, Found, spots
from yett.inventory.outcome import Unread

_MOST_LINES = 100
_MOST_DEATHS = 100
"""git ends at a broken object; it is started again behind it, but not for ever."""


@dataclass(slots=True)
class Asked:
    """What came of it. `lost` are the ids that could not be read."""

    found: list[Found] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    objects: int = 0
    read: int = 0


def ask(
    repository: Repository,
    oids: Iterable[str],
    engine: Engine,
    largest: int,
    perhaps: Iterable[str] = (),
) -> Asked:
    """Scan these objects; trees among them are passed over. `perhaps`: those that may be gone by now.

    Raises:
        GitStalled: git says nothing, and waits.
    """
    asked = Asked()
    wanted = _listed(repository, [*dict.fromkeys((*oids, *perhaps))], largest, asked, frozenset(perhaps))
    deaths = 0
    while wanted:
        answered = 0
        for oid, kind, content in read_many(repository.folder, list(wanted), repository.env):
            if len(content) != wanted[oid]:
                break  # git died within it
            answered += 1
            asked.objects += 1
            asked.read += len(content)
            if engine.touches(content) and (there := spots(engine, content)):
                asked.found.append(Found(oid, kind, there, repository.folder))
        left = list(wanted)[answered:]
        deaths += 1
        if deaths > _MOST_DEATHS:
            asked.lost += left
            asked.unread.append(Unread(str(repository.folder), f"{len(left):,} more objects that git cannot read"))
            break
        if left:
            asked.lost.append(left[0])
            asked.unread.append(Unread(f"git object {left[0]}", "git cannot read it"))
        wanted = {oid: wanted[oid] for oid in left[1:]}
    if len(asked.unread) > _MOST_LINES:
        more = len(asked.unread) - _MOST_LINES
        asked.unread[_MOST_LINES:] = [Unread(str(repository.folder), f"{more:,} more objects that could not be read")]
    return asked


def every_object(repository: Repository) -> list[str]:
    """Ids of everything that git has."""
    listed = git(
        repository.folder,
        repository.env,
        "cat-file",
        "--batch-all-objects",
        "--unordered",
        "--batch-check=%(objectname)",
    )
    return listed.decode().split()


def present(repository: Repository, oids: Sequence[str]) -> list[str]:
    """What git says to each: its id, type and size, or that it is missing.

    Raises:
        GitStalled: it says nothing, and waits.
    """
    rows: list[str] = []
    for _ in range(_MOST_DEATHS):
        if len(rows) == len(oids):
            break
        done = run(
            [*GIT, "cat-file", "--batch-check=%(objectname) %(objecttype) %(objectsize)"],
            cwd=repository.folder,
            env=environment(repository.env),
            stdin="\n".join(oids[len(rows) :]).encode() + b"\n",
        )
        rows += done.stdout.decode().splitlines()
        if len(rows) < len(oids):
            rows.append(f"{oids[len(rows)]} missing")  # git died of it
    return rows


def _listed(
    repository: Repository, oids: Sequence[str], largest: int, asked: Asked, perhaps: frozenset[str]
) -> dict[str, int]:
    """The sizes of those that are there, no trees, and not too large."""
    rows = present(repository, oids)
    wanted: dict[str, int] = {}
    for oid, row in zip_longest(oids, rows, fillvalue=""):
        _, _, rest = row.partition(" ")
        kind, _, size = rest.partition(" ")
        if not size and oid in perhaps:
            continue
        if not size:
            asked.lost.append(oid)
            asked.unread.append(Unread(f"git object {oid}", "missing, or broken"))
        elif int(size) > largest:
            asked.unread.append(Unread(f"git object {oid}", f"{int(size):,} bytes, more than are read"))
        elif kind != "tree":
            wanted[oid] = int(size)
    return wanted
