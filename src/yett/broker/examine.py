"""Laws 3 and 4 on one request: no known secret anywhere, in a credential's place only the session's own placeholder.

A refusal with a fingerprint is worth an alarm: a real secret, or a placeholder where its holder had no business. One
without is a mistake of the program: an unknown cookie, a placeholder that has expired.
"""

from __future__ import annotations

from collections.abc import Callable

from yett.broker.absent import Searcher
from yett.broker.capabilities import Capabilities
from yett.broker.leases import Leases
from yett.broker.needles import Needles
from yett.broker.positions import AUTHORIZATION, BASIC, KEY_HEADERS, Presented, presented
from yett.model.credential import Lease
from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest
from yett.model.identity import Session
from yett.providers.room import Room

_USE_PLACEHOLDER = "Use the value that the session's environment or files hold for it; yett status lists the leases."
_MAY_CARRY = KEY_HEADERS | {"authorization", "proxy-authorization", "cookie", "sec-websocket-protocol"}


class Examiner:
    """`fingerprint` names a value without showing it; `short` holds fingerprints of secrets too short to search for."""

    def __init__(
        self,
        leases: Leases,
        capabilities: Capabilities,
        fingerprint: Callable[[bytes], str],
    ) -> None:
        self._leases = leases
        self._capabilities = capabilities
        self._fingerprint = fingerprint
        self._searcher = Searcher()

    def examine(
        self, needles: Needles, short: frozenset[str], session: Session, request: HttpRequest, room: Room | None
    ) -> Lease | None:
        """The lease whose placeholder the request carries, None if it carries no credential.

        Raises:
            CredentialRefused: see the module.
        """
        if (found := self._searcher.find(needles, request)) is not None:
            needle, place = found
            raise CredentialRefused(
                f"A secret that Yett knows stands in the {_spoken(place)} of this request.",
                "Real secrets never pass the gate. " + _USE_PLACEHOLDER,
                fingerprint=needle.fingerprint,
                position=place,
            )
        if room is None:
            self._ungoverned(short, request)
            return None
        return self._governed(session, request, room)

    def _governed(self, session: Session, request: HttpRequest, room: Room) -> Lease | None:
        lease: Lease | None = None
        for credential in presented(request, room):
            if self._capable(session, request, credential):
                continue
            live = self._leases.live(session, credential.token)
            if live is None or request.host not in live.hosts or not works_at(live, credential.position, room):
                raise self._refusal(session, request, credential)
            if lease is not None:
                raise CredentialRefused(
                    "This request carries two credentials.", "Send one.", position=credential.position
                )
            lease = live
        if lease is not None and request.scheme != "https":
            raise CredentialRefused(
                f"A credential never leaves over {request.scheme}.", "Use https.", position=lease.position
            )
        return lease

    def _ungoverned(self, short: frozenset[str], request: HttpRequest) -> None:
        """At a host that no provider names, only placeholders (they have no business there) and short secrets count."""
        if not request.query and _MAY_CARRY.isdisjoint(name for name, _ in request.headers):
            return
        for credential in presented(request, None):
            if (known := self._leases.known(credential.token)) is not None:
                lease, fingerprint = known
                raise CredentialRefused(
                    f"The placeholder of {lease.secret} was sent to {request.host}, which is not one of its hosts.",
                    f"It works at {', '.join(lease.hosts) or 'no host'} only.",
                    fingerprint=fingerprint,
                    position=credential.position,
                )
            if short and (fingerprint := self._fingerprint(_bytes(credential.token))) in short:
                raise _raw(credential, fingerprint)

    def _capable(self, session: Session, request: HttpRequest, credential: Presented) -> bool:
        """Whether the credential is one that the host itself handed out, for this very URL (law 3d)."""
        kind, _, name = credential.position.partition(":")
        if kind == "query":
            return self._capabilities.allowed(session.id, request)
        if kind not in ("header", BASIC):
            return False
        name = name or "authorization"
        values = [value for key, value in request.headers if key == name]
        return len(values) == 1 and self._capabilities.allows_header(session.id, request, name, values[0])

    def _refusal(self, session: Session, request: HttpRequest, credential: Presented) -> CredentialRefused:
        known = self._leases.known(credential.token)
        if known is None:
            is_secret = credential.position.startswith(("header:", "field:")) or credential.position == BASIC
            return _raw(credential, self._fingerprint(_bytes(credential.token)) if is_secret else "")
        lease, fingerprint = known
        if lease.session != session.id:
            what, remedy = "This placeholder belongs to another session.", _USE_PLACEHOLDER
        elif request.host not in lease.hosts:
            what = f"The placeholder of {lease.secret} was sent to {request.host}, which is not one of its hosts."
            remedy = f"It works at {', '.join(lease.hosts) or 'no host'} only."
        elif self._leases.live(session, credential.token) is None:
            what, remedy, fingerprint = "This placeholder no longer works.", "Ask for a new session or task.", ""
        else:
            what = f"The placeholder of {lease.secret} does not work as {credential.position}."
            remedy, fingerprint = f"Send it as {lease.position}.", ""
        return CredentialRefused(what, remedy, fingerprint=fingerprint, position=credential.position)


def works_at(lease: Lease, position: str, room: Room) -> bool:
    """One injection position a lease. A room that declares `basic` takes the same header's value in that form too."""
    if position == lease.position:
        return True
    return position == BASIC and lease.position == AUTHORIZATION and BASIC in room.positions


def _raw(credential: Presented, fingerprint: str) -> CredentialRefused:
    return CredentialRefused(
        f"The {_spoken(credential.position)} holds a credential that is not this session's placeholder.",
        _USE_PLACEHOLDER,
        fingerprint=fingerprint,
        position=credential.position,
    )


def _spoken(position: str) -> str:
    kind, _, name = position.partition(":")
    words = {"header": f"{name} header", "query": f"query parameter {name}", "field": f"body field {name}"}
    return words[kind] if name else {"basic": "authorization header", "host": "host name"}.get(kind, kind)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
