"""Rows of the kept inventory: what one is, and the queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Row, delete, insert, select, update

from yett.inventory.finding import place_words
from yett.inventory.severity import Severity
from yett.ledger.journal import Transaction
from yett.model.canonical import Json
from yett.model.credential import Location
from yett.store import tables

if TYPE_CHECKING:
    from yett.inventory.kept.inventory import Looked

_IN_ONE_QUERY = 500
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Place:
    """Where it was seen. `commit` is git's id of the commit or object, "" outside history."""

    source: str
    path: str
    line: int = 0
    commit: str = ""

    @property
    def words(self) -> str:
        return place_words(Location(self.source, self.path, self.line, self.commit))

    def as_json(self) -> dict[str, Json]:
        return {"source": self.source, "path": self.path, "line": self.line, "commit": self.commit}


@dataclass(frozen=True, slots=True)
class Sighting:
    """One credential in one workspace. Times in ns; `review` an ISO day; `further` places beyond those listed."""

    workspace: str
    fingerprint: str
    provider: str
    kind: str
    title: str
    severity: Severity
    identity: str
    account: str
    environment: str
    last_four: str
    places: tuple[Place, ...]
    further: int
    first_seen: int
    last_seen: int
    gone_since: int | None = None
    owner: str = ""
    purpose: str = ""
    review: str = ""

    @property
    def where(self) -> str:
        """The places in short."""
        left = len(self.places) + self.further - _SHOWN
        more = f" and {left} more" if left > 0 else ""
        return ", ".join(place.words for place in self.places[:_SHOWN]) + more

    def after(self, before: Sighting, looked: Looked | None) -> Sighting:
        """This, seen now, merged with what was kept. A partial look leaves the places that it did not cover."""
        elsewhere = () if looked is None or before.gone_since else _outside(before.places, looked)
        worst = max(self.severity, before.severity) if elsewhere else self.severity
        return replace(
            self,
            severity=worst,
            environment=before.environment if elsewhere and before.environment else self.environment,
            places=tuple(dict.fromkeys((*elsewhere, *self.places))),
            further=max(self.further, before.further if elsewhere else 0),
            first_seen=before.first_seen,
            owner=before.owner,
            purpose=before.purpose,
            review=before.review,
        )

    def without(self, looked: Looked) -> Sighting:
        """After a partial look that did not see it where it was."""
        return replace(self, places=_outside(self.places, looked))

    def credential_row(self) -> dict[str, str]:
        return {
            "fingerprint": self.fingerprint,
            "provider": self.provider,
            "kind": self.kind,
            "title": self.title,
            "identity": self.identity,
            "account": self.account,
            "last_four": self.last_four,
        }

    def row(self) -> dict[str, object]:
        return {
            "workspace": self.workspace,
            "fingerprint": self.fingerprint,
            "severity": int(self.severity),
            "environment": self.environment,
            "places": [place.as_json() for place in self.places],
            "further": self.further,
            "first_seen": self.first_seen,
            "last_seen": self.last_seen,
            "gone_since": self.gone_since,
        }

    def differs_from(self, kept: Sighting) -> bool:
        """In more than when it was last seen."""
        return replace(self, last_seen=0).row() != replace(kept, last_seen=0).row()

    def as_record(self) -> dict[str, Any]:  # Any: JSON for `yett inventory --json`
        record: dict[str, Any] = {
            name: getattr(self, name)
            for name in (
                *("workspace", "fingerprint", "provider", "kind", "title", "identity", "account", "environment"),
                *("last_four", "where", "first_seen", "last_seen", "gone_since", "owner", "purpose", "review"),
            )
        }
        return {**record, "severity": self.severity.word, "places": [place.as_json() for place in self.places]}


def _outside(places: Iterable[Place], looked: Looked) -> tuple[Place, ...]:
    return tuple(place for place in places if not looked.covers(place))


def by_fingerprint(connection: Connection, workspace: str) -> dict[str, Sighting]:
    """Everything that was ever seen in that workspace."""
    return {one.fingerprint: one for one in list_sightings(connection, workspace)}


def list_sightings(connection: Connection, workspace: str = "", fingerprint: str = "") -> list[Sighting]:
    """Of one workspace, or of all; of fingerprints that begin so."""
    about, seen = tables.credentials, tables.sightings
    joined = seen.join(about, about.c.fingerprint == seen.c.fingerprint)
    kept = [column for column in about.c if column.name != "fingerprint"]
    query = select(*seen.c, *kept).select_from(joined).order_by(seen.c.workspace, seen.c.first_seen, seen.c.fingerprint)
    if workspace:
        query = query.where(seen.c.workspace == workspace)
    if fingerprint:
        query = query.where(seen.c.fingerprint.startswith(fingerprint, autoescape=True))
    return [_sighting(row) for row in connection.execute(query)]


def credentials_of(connection: Connection, fingerprints: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """The rows that are kept for these, by fingerprint."""
    found: dict[str, Mapping[str, str]] = {}
    for start in range(0, len(fingerprints), _IN_ONE_QUERY):
        few = fingerprints[start : start + _IN_ONE_QUERY]
        rows = connection.execute(select(tables.credentials).where(tables.credentials.c.fingerprint.in_(few)))
        found |= {row["fingerprint"]: dict(row) for row in rows.mappings()}
    return found


def scans(connection: Connection) -> dict[str, int]:
    """When each workspace was last looked through as a whole (ns)."""
    return {row.workspace: row.scanned_at for row in connection.execute(select(tables.inventories))}


def mark_scanned(tx: Transaction, workspace: str, at: int) -> None:
    """All that is not gone was seen by this scan, or later."""
    seen, whole = tables.sightings, tables.inventories
    live = (seen.c.workspace == workspace, seen.c.gone_since.is_(None), seen.c.last_seen < at)
    tx.execute(update(seen).where(*live).values(last_seen=at))
    tx.execute(delete(whole).where(whole.c.workspace == workspace))
    tx.execute(insert(whole).values(workspace=workspace, scanned_at=at))


def set_owner(tx: Transaction, fingerprint: str, owner: str, review: str) -> None:
    """Who answers for it, and when it is to be looked at again. It widens nothing, so it needs nobody's key."""
    which = tables.credentials.c.fingerprint == fingerprint
    tx.execute(update(tables.credentials).where(which).values(owner=owner, review=review))


def set_purpose(tx: Transaction, fingerprint: str, purpose: str) -> None:
    which = tables.credentials.c.fingerprint == fingerprint
    tx.execute(update(tables.credentials).where(which).values(purpose=purpose))


def _sighting(row: Row[Any]) -> Sighting:  # one row of the join
    said = dict(row._mapping)
    places = tuple(Place(**place) for place in cast("list[dict[str, Any]]", said.pop("places")))
    return Sighting(**{**said, "severity": Severity(said["severity"]), "places": places})
