"""Rows of the vault and of its leases: what is written, in the journal's transaction, and read back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from sqlalchemy import Connection, delete, insert, select, update

from yett.broker.placeholders import digest
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.credential import Lease
from yett.store import tables


@dataclass(frozen=True, slots=True)
class Kept:
    """A secret in the vault, without its value. `hosts` may receive it, at `position` (model.Lease)."""

    name: str
    provider: str
    kind: str
    fingerprint: str
    last_four: str
    purpose: str
    owner: str
    hosts: tuple[str, ...]
    position: str
    environment: str | None
    created_at: int

    def as_json(self) -> dict[str, Json]:
        """What the log says of it: never the value."""
        return {
            "name": self.name,
            "provider": self.provider,
            "kind": self.kind,
            "fingerprint": self.fingerprint,
            "last_four": self.last_four,
            "purpose": self.purpose,
            "owner": self.owner,
            "hosts": list(self.hosts),
            "position": self.position,
            "environment": self.environment,
        }


def read_all(connection: Connection) -> list[tuple[Kept, bytes]]:
    """Every secret that was not removed, with its sealed value."""
    secrets = tables.secrets
    rows = connection.execute(select(secrets).where(secrets.c.removed_at.is_(None)).order_by(secrets.c.name))
    return [(_kept(row._mapping), bytes(row.sealed)) for row in rows]


def insert_secret(tx: Transaction, kept: Kept, sealed: bytes) -> None:
    tx.execute(delete(tables.secrets).where(tables.secrets.c.name == kept.name))
    tx.execute(insert(tables.secrets).values(**kept.as_json(), sealed=sealed, created_at=kept.created_at))
    tx.append(Entry("secret", {"event": "put", **kept.as_json()}))


def forget_secret(tx: Transaction, name: str) -> None:
    """Drop the sealed value; the row stays, to say that it was."""
    secrets = tables.secrets
    tx.execute(update(secrets).where(secrets.c.name == name).values(sealed=None, removed_at=time.time_ns()))
    tx.append(Entry("secret", {"event": "removed", "name": name}))


def insert_lease(tx: Transaction, lease: Lease, fingerprint: str) -> None:
    row: dict[str, Json] = {
        "id": lease.id,
        "session": lease.session,
        "secret": lease.secret,
        "provider": lease.provider,
        "hosts": list(lease.hosts),
        "position": lease.position,
        "expires_at": int(lease.expires * 1_000_000_000),
    }
    tx.execute(insert(tables.leases).values(**row, placeholder_hash=digest(lease.placeholder)))
    tx.append(Entry("secret", {"event": "leased", "fingerprint": fingerprint, **row}))


def end_leases(tx: Transaction, ids: Sequence[str]) -> None:
    leases = tables.leases
    tx.execute(update(leases).where(leases.c.id.in_(ids)).values(revoked_at=time.time_ns()))
    tx.append(Entry("secret", {"event": "revoked", "leases": list(ids)}))


def _kept(row: object) -> Kept:
    values = cast("dict[str, object]", dict(cast("dict[str, object]", row)))
    del values["sealed"], values["removed_at"]
    values["hosts"] = tuple(cast("list[str]", values["hosts"]))
    return Kept(**values)  # type: ignore[arg-type]  # columns and fields have the same names; a test compares them
