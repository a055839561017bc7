"""Leases in memory: which placeholder belongs to which session, and whether it still works (law 4).

Lookups are by the placeholder's digest in a dict, so their time says nothing about a near miss. Dead leases are kept: a
placeholder that was revoked, expired, or belongs to another session is told from one that never was.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from yett.broker.placeholders import digest
from yett.model.credential import Lease
from yett.model.identity import Session


@dataclass(slots=True)
class _Held:
    lease: Lease
    fingerprint: str
    agent: str
    task: str
    revoked: bool = False


class Leases:
    """`clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._by_digest: dict[str, _Held] = {}
        self._by_secret: dict[tuple[str, str], _Held] = {}
        self._stand_ins: dict[tuple[str, str], str] = {}

    def add(self, session: Session, lease: Lease, fingerprint: str) -> None:
        held = _Held(lease, fingerprint, session.principal.agent, session.task.id)
        self._by_digest[digest(lease.placeholder)] = held
        self._by_secret[(lease.session, lease.secret)] = held
        self._stand_ins[(lease.session, fingerprint)] = lease.placeholder

    def of(self, session: Session, secret: str) -> Lease | None:
        """The live lease of this session on this secret."""
        held = self._by_secret.get((session.id, secret))
        return held.lease if held and self._alive(held, session) else None

    def live(self, session: Session, placeholder: str) -> Lease | None:
        """The lease, if the placeholder works for this session, its agent and its task, now."""
        held = self._by_digest.get(digest(placeholder))
        return held.lease if held and self._alive(held, session) else None

    def known(self, placeholder: str) -> tuple[Lease, str] | None:
        """The lease and its secret's fingerprint, dead or alive, of any session."""
        held = self._by_digest.get(digest(placeholder))
        return (held.lease, held.fingerprint) if held else None

    def stand_in(self, session: str, fingerprint: str) -> str | None:
        """What this session sees in place of a secret: its placeholder, also after it died."""
        return self._stand_ins.get((session, fingerprint))

    def revoke(self, session_or_lease: str) -> tuple[Lease, ...]:
        """End a lease, or every lease of a session, at once. Gives those that were alive."""
        ended = tuple(
            held
            for held in self._by_digest.values()
            if not held.revoked and session_or_lease in (held.lease.id, held.lease.session)
        )
        for held in ended:
            held.revoked = True
        return tuple(held.lease for held in ended)

    def revoke_secret(self, name: str) -> tuple[Lease, ...]:
        """End every lease on a secret."""
        return tuple(lease for id_ in self._ids_on(name) for lease in self.revoke(id_))

    def _ids_on(self, name: str) -> Iterable[str]:
        return [held.lease.id for held in self._by_digest.values() if held.lease.secret == name]

    def _alive(self, held: _Held, session: Session) -> bool:
        return (
            not held.revoked
            and held.lease.session == session.id
            and held.agent == session.principal.agent
            and held.task == session.task.id
            and self._clock() < held.lease.expires
        )
