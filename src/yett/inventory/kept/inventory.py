"""The kept inventory: what every look at a workspace found is merged into it, and what is gone is marked, not deleted.

A look is either whole (a scan of everything within reach) or at some files only (the watcher); the latter says nothing
about the rest. No value is kept, and no text that holds one.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import insert, update

from yett.inventory.engine import engine
from yett.inventory.finding import Finding
from yett.inventory.kept import rows as kept_rows
from yett.inventory.kept.acceptances import Accepted, list_accepted
from yett.inventory.kept.hiding import Hiding, is_whole, plain
from yett.inventory.kept.rows import Place, Sighting
from yett.ledger.journal import Entry, Journal, Transaction
from yett.model.canonical import Json
from yett.store import tables

MOST_PLACES = 200
"""Of one credential in one workspace; further ones are counted."""
MOST_KEPT = 20_000
"""Credentials of one workspace: whoever writes more of them is not writing credentials."""
FILES = frozenset({"file", "archive"})
"""Sources that a look at a file covers."""
_AT_ONCE = 250
"""Rows a transaction: the ledger's writer is everybody's, and may not be kept for long."""
_NAMED = 50
"""Fingerprints named in one entry of the ledger."""
_ENCODED = ", encoded"
"""How `gather` calls a form of a value that is only masked: it is no credential of its own."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a partial look covered: these files, and these folders with all that was below them."""

    files: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()

    def as_kept(self, hiding: Hiding) -> Looked:
        """With the names under which their places are kept."""
        return Looked(frozenset(map(hiding.clean, self.files)), tuple(map(hiding.clean, self.folders)))

    def covers(self, place: Place) -> bool:
        if place.source not in FILES:
            return False
        path = place.path.partition("!/")[0]
        return path in self.files or path.startswith(tuple(f"{folder}/" for folder in self.folders))


@dataclass(frozen=True, slots=True)
class Change:
    """What a look changed: fingerprints that were never seen there, that are there again, that are gone."""

    new: tuple[str, ...] = ()
    back: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    left_out: int = 0
    """New ones beyond the quota, which are not listed."""
    fresh: tuple[Sighting, ...] = ()
    """Those that are new or back, as they are kept."""

    def __bool__(self) -> bool:
        return bool(self.new or self.back or self.gone or self.left_out)


@dataclass
class _Writes:
    credentials: list[dict[str, object]] = field(default_factory=list)
    better: list[dict[str, object]] = field(default_factory=list)
    inserts: list[dict[str, object]] = field(default_factory=list)
    updates: list[dict[str, object]] = field(default_factory=list)


