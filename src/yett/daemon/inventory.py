"""Which credentials a person answers for: what is proposed, and what a signature of it does (laws 8 and 9).

An acceptance is of one credential, in one workspace, at the severity that was shown, for a reason, until a day.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from yett.approvals.acts import Act
from yett.approvals.document import text
from yett.inventory.finding import Acceptance
from yett.inventory.kept import acceptances
from yett.inventory.kept import rows as kept_rows
from yett.inventory.kept.acceptances import Accepted, day_of
from yett.inventory.kept.rows import Sighting
from yett.inventory.severity import Severity
from yett.ledger.journal import Entry, Transaction
from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.store import tables

MOST_REASON = 300
"""The page shows 400 characters of a field."""
PLACES_SHOWN = 20
"""The page shows a document's first sixty fields: everything that is signed must be among them."""


def acceptance(sighting: Sighting, reason: str, until: str, now: int) -> dict[str, Json]:
    """The body to sign: every fact about the credential, as it is kept. Raises YettError."""
    reason = reason.strip()
    if not reason:
        raise YettError("an acceptance needs a reason", "--reason 'why it may stay within reach of agents'")
    if len(reason) > MOST_REASON:
        raise YettError(f"the reason is longer than {MOST_REASON} characters", "say it in fewer words")
    last = until_day(until, now)
    shown = [place.words for place in sighting.places[:PLACES_SHOWN]]
    left = len(sighting.places) - len(shown) + sighting.further
    about = {
        "provider": sighting.provider,
        "kind": sighting.kind,
        "identity": sighting.identity,
        "account": sighting.account,
        "environment": sighting.environment,
        "ends in": sighting.last_four,
        "purpose": sighting.purpose,
        "review": sighting.review,
    }
    return {
        **{name: value or "none" for name, value in about.items()},
        "workspace": sighting.workspace,
        "credential": sighting.title,
        "fingerprint": sighting.fingerprint,
        "severity": sighting.severity.word,
        "owner": sighting.owner or "nobody",
        "first seen": day_of(sighting.first_seen).isoformat(),
        "places": list(shown),
        "further places": left,
        "reason": reason,
        "until": last.isoformat(),
    }


def until_day(said: str, now: int) -> date:
    """The last day on which it counts; 90 days if none is said, a year at most. Raises YettError."""
    today = day_of(now)
    if not said:
        return today + acceptances.DEFAULT
    last = iso_day(said)
    if not today <= last <= today + acceptances.LONGEST:
        raise YettError(f"{last} is not within a year from now", "an acceptance ends, and is looked at again")
    return last


def iso_day(said: str) -> date:
    """Raises YettError: it is no day."""
    try:
        return date.fromisoformat(said)
    except ValueError:
        raise YettError(f"{said!r} is not a day", "write it like 2031-12-31") from None


def write_acceptance(tx: Transaction, act: Act, by: str, now: int) -> None:
    """What the signature does. Checked again: whoever proposed it may not have come through `acceptance`."""
    body = act.body
    reason, until, name = text(body, "reason"), text(body, "until"), text(body, "workspace")
    fingerprint, severity = text(body, "fingerprint"), Severity.of(text(body, "severity"))
    if not reason or not until or not _is_kept(tx, name, fingerprint):
        raise YettError("that accepts no credential of the inventory", "propose it with yett inventory accept")
    last = until_day(until, now).isoformat()
    acceptances.write(tx, act.id, name, Accepted(fingerprint, severity, Acceptance(reason, last, by)), now)
    said: dict[str, Json] = {"workspace": name, "fingerprint": fingerprint, "severity": severity.word}
    tx.append(Entry("inventory", {"event": "accepted", **said, "reason": reason, "until": last, "by": by}))


def purpose(sighting: Sighting, said: str) -> dict[str, Json]:
    """The body to sign for what a credential is for. Raises YettError."""
    if not said.strip() or len(said) > MOST_REASON:
        raise YettError(f"a purpose is 1 to {MOST_REASON} characters", "say what it was made for")
    about = {"credential": sighting.title, "provider": sighting.provider, "ends in": sighting.last_four}
    return {"fingerprint": sighting.fingerprint, **about, "was": sighting.purpose, "purpose": said.strip()}


def write_purpose(tx: Transaction, act: Act, by: str, now: int) -> None:
    fingerprint, said = text(act.body, "fingerprint"), text(act.body, "purpose")
    kept_rows.set_purpose(tx, fingerprint, said)
    tx.append(Entry("inventory", {"event": "purpose", "fingerprint": fingerprint, "purpose": said, "by": by}))


def _is_kept(tx: Transaction, workspace: str, fingerprint: str) -> bool:
    rows = tables.sightings
    query = select(rows.c.fingerprint).where(rows.c.workspace == workspace, rows.c.fingerprint == fingerprint)
    return tx.execute(query).first() is not None
