"""Objects of a catalog by id and by name, each made of its row when somebody asks: of three thousand a text names a
few."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol, TypeVar

from yett.model.errors import YettError
from yett.operations.sql.catalog import FIRST_NORMAL_OID


class Named(Protocol):
    @property
    def oid(self) -> int: ...
    @property
    def schema(self) -> str: ...
    @property
    def name(self) -> str: ...


T = TypeVar("T", bound=Named)
Row = Sequence[Any]
"""Id, schema, name, and what else the query has. Any: whatever a driver makes of text, int, bool and arrays."""


class ByNeed(Mapping[int, T]):
    """Immutable as others see it; two threads may make the same value twice."""

    def __init__(self, rows: Mapping[int, Row], make: Callable[[Row], T]) -> None:
        self._rows = rows
        self._make = make
        self._made: dict[int, T] = {}
        self._names: dict[tuple[str, str], list[int]] = defaultdict(list)
        for oid, row in rows.items():
            self._names[row[1], row[2]].append(oid)

    @classmethod
    def of_rows(cls, rows: Sequence[Row], width: int, make: Callable[[Row], T]) -> ByNeed[T]:
        """Raises YettError: a row is not as the query has it, and a catalog that cannot be read is none."""
        if any(len(row) != width for row in rows):
            raise YettError("A row of the database's catalog is not as it was asked for.", "Report it: nothing runs.")
        return cls({row[0]: row for row in rows}, make)

    @classmethod
    def of(cls, values: Iterable[T]) -> ByNeed[T]:
        return cls({one.oid: (one.oid, one.schema, one.name, one) for one in values}, itemgetter(3))

    def over(self, base: ByNeed[T]) -> ByNeed[T]:
        """These, and the built-in ones of `base`."""
        builtin = {oid: row for oid, row in base._rows.items() if oid < FIRST_NORMAL_OID}
        return ByNeed({**builtin, **self._rows}, lambda row: (self if row[0] in self._rows else base)[row[0]])

    def named(self, schema: str, name: str) -> tuple[T, ...]:
        return tuple(self[oid] for oid in self._names.get((schema, name), ()))

    def names(self) -> Iterable[tuple[str, str]]:
        """Schema and name of each."""
        return self._names.keys()

    def __getitem__(self, oid: int) -> T:
        made = self._made.get(oid)
        if made is None:
            made = self._made[oid] = self._make(self._rows[oid])
        return made

    def __iter__(self) -> Iterator[int]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)
