"""The vault: secrets by name, sealed in the store, opened in memory once."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from yett.broker.records import Kept, forget_secret, insert_secret, read_all
from yett.broker.seal import Keys
from yett.ledger.journal import Journal, Transaction
from yett.model.errors import YettError
from yett.model.secret import Secret

LAST_FOUR_FROM = 20
"""Machine tokens of this length or more are shown by their last four characters (law 13)."""

_TYPED_BY_PEOPLE = ("password", "login")


class NoSuchSecret(YettError):
    """The vault has no secret of that name."""


@dataclass(frozen=True, slots=True)
class Deposit:
    """A secret about to be kept: its row, and the value sealed to that row."""

    kept: Kept
    sealed: bytes
    value: Secret


class Vault:
    """Sealed at rest; no error, log entry or repr of anything here holds a value. `generation` counts changes."""

    def __init__(self, journal: Journal, keys: Keys) -> None:
        """Open every secret in the store.

        Raises:
            SealBroken: one of them does not open under this master key.
            StoreUnavailable: the store cannot be read.
        """
        self._journal = journal
        self.keys = keys
        self.generation = 0
        self._kept: dict[str, Kept] = {}
        self._values: dict[str, Secret] = {}
        for kept, sealed in journal.store.read(read_all):
            self._remember(kept, keys.open(sealed, kept.name, kept.provider))

    def put(
        self,
        name: str,
        provider: str,
        kind: str,
        value: Secret | str,
        purpose: str,
        owner: str,
        *,
        hosts: Iterable[str] = (),
        position: str = "header:authorization",
        environment: str | None = None,
    ) -> Kept:
        """Keep a secret; one of the same name is replaced. Durable, and in the log, on return.

        Raises:
            YettError: an empty value.
            LedgerUnavailable: it could not be written; nothing is kept.
        """
        deposit = self.prepare(
            name, provider, kind, value, purpose, owner, hosts=hosts, position=position, environment=environment
        )
        self._journal.commit(lambda tx: self.write(tx, deposit)).result()
        return self.settle(deposit)

    def prepare(
        self,
        name: str,
        provider: str,
        kind: str,
        value: Secret | str,
        purpose: str,
        owner: str,
        *,
        hosts: Iterable[str] = (),
        position: str = "header:authorization",
        environment: str | None = None,
    ) -> Deposit:
        """The first of three steps of `put`, for callers with a transaction of their own: then `write`, `settle`."""
        secret = value if isinstance(value, Secret) else Secret(value)
        if not name or not len(secret):
            raise YettError("A secret needs a name and a value.", "Give both.")
        kept = Kept(
            name=name,
            provider=provider,
            kind=kind,
            fingerprint=self.keys.fingerprint(secret.reveal()),
            last_four=last_four(kind, secret),
            purpose=purpose,
            owner=owner,
            hosts=tuple(host.lower().rstrip(".") for host in hosts),
            position=position,
            environment=environment,
            created_at=time.time_ns(),
        )
        return Deposit(kept, self.keys.seal(secret, name, provider), secret)

    def write(self, tx: Transaction, deposit: Deposit) -> None:
        insert_secret(tx, deposit.kept, deposit.sealed)

    def settle(self, deposit: Deposit) -> Kept:
        """Use the secret from now on: its row is durable."""
        self._remember(deposit.kept, deposit.value)
        return deposit.kept

    def get(self, name: str) -> str:
        """The value, as text. Whoever calls this answers for where it goes. Raises NoSuchSecret, ValueError."""
        return self.secret(name).text()

    def secret(self, name: str) -> Secret:
        """The value, hidden. Raises NoSuchSecret."""
        self.kept(name)
        return self._values[name]

    def kept(self, name: str) -> Kept:
        """What is known of a secret besides its value. Raises NoSuchSecret."""
        if name not in self._kept:
            raise NoSuchSecret(f"There is no secret named {name!r}.", "yett secret list shows those there are.")
        return self._kept[name]

    def list(self) -> tuple[Kept, ...]:
        return tuple(self._kept[name] for name in sorted(self._kept))

    def remove(self, name: str) -> None:
        """Forget a secret: its sealed value is dropped from the store. Raises NoSuchSecret, LedgerUnavailable."""
        self.kept(name)
        self._journal.commit(lambda tx: forget_secret(tx, name)).result()
        del self._kept[name], self._values[name]
        self.generation += 1

    def values(self) -> dict[str, Secret]:
        """Every value by its fingerprint."""
        return {self._kept[name].fingerprint: value for name, value in self._values.items()}

    def _remember(self, kept: Kept, value: Secret) -> None:
        self._kept[kept.name] = kept
        self._values[kept.name] = value
        self.generation += 1


def last_four(kind: str, secret: Secret) -> str:
    """The end of a machine token, by which people recognise it; "" for what a person may have chosen."""
    value = secret.reveal()
    if len(value) < LAST_FOUR_FROM or any(word in kind for word in _TYPED_BY_PEOPLE) or not value[-4:].isalnum():
        return ""
    return value[-4:].decode("ascii", "replace")
