"""Files of history that only their name tells: an old .env, a .pgpass. The packs know no names, so git lists them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from yett.inventory.formats import Unparsable, format_of
from yett.inventory.git import read_many
from yett.inventory.history.screening import Spot
from yett.inventory.sources import git_paths

MOST_OBJECTS = 300_000
"""Listing names takes about 5 us an object; in larger repositories it would take longer than everything else."""
_LARGEST = 4 << 20


def named_past(workspace: Path) -> Iterator[tuple[str, str, tuple[Spot, ...]]]:
    """(blob, path, what the parser of that path's format finds in it), for what a branch, tag or reflog leads to."""
    paths = {oid: path for oid, path in git_paths(workspace, MOST_OBJECTS) if format_of(path) is not None}
    for oid, kind, content in read_many(workspace, paths) if paths else ():
        if kind == "blob" and len(content) <= _LARGEST and (spots := _spots(paths[oid], content)):
            yield oid, paths[oid], spots


def _spots(path: str, content: bytes) -> tuple[Spot, ...]:
    form = format_of(path)
    found: list[Spot] = []
    try:
        for hit in form.parse(content) if form else ():
            found.append(Spot(hit, hit.value_in(content), content.count(b"\n", 0, max(hit.start, 0)) + 1))
    except Unparsable:
        pass  # what was read before holds, and the engine has looked at all of it
    return tuple(found)
