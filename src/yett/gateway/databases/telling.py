"""A refusal of the floors below, as a PostgreSQL client is told it."""

from __future__ import annotations

from yett.gateway.postgres.desk import Told
from yett.model.decision import Refused
from yett.model.errors import YettError

INSUFFICIENT_PRIVILEGE, CANNOT_CONNECT_NOW = "42501", "57P03"


def told(error: YettError) -> Told:
    """Every client sees an ordinary 42501; what to do stands in its hint."""
    if isinstance(error, Refused):
        return Told(f"yett: {error.what}", error.remedy, INSUFFICIENT_PRIVILEGE, error.hold)
    return Told(f"yett: {error.what}", error.remedy, INSUFFICIENT_PRIVILEGE)
