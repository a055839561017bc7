"""A text that was looked at, with what it was read against: the catalog, and what prepared names stood for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from yett.gateway.postgres.desk import Look
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.statement import Statement


@dataclass(frozen=True, slots=True)
class Seen(Look):
    """`prepared`: a statement's, the text behind the name that it executes; "" if it executes none."""

    catalog: Catalog
    prepared: tuple[str, ...]


def behind(statements: Sequence[Statement], prepared: Mapping[str, Statement]) -> tuple[str, ...]:
    """For each statement the text that its EXECUTE would run."""
    return tuple(
        prepared[one.executes].text if one.executes and one.executes in prepared else ""  # "": the unnamed statement
        for one in statements
    )


def stands_for(look: Look) -> tuple[str, ...]:
    """The same of a text that was looked at."""
    return look.prepared if isinstance(look, Seen) else ("",) * len(look.statements)
