"""From credentials at their places to findings: one for each value, with all its places."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from yett.inventory.engine import Detector
from yett.inventory.finding import Finding
from yett.inventory.fingerprints import Fingerprints
from yett.inventory.hit import Hit
from yett.inventory.likely import severity_of
from yett.inventory.look import Seen
from yett.inventory.severity import Severity
from yett.model.credential import Credential, Location
from yett.model.secret import Secret

if TYPE_CHECKING:
    from yett.providers.book import ProviderBook

LAST_FOUR_FROM = 20
_TYPED_BY_PEOPLE = ("password", "passphrase")
_ENVIRONMENTS = (
    ("production", re.compile(r"(?i)(?:\b|_)(?:prod|production|live|prd)(?:\b|_)")),
    ("staging", re.compile(r"(?i)(?:\b|_)(?:staging|stage|stg|preprod|uat)(?:\b|_)")),
    ("development", re.compile(r"(?i)(?:\b|_)(?:dev|development|local|test|testing|sandbox|ci)(?:\b|_)")),
)


class Gathering:
    """Findings by value, while they are gathered. It keeps values in memory, and gives them out in findings only."""

    def __init__(
        self, detector: Detector, book: Callable[[], ProviderBook], keys: Fingerprints, encodings: bool = False
    ) -> None:
        """`book` is asked for with the first finding of a provider's. `encodings`: the encoded form of a value is a
        finding of its own, because it has to be masked too.
        """
        self.findings: dict[bytes, Finding] = {}
        self._encodings = encodings
        self.roots: tuple[str, ...] = ()
        """What is scanned: a folder above it that is called test says nothing."""
        self._detector = detector
        self._book = book
        self._keys = keys

    def add(self, seen: Seen, position: str | None = None) -> None:
        """A credential at a place. What stands there encoded is masked in that form too, and is the same credential."""
        hit = seen.hit
        at = Location(seen.source, seen.path, seen.line, start=hit.start, end=hit.end)
        self.put(hit, seen.value, at, seen.modified, severity_of(self._below(seen.path), hit, seen.value), position)
        if self._encodings and seen.encoded:
            self.put(
                replace(hit, title=f"{hit.title}, encoded"), seen.encoded, at, seen.modified, Severity.LOW, position
            )

    def variables(self, environ: Mapping[str, str], of: str = "") -> None:
        """What a process has in its environment. `of` names the process, "" for the one that scans."""
        for name, value in environ.items():
            raw = value.encode("utf-8", "surrogateescape")
            hit = self._detector.named(name, raw)
            if hit is not None:
                path = f"{name} of {of}" if of else name
                at = Location("variable", path, start=hit.start, end=hit.end)
                self.put(hit, hit.value_in(raw), at, 0.0, hit.severity, None)

    def put(
        self,
        hit: Hit,
        value: bytes,
        at: Location,
        since: float,
        severity: Severity,
        position: str | None = None,
        owner: str = "",
    ) -> None:
        """Record one place of one value. `owner`: who brought it there, as far as the place says."""
        known = self.findings.get(value)
        if known is not None:
            self.findings[value] = _merged(known.also_at((at,)), hit, since, severity, owner)
            return
        fingerprint = self._keys.fingerprint(value)
        end = last_four(hit.identity, hit.kind, value)
        credential = Credential(fingerprint, hit.provider, hit.kind, (at,), end, owner)
        environment = environment_of(at.path)
        self.findings[value] = Finding(
            credential,
            Secret(value),
            hit.title,
            hit.broad,
            self._position(hit) if position is None else position,
            severity=worse_in(environment, severity),
            identity=hit.identity,
            account=hit.account,
            since=since,
            environment=environment,
        )

    def _below(self, path: str) -> str:
        root = next((root for root in self.roots if path.startswith(root)), "")
        return path[len(root) :]

    def _position(self, hit: Hit) -> str:
        """Where its placeholder works: in its kind's own header, a login in Authorization, else the room's first."""
        room = self._book().named(hit.provider) if hit.provider else None
        if room is None or not room.positions:
            return ""
        own = f"header:{hit.kind}-access-token"
        login = "header:authorization" if hit.kind.startswith("login") else own
        return next((position for position in (own, login) if position in room.positions), room.positions[0])


def _merged(known: Finding, hit: Hit, since: float, severity: Severity, owner: str) -> Finding:
    """The more that any place says, the better: an issuer, an account, an older date and who, the worse severity."""
    if owner and (not known.credential.owner or (since and since < known.since)):
        known = replace(known, credential=replace(known.credential, owner=owner))
    if hit.provider and not known.credential.provider:
        named = replace(known.credential, provider=hit.provider, kind=hit.kind)
        known = replace(known, credential=named, title=hit.title, broad=hit.broad, identity=hit.identity)
    dates = [date for date in (known.since, since) if date]
    return replace(
        known,
        severity=max(known.severity, severity),
        account=known.account or hit.account,
        since=min(dates, default=0.0),
    )


def last_four(identity: str, kind: str, value: bytes) -> str:
    """Law 13: of machine tokens of 20 characters or more."""
    typed = identity == "password" or any(word in kind for word in _TYPED_BY_PEOPLE)
    if len(value) < LAST_FOUR_FROM or typed or not value[-4:].isalnum():
        return ""
    return value[-4:].decode("ascii", "replace")


def environment_of(path: str) -> str:
    """What the place's own name says, "" if nothing. For people; no decision is ever made on it (law 6)."""
    parts = re.sub(r"[./\\$!:-]", " ", path)
    return next((name for name, words in _ENVIRONMENTS if words.search(parts)), "")


def worse_in(environment: str, severity: Severity) -> Severity:
    """What a production file holds is worse by one."""
    if environment == "production" and Severity.MEDIUM <= severity < Severity.CRITICAL:
        return Severity(severity + 1)
    return severity
