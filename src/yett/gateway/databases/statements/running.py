"""Statements as they run in one transaction: with what is bound to them, what they hang on, and what it has made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from yett.gateway.databases.place import Place
from yett.gateway.databases.statements import own_tables, session_settings
from yett.gateway.databases.statements.attempts import Ran
from yett.gateway.databases.statements.plans import as_planned
from yett.gateway.databases.statements.seen import stands_for
from yett.gateway.postgres.catalog_inside import Batching
from yett.gateway.postgres.desk import Bound, Look
from yett.operations.sql.statement import Statement
from yett.providers.postgres.guard.guard import Guard


class Running:
    """Of one transaction. All of it raises YettError, ServerError."""

    def __init__(self, place: Place, agent: Batching, guard: Guard) -> None:
        self._place = place
        self._agent = agent
        self._guard = guard

    async def looked_at(self, look: Look, bound: Bound) -> list[Ran]:
        """As they come, one text after the other."""
        behind = stands_for(look)
        settings = await self._hangs_on(look.statements, behind)
        made = await self.made_of(look.statements)
        return [
            Ran(one, tuple(bound.values), prepared, types=bound.types, settings=settings, made=made)
            for one, prepared in zip(look.statements, behind, strict=True)
        ]

    async def text(self, statements: Sequence[Statement]) -> list[Ran]:
        """As a text of several is asked about, before any of it has run."""
        settings = await self._hangs_on(statements)
        made = await self.made_of(statements)
        return [Ran(as_planned(one), settings=settings, made=made) for one in statements]

    async def made_of(self, statements: Sequence[Statement]) -> frozenset[int]:
        """Those of the relations that they touch, or that what they add refers to."""
        return await self.made_here(
            oid for one in statements for oid in (*(touched.oid for touched in one.touched), *(one.adds_to or ()))
        )

    async def made_here(self, oids: Iterable[int]) -> frozenset[int]:
        """Those relations that the transaction itself has made: nobody else knows them."""
        existing = await self._place.catalogs.now()
        return await self._guard.made_here({oid for oid in oids if oid and existing.relation(oid) is None})

    async def _hangs_on(self, statements: Sequence[Statement], behind: Sequence[str] = ()) -> tuple[str, ...]:
        """What only this session has, and what the statements do hangs on: it is signed with them."""
        texts = (*(one.text for one in statements), *behind)
        return (
            *await session_settings.changed(self._place, self._agent),
            *await session_settings.read_by(self._agent, texts),
            *await own_tables.read_by(self._agent, statements, behind),
        )
