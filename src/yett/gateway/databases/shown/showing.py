"""What a person is shown beside a statement: its tables, and what would be left of their database."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from yett.gateway.databases.place import Place
from yett.gateway.databases.shown.backups import LOOK_S, copies, is_here
from yett.gateway.databases.shown.looking import About, about
from yett.model.errors import YettError

T = TypeVar("T")
U = TypeVar("U")


async def shown(place: Place, oids: Sequence[int], *, count: bool) -> Mapping[int, About]:
    """What a person is shown of these tables, and of what would be left of their database. Never raises."""
    looks = about(place.own, oids, count=count), copies(place.own, place.database), _undo_lies(place)
    known, found, lies = await asyncio.gather(*looks)
    return {oid: replace(one, copies=(*found, *lies)) for oid, one in known.items()}


async def both(looking: Awaitable[T], guessing: Awaitable[U]) -> tuple[T, U]:
    """At the same time, on two connections."""
    looked = asyncio.ensure_future(looking)
    try:
        guessed = await guessing
    except BaseException:
        looked.cancel()
        raise
    return await looked, guessed


async def _undo_lies(place: Place) -> tuple[str, ...]:
    """Where the undo would lie, if that is the machine that the database is on."""
    if not is_here(place.database.host):
        return ()
    try:
        async with asyncio.timeout(LOOK_S):
            return tuple(f"Yett's own undo: {gap}" for gap in await place.undos.keep_gaps())
    except (YettError, TimeoutError):
        return ()
