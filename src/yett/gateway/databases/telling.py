"""A refusal of the floors below, as a PostgreSQL client is told it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

from yett.gateway.postgres.desk import Stopped, Told
from yett.model.decision import Refused
from yett.model.errors import YettError
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.executing import ServerError

T = TypeVar("T")

INSUFFICIENT_PRIVILEGE, CANNOT_CONNECT_NOW = "42501", "57P03"


def told(error: YettError) -> Told:
    """Every client sees an ordinary 42501; what to do stands in its hint."""
    if isinstance(error, Refused):
        return Told(f"yett: {error.what}", error.remedy, INSUFFICIENT_PRIVILEGE, error.hold)
    return Told(f"yett: {error.what}", error.remedy, INSUFFICIENT_PRIVILEGE)


async def stopping(work: Awaitable[T]) -> T:
    """What could not be done, as the agent is told it. Raises Stopped."""
    try:
        return await work
    except YettError as error:
        raise Stopped(told(error)) from None
    except ServerError as error:
        raise Stopped(told(Unguardable(f"the database refused to be measured: {error.message}", "try again"))) from None