class Kept:
    """One writer at a time; safe to call from any thread, never from the loop's (it waits for the disk)."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()

    def record(
        self, workspace: str, findings: Iterable[Finding], started: int, looked: Looked | None = None, session: str = ""
    ) -> Change:
        """Merge a look that began at `started` (ns). `looked` None: at everything, so that what is missing is gone.

        Raises:
            StoreUnavailable, LedgerUnavailable: a part may be kept then, nothing wrong is.
        """
        own = [finding for finding in findings if not finding.title.endswith(_ENCODED)]
        hiding = Hiding(engine(), (finding.value.reveal() for finding in own))
        name = plain(workspace)
        looked = looked.as_kept(hiding) if looked is not None else None
        with self._lock:
            known, credentials = self._journal.store.read(
                lambda c: (kept_rows.by_fingerprint(c, name), kept_rows.credentials_of(c, [_id(f) for f in own]))
            )
            seen = {_id(finding): _sighting(name, finding, hiding, started) for finding in own}
            merged = _merged(known, seen, looked)
            new = tuple(one for one in merged if one not in known)
            back = tuple(one for one in merged if one in known and known[one].gone_since is not None)
            gone = tuple(_gone(known, seen, started, looked))
            fresh = tuple(merged[one] for one in (*new, *back))
            change = Change(new, back, gone, len(seen) - len(merged), fresh)
            writes = _writes(known, credentials, merged, change, looked, time.time_ns())
            self._commit(name, writes, change, started, looked, session)
        return change

    def list(self, workspace: str = "", fingerprint: str = "") -> list[Sighting]:
        """Of one workspace or of all, of fingerprints that begin so; with those that are gone."""
        name = plain(workspace)
        return self._journal.store.read(lambda c: kept_rows.list_sightings(c, name, fingerprint))

    def accepted(self, workspace: str) -> dict[str, tuple[Accepted, ...]]:
        """What was ever signed for that workspace."""
        return self._journal.store.read(lambda c: list_accepted(c, plain(workspace)))

    def files_of(self, workspace: str) -> frozenset[str]:
        """Files that are kept as places of what is not gone, where their whole name is."""
        live = (one for one in self.list(workspace) if one.gone_since is None)
        places = (place.path for one in live for place in one.places if place.source in FILES)
        return frozenset(path.partition("!/")[0] for path in places if is_whole(path))

    def _commit(
        self, workspace: str, writes: _Writes, change: Change, started: int, looked: Looked | None, session: str
    ) -> None:
        for part in _parts(writes):
            self._journal.commit(lambda tx, part=part: _write(tx, part)).result()  # type: ignore[misc]  # a bound default
        if looked is None or change:
            entry = _entry(workspace, change, looked, session)
            self._journal.commit(lambda tx: _finish(tx, workspace, started, looked is None, entry)).result()


def _id(finding: Finding) -> str:
    return finding.credential.fingerprint


def _sighting(workspace: str, finding: Finding, hiding: Hiding, at: int) -> Sighting:
    credential = finding.credential
    places = dict.fromkeys(
        Place(each.source, hiding.clean(each.path), each.line or 0, each.commit or each.object_id or "")
        for each in credential.locations
    )
    listed = tuple(places)
    return Sighting(
        workspace=workspace,
        fingerprint=credential.fingerprint,
        provider=credential.provider,
        kind=credential.kind,
        title=hiding.clean(finding.title),
        severity=finding.severity,
        identity=finding.identity,
        account=hiding.clean(finding.account),
        environment=finding.environment,
        last_four=credential.last_four,
        places=listed[:MOST_PLACES],
        further=max(0, len(listed) - MOST_PLACES),
        first_seen=at,
        last_seen=at,
    )


def _merged(known: Mapping[str, Sighting], seen: Mapping[str, Sighting], looked: Looked | None) -> dict[str, Sighting]:
    """What was seen, with what is known of it from elsewhere; the quota leaves out new ones only."""
    room = MOST_KEPT - sum(one.gone_since is None for one in known.values())
    found: dict[str, Sighting] = {}
    for fingerprint, now in sorted(seen.items(), key=lambda item: -item[1].severity):
        before = known.get(fingerprint)
        if before is None and room <= 0:
            continue
        room -= before is None
        found[fingerprint] = now if before is None else now.after(before, looked)
    return found


def _gone(
    known: Mapping[str, Sighting], seen: Mapping[str, Sighting], started: int, looked: Looked | None
) -> Iterable[str]:
    """Those that a look ought to have seen. What someone else saw after this look began is not gone."""
    for fingerprint, before in known.items():
        if fingerprint in seen or before.gone_since is not None or before.last_seen > started:
            continue
        if looked is None or not (before.further or any(not looked.covers(place) for place in before.places)):
            yield fingerprint


def _writes(
    known: Mapping[str, Sighting],
    credentials: Mapping[str, Mapping[str, str]],
    merged: Mapping[str, Sighting],
    change: Change,
    looked: Looked | None,
    now: int,
) -> _Writes:
    writes = _Writes()
    for fingerprint, sighting in merged.items():
        about = sighting.credential_row()
        if fingerprint not in credentials:
            writes.credentials.append({**about, "owner": "", "purpose": "", "review": ""})
        elif any(credentials[fingerprint][name] != value for name, value in about.items()):
            writes.better.append({**about})
        if fingerprint not in known:
            writes.inserts.append(sighting.row())
        elif sighting.differs_from(known[fingerprint]):
            writes.updates.append(sighting.row())
    gone = frozenset(change.gone)
    writes.updates += [{**known[one].row(), "gone_since": now} for one in change.gone]
    if looked is not None:
        fewer = [one.without(looked) for key, one in known.items() if key not in merged and key not in gone]
        writes.updates += [one.row() for one in fewer if one.gone_since is None and one != known[one.fingerprint]]
    return writes


def _parts(writes: _Writes) -> Iterable[_Writes]:
    longest = max(len(writes.credentials), len(writes.better), len(writes.inserts), len(writes.updates))
    order = [row["fingerprint"] for row in writes.credentials]
    place = {fingerprint: number for number, fingerprint in enumerate(order)}
    writes.inserts.sort(key=lambda row: place.get(row["fingerprint"], -1))  # a sighting never before its credential
    for start in range(0, longest, _AT_ONCE):
        cut = slice(start, start + _AT_ONCE)
        yield _Writes(writes.credentials[cut], writes.better[cut], writes.inserts[cut], writes.updates[cut])


def _write(tx: Transaction, part: _Writes) -> None:
    if part.credentials:
        tx.execute(insert(tables.credentials), part.credentials)
    for row in part.better:
        which = tables.credentials.c.fingerprint == row["fingerprint"]
        tx.execute(update(tables.credentials).where(which).values(**row))
    if part.inserts:
        tx.execute(insert(tables.sightings), part.inserts)
    for row in part.updates:
        here = (tables.sightings.c.workspace == row["workspace"], tables.sightings.c.fingerprint == row["fingerprint"])
        tx.execute(update(tables.sightings).where(*here).values(**row))


def _finish(tx: Transaction, workspace: str, started: int, whole: bool, entry: Entry) -> None:
    if whole:
        kept_rows.mark_scanned(tx, workspace, started)
    tx.append(entry)


def _entry(workspace: str, change: Change, looked: Looked | None, session: str) -> Entry:
    body: dict[str, Json] = {"event": "scanned" if looked is None else "watched", "workspace": workspace}
    for name, which in (("new", change.new), ("back", change.back), ("gone", change.gone)):
        body |= {name: len(which), f"{name}_named": list(which[:_NAMED])}
    if change.left_out:
        body["left_out"] = change.left_out
    return Entry("inventory", body | ({"session": session} if session else {}))
