"""The environment map: proposed from what providers show, signed once, read by every decision (law 6)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select

from yett.approvals.acts import Act
from yett.approvals.document import parts, text
from yett.checkpoint.places import EnvironmentMap, KnownEnvironment
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.resource import Environment, EnvironmentClass
from yett.store import tables


def read_map(connection: Connection) -> EnvironmentMap:
    """The signed rows only: a proposal changes nothing."""
    rows = connection.execute(select(tables.environments).where(tables.environments.c.signed_by.is_not(None)))
    return EnvironmentMap({(r.provider, r.id): KnownEnvironment(r.name, EnvironmentClass(r.class_)) for r in rows})


def list_rows(connection: Connection) -> list[dict[str, Json]]:
    rows = connection.execute(select(tables.environments).order_by(tables.environments.c.provider))
    return [
        {
            "provider": r.provider,
            "id": r.id,
            "name": r.name,
            "class": r.class_,
            "signed": "yes" if r.signed_by else "no",
        }
        for r in rows
    ]


def proposal(found: Iterable[Environment], production: Sequence[str]) -> dict[str, Json]:
    """The body to sign: every environment that was found; those not named production count as non-production."""
    names = {name.strip() for name in production}
    rows: list[Json] = []
    for environment in sorted(found, key=lambda e: (e.provider, e.name, e.id)):
        kind = EnvironmentClass.PRODUCTION if environment.name in names else EnvironmentClass.NON_PRODUCTION
        rows.append(
            {"provider": environment.provider, "id": environment.id, "name": environment.name, "class": kind.value}
        )
    return {"environments": rows}


def write_signed(tx: Transaction, act: Act, by: str, now: int) -> None:
    """Replace the map by the one that was signed."""
    rows = parts(act.body, "environments")
    tx.execute(delete(tables.environments))
    for row in rows:
        kind = EnvironmentClass(text(row, "class"))
        tx.execute(
            insert(tables.environments).values(
                provider=text(row, "provider"),
                id=text(row, "id"),
                name=text(row, "name"),
                class_=kind.value,
                signed_by=by,
            )
        )
    tx.append(Entry("environment", {"map": [dict(row) for row in rows], "by": by}))
