"""Objects that git must be asked for: of other formats, borrowed bases, broken entries. Each is scanned whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from yett.inventory.git import read_many
from yett.inventory.history.repositories import Repository, git
from yett.inventory.history.screening import Engine, Found, spots
from yett.inventory.outcome import Unread

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
    report: Callable[[int], None] | None = None,
) -> Asked:
    """Scan these objects; trees among them are passed over."""
    asked = Asked()
    wanted = _listed(repository, [*dict.fromkeys(oids)], largest, asked)
    deaths = 0
    while wanted:
        before = asked.objects
        for oid, kind, content in read_many(repository.folder, wanted, repository.env):
            asked.objects += 1
            asked.read += len(content)
            if engine.touches(content) and (there := spots(engine, content)):
                asked.found.append(Found(oid, kind, there, repository.folder))
            if report is not None:
                report(len(content))
        wanted = wanted[asked.objects - before :]
        deaths += 1
        if deaths > _MOST_DEATHS:
            asked.lost += wanted
            asked.unread.append(Unread(str(repository.folder), f"{len(wanted)} more objects that git cannot read"))
            return asked
        if wanted:
            asked.lost.append(wanted[0])
            asked.unread.append(Unread(f"git object {wanted[0]}", "git cannot read it"))
            wanted = wanted[1:]
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


def _listed(repository: Repository, oids: Sequence[str], largest: int, asked: Asked) -> list[str]:
    """Those that are there, no trees, and not too large."""
    if not oids:
        return []
    answer = git(
        repository.folder,
        repository.env,
        "cat-file",
        "--batch-check=%(objectname) %(objecttype) %(objectsize)",
        feed="\n".join(oids).encode() + b"\n",
    )
    rows = answer.decode().splitlines()
    wanted = []
    for oid, row in zip(oids, rows, strict=False):
        _, _, rest = row.partition(" ")
        kind, _, size = rest.partition(" ")
        if not size:
            asked.lost.append(oid)
            asked.unread.append(Unread(f"git object {oid}", "missing"))
        elif kind == "tree":
            continue
        elif int(size) > largest:
            asked.unread.append(Unread(f"git object {oid}", f"{int(size):,} bytes, more than are read"))
        else:
            wanted.append(oid)
    wanted += oids[len(rows) :]
    return wanted
