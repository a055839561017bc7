"""The broker's front door: what the gateway, the checkpoint and the daemon call."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

from yett.broker.capabilities import Capabilities
from yett.broker.examine import Examiner
from yett.broker.inject import inject
from yett.broker.leases import Leases
from yett.broker.minting import EVERY, AnswerWithheld, Minted, minted_in, replace_strings
from yett.broker.needles import SHORTEST, Needles
from yett.broker.placeholders import in_place_of, new_placeholder
from yett.broker.plain import Plain, RowScan
from yett.broker.positions import AUTHORIZATION
from yett.broker.records import end_leases, insert_lease
from yett.broker.scrub import Scrubber
from yett.broker.vault import Deposit, Vault
from yett.broker.watch import StreamScan, refuse_secrets
from yett.ledger.journal import Journal, Transaction
from yett.model.credential import Lease
from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest
from yett.model.identity import Session
from yett.model.secret import Secret
from yett.providers.book import ProviderBook
from yett.providers.room import Room, TokenEndpoint, Wire

LONGEST_PASSWORD, MOST_PASSWORDS = 256, 256
"""Of what is tried on the proof of a refused login."""

MOST_MINTED = 200
"""Credentials sealed in one answer; one with more is a dump, and is withheld."""


MINTED, RENEWED = "minted", "renewed"
"""First part of the names of what answers brought: of an operation that mints, of a login host."""


class Broker:
    """Safe to call from any thread. `capabilities` holds the URLs that governed hosts gave out (law 3d)."""

    def __init__(
        self, vault: Vault, journal: Journal, book: ProviderBook, *, clock: Callable[[], float] = time.time
    ) -> None:
        self.vault = vault
        self.capabilities = Capabilities(clock)
        self._journal = journal
        self._book = book
        self._leases = Leases(clock)
        self._examiner = Examiner(self._leases, self.capabilities, vault.keys.fingerprint)
        self._values: dict[str, Secret] = {}
        self._short: frozenset[str] = frozenset()
        self._needles = Needles({})
        self._plain: Plain | None = None
        self._built_from = -1

    # -- leases

    def lease(self, session: Session, secret_name: str, shape: str = "") -> Lease:
        """Lend a secret to the session. The same secret gives the same live lease. Durable and logged on return.

        Raises:
            NoSuchSecret, LedgerUnavailable, ConfigurationError (a shape that is none).
        """
        if (live := self._leases.of(session, secret_name)) is not None:
            return live
        lease, fingerprint = self._new_lease(session, secret_name, shape)
        self._journal.commit(lambda tx: insert_lease(tx, lease, fingerprint)).result()
        self._leases.add(session, lease, fingerprint)
        return lease

    def revoke(self, session_or_lease: str) -> tuple[Lease, ...]:
        """End a lease, or all of a session, at once: in memory first, then durably.

        Raises:
            LedgerUnavailable: the end is not recorded, but it holds.
        """
        ended = self._leases.revoke(session_or_lease)
        self.capabilities.forget(session_or_lease)
        self._end(ended)
        return ended

    def remove(self, secret_name: str) -> None:
        """Take a secret out of the vault, and end every lease on it. Its value stays refused while Yett runs."""
        self._refresh()
        self._end(self._leases.revoke_secret(secret_name))
        self.vault.remove(secret_name)

    # -- requests

    def known(self, values: Mapping[str, bytes | Secret]) -> None:
        """Refuse these values from now on, everywhere: what an inventory found. Held in memory only."""
        for fingerprint, value in values.items():
            self._values[fingerprint] = value if isinstance(value, Secret) else Secret(value)
        self._built_from = -1

    def is_placeholder(self, value: bytes) -> bool:
        """Whether it was ever lent in place of a secret, to any session."""
        return self._leases.known(value.decode("utf-8", "surrogateescape")) is not None

    def examine(self, session: Session, request: HttpRequest, room: Room | None) -> Lease | None:
        """Laws 3 and 4; the lease whose placeholder the request carries. Raises CredentialRefused."""
        return self._examiner.examine(self._current(), self._short, session, request, room)

    def inject(self, request: HttpRequest, lease: Lease) -> HttpRequest:
        """The request with the real value at the lease's one position. Raises CredentialRefused, NoSuchSecret."""
        try:
            return inject(request, lease, self.vault.secret(lease.secret))
        except ValueError:
            raise CredentialRefused(
                f"The secret {lease.secret} is not text.", "Put it in again.", position=lease.position
            ) from None

    def watch_stream(self, session: Session) -> StreamScan:
        """Law 3(a) for a body that streams out."""
        return StreamScan(self._current)

    def watch_rows(self, session: Session) -> RowScan:
        """Law 3(a) for rows in bulk: see plain.py for what it does not find."""
        return RowScan(self._current_plain)

    def holds_secret(self, message: bytes) -> bool:
        """Whether a known secret stands in a small message, by the same quick search."""
        return self._current_plain().find_one(message) is not None

    def watch(self, text: bytes) -> None:
        """Law 3(a) for a text that goes out as a whole. Raises CredentialRefused."""
        refuse_secrets(self._current(), text)

    def proved_by(self, was_made_with: Callable[[bytes], bool]) -> str:
        """The fingerprint of the secret that a login's proof was made with, "" if none. Takes milliseconds a secret."""
        self._current()
        found = [name for name, value in _passwords(self._values) if was_made_with(value)]
        return found[0] if found else ""

    # -- answers

    def scrubber(self, session: Session, room: Room | None = None) -> Scrubber:
        """Law 5 for one answer. With the governed host's room, cookies are dropped from its head."""
        return Scrubber(self._current, lambda fingerprint: self.stand_in(session, fingerprint), room is not None)

    def stand_in(self, session: Session, fingerprint: str) -> str:
        """What the session sees in place of a secret: its own placeholder, or a name that nobody takes for one."""
        return self._leases.stand_in(session.id, fingerprint) or f"yett_hidden_{fingerprint[:12]}"

    async def seal(
        self,
        session: Session,
        room: Room,
        paths: Sequence[str],
        body: bytes,
        status: int,
        endpoint: TokenEndpoint | None = None,
    ) -> bytes:
        """An answer with its credentials replaced by placeholders that work for this session; they go to the vault.

        `paths` are the fields that the room declares (room.minting, endpoint.answer), none: every string of the answer.

        Raises:
            AnswerWithheld: it does not look as declared.
            LedgerUnavailable: what was minted could not be kept; the answer must not go on either.
        """
        minted = minted_in(body, _paths_of(room, paths, endpoint), failed=status >= 400)
        sealed = [self._deposit(session, room, one, endpoint) for one in minted if _worth_keeping(one)]
        if len(sealed) > MOST_MINTED:
            raise AnswerWithheld(
                f"The answer holds {len(sealed)} credentials, so it was withheld.", "Ask for less at once."
            )
        if sealed:
            await self._journal.run(lambda tx: self._write(tx, sealed))
        stand_ins = {one.value: "yett_hidden" for one in minted}
        for deposit, lease in sealed:
            self.vault.settle(deposit)
            self._leases.add(session, lease, deposit.kept.fingerprint)
            stand_ins[deposit.value.text()] = lease.placeholder
        return self.scrubber(session, room).clean(replace_strings(body, stand_ins))

    def renewed(self, session: Session, provider: str, placeholder: str) -> tuple[str, Secret] | None:
        """What a login host's answer brought in this session under that placeholder: its field, and its value."""
        known = self._leases.known(placeholder)
        if known is None or known[0].provider != provider or not known[0].secret.startswith(f"{RENEWED}/{session.id}/"):
            return None
        return self.vault.kept(known[0].secret).kind, self.vault.secret(known[0].secret)

    # -- inside

    def _end(self, ended: Sequence[Lease]) -> None:
        if ended:
            self._journal.commit(lambda tx: end_leases(tx, [lease.id for lease in ended])).result()

    def _write(self, tx: Transaction, sealed: Iterable[tuple[Deposit, Lease]]) -> None:
        for deposit, lease in sealed:
            self.vault.write(tx, deposit)
            insert_lease(tx, lease, deposit.kept.fingerprint)

    def _new_lease(self, session: Session, name: str, shape: str) -> tuple[Lease, str]:
        kept = self.vault.kept(name)
        room = self._book.named(kept.provider)
        placeholder = new_placeholder(shape) if shape else in_place_of(self.vault.get(name))
        lease = Lease(
            id="l-" + secrets.token_hex(8),
            session=session.id,
            secret=name,
            placeholder=placeholder,
            provider=kept.provider,
            hosts=kept.hosts or (room.hosts if room else ()),
            position=kept.position,
            expires=session.task.expires,
        )
        return lease, kept.fingerprint

    def _deposit(
        self, session: Session, room: Room, minted: Minted, endpoint: TokenEndpoint | None
    ) -> tuple[Deposit, Lease]:
        """What was minted, as a secret of the vault and a lease on it. It can do no more than its request could."""
        field = minted.path.rpartition(".")[2]
        renews = endpoint is not None and field in endpoint.request
        kept_as = MINTED if endpoint is None else RENEWED
        deposit = self.vault.prepare(
            f"{kept_as}/{session.id}/{secrets.token_hex(6)}",
            room.name,
            field,
            minted.value,
            f"minted for the task: {session.task.purpose}"[:200],
            session.principal.owner,
            hosts=(endpoint.host,) if endpoint is not None and renews else room.hosts,
            position=f"field:{field}" if renews else _position(room, endpoint),
            environment=session.task.environment,
        )
        lease = Lease(
            id="l-" + secrets.token_hex(8),
            session=session.id,
            secret=deposit.kept.name,
            placeholder=in_place_of(minted.value),
            provider=room.name,
            hosts=deposit.kept.hosts,
            position=deposit.kept.position,
            expires=session.task.expires,
        )
        return deposit, lease

    def _current(self) -> Needles:
        if self._built_from != self.vault.generation:
            self._refresh()
        return self._needles

    def _current_plain(self) -> Plain:
        self._current()
        plain = self._plain
        if plain is None:
            plain = self._plain = Plain(self._values)
        return plain

    def _refresh(self) -> None:
        """What was ever known stays known: a secret that was replaced or removed may still be alive upstream."""
        generation = self.vault.generation
        self._values.update(self.vault.values())
        self._needles = Needles(self._values)
        self._plain = None
        self._short = frozenset(name for name, value in self._values.items() if len(value) < SHORTEST)
        self._built_from = generation


def _passwords(values: Mapping[str, Secret]) -> list[tuple[str, bytes]]:
    """The newest that could be one: a connection string or a key file is none."""
    short = [(name, value.reveal()) for name, value in values.items() if len(value) <= LONGEST_PASSWORD]
    return short[-MOST_PASSWORDS:]


def _paths_of(room: Room, paths: Sequence[str], endpoint: TokenEndpoint | None) -> tuple[str, ...]:
    paths = tuple(paths) or (EVERY,)
    return tuple(f"data.{path}" for path in paths) if room.wire is Wire.GRAPHQL and endpoint is None else paths


def _position(room: Room, endpoint: TokenEndpoint | None) -> str:
    """Where a minted credential works: what a login host gives out is a bearer token (RFC 6750, 2.1)."""
    if endpoint is not None and AUTHORIZATION in room.positions:
        return AUTHORIZATION
    return (room.positions or (AUTHORIZATION,))[0]


def _worth_keeping(minted: Minted) -> bool:
    """Under EVERY most strings are names and ids: only what could be a credential is kept, all are hidden."""
    return EVERY not in minted.path or len(minted.value) >= SHORTEST
