"""What a capture works with, and what it answers of one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType

from yett.providers.postgres.guard.captured import CapturedTable, File
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.own import Connection
from yett.providers.postgres.guard.rows.aim import Aim
from yett.providers.postgres.guard.sink import Sink


@dataclass(frozen=True, slots=True)
class Limits:
    """`table_bytes` of one table's changed rows; `whole_bytes` up to which a table is kept whole in doubt; `keys` and
    `locked`: rows that the agent's connection names one by one."""

    table_bytes: int = 4 << 30
    whole_bytes: int = 256 << 20
    keys: int = 20_000
    locked: int = 200_000


NO_AIMS: Mapping[int, tuple[Aim, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Taking:
    """The parts that a capture works with. `read_committed`: the agent's transaction sees what others commit. `aims`:
    where rows of a table (oid) are looked for first."""

    agent: Executing
    own: Connection
    sink: Sink
    limits: Limits
    read_committed: bool
    aims: Mapping[int, tuple[Aim, ...]] = field(default_factory=lambda: NO_AIMS)
    numbers: Iterator[int] = field(default_factory=count)


@dataclass(frozen=True, slots=True)
class Taken:
    """One table's rows, the files that hold them, and the ids that were proven to be the agent's."""

    table: CapturedTable
    files: tuple[File, ...]
    proven: frozenset[int]
