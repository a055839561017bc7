"""placeholder"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yett.providers.postgres.guard.captured import Dump, File
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.own import Connection
from yett.providers.postgres.guard.sink import Sink


@dataclass(frozen=True, slots=True)
class Dumped:
    dump: Dump
    file: File
    xid: int
    relations: frozenset[int]
    gaps: tuple[str, ...]


async def dump(agent: Executing, own: Connection, tables: Sequence[int], schemas: Sequence[str], sink: Sink) -> Dumped:
    raise NotImplementedError
