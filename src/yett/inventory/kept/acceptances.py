"""Which credentials a person's key accepted, and whether that still counts. No file is ever read for it (law 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, insert, select

from yett.inventory.finding import Acceptance, Finding
from yett.inventory.kept.rows import Sighting
from yett.inventory.severity import Severity
from yett.ledger.journal import Transaction
from yett.store import tables

LONGEST = timedelta(days=366)
DEFAULT = timedelta(days=90)
NEW_FOR_NS = 7 * 86_400 * 10**9


class State(StrEnum):
    """What people made of a credential. `NEW`: found within the last seven days, and not accepted yet."""

    NEW = "new"
    ACCEPTED = "accepted"
    NOBODYS = "accepted by nobody"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Accepted:
    """One signed acceptance. It covers the credential at that severity or a lesser one, until the end of a day."""

    fingerprint: str
    severity: Severity
    acceptance: Acceptance

    def covers(self, severity: Severity, today: date) -> bool:
        return severity <= self.severity and today <= date.fromisoformat(self.acceptance.until)


def write(tx: Transaction, act: str, workspace: str, accepted: Accepted, now: int) -> None:
    """Within the transaction of the signature, and only there."""
    tx.execute(
        insert(tables.acceptances).values(
            act=act,
            workspace=workspace,
            fingerprint=accepted.fingerprint,
            severity=int(accepted.severity),
            reason=accepted.acceptance.reason,
            until=accepted.acceptance.until,
            signed_by=accepted.acceptance.by,
            signed_at=now,
        )
    )


def list_accepted(connection: Connection, workspace: str) -> dict[str, tuple[Accepted, ...]]:
    """All that were ever signed for that workspace, the newest first."""
    rows = tables.acceptances
    query = select(rows).where(rows.c.workspace == workspace).order_by(rows.c.signed_at.desc())
    found: dict[str, tuple[Accepted, ...]] = {}
    for row in connection.execute(query):
        one = Accepted(row.fingerprint, Severity(row.severity), Acceptance(row.reason, row.until, row.signed_by))
        found[row.fingerprint] = (*found.get(row.fingerprint, ()), one)
    return found


def counting(
    accepted: Mapping[str, tuple[Accepted, ...]], fingerprint: str, severity: Severity, now: int
) -> Acceptance | None:
    """The acceptance that counts at this moment (ns), None if nobody accepts it."""
    today = day_of(now)
    signed = accepted.get(fingerprint, ())
    return next((one.acceptance for one in signed if one.covers(severity, today)), None)


def open_critical(
    findings: Iterable[Finding], accepted: Mapping[str, tuple[Accepted, ...]], now: int
) -> tuple[Finding, ...]:
    """Critical findings that nobody accepts."""
    return tuple(
        finding
        for finding in findings
        if finding.severity is Severity.CRITICAL
        and counting(accepted, finding.credential.fingerprint, finding.severity, now) is None
    )


def state_of(sighting: Sighting, acceptance: Acceptance | None, now: int) -> State:
    if sighting.gone_since is not None:
        return State.GONE
    if acceptance is not None:
        return State.ACCEPTED
    return State.NEW if now - sighting.first_seen < NEW_FOR_NS else State.NOBODYS


def day_of(now: int) -> date:
    """The day at a moment in ns, in UTC: the same on every machine."""
    return datetime.fromtimestamp(now / 1e9, UTC).date()
