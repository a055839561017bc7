"""A broker over a real store and a real ledger, and two rooms made for the tests."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent))

from broker_scene import CLOUD, LOGIN, MODEL, NO_ACTIONS, TOKEN, Clock

from yett.broker.broker import Broker
from yett.broker.seal import Keys, new_master
from yett.broker.vault import Vault
from yett.ledger.journal import Journal
from yett.ledger.notes import Signer
from yett.providers.book import ProviderBook
from yett.providers.room import Room, TokenEndpoint, Wire
from yett.store import open_store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def keys() -> Keys:
    return Keys(new_master())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    store = open_store(f"sqlite:///{tmp_path}/yett.db")
    journal = Journal(store, Signer("yett/test", Ed25519PrivateKey.generate()))
    yield journal
    journal.close()
    store.close()


@pytest.fixture
def vault(journal: Journal, keys: Keys) -> Vault:
    return Vault(journal, keys)


@pytest.fixture
def book() -> ProviderBook:
    endpoint = TokenEndpoint(LOGIN, "/oauth/token", ("refresh_token",), ("access_token", "refresh_token", "id_token"))
    return ProviderBook(
        (
            Room(
                "cloud",
                "Cloud",
                Wire.REST,
                (CLOUD, LOGIN),
                NO_ACTIONS,
                positions=("header:authorization", "header:project-key", "basic"),
                token_endpoints=(endpoint,),
            ),
            Room("model", "Model", Wire.MODEL, (MODEL,), NO_ACTIONS, positions=("header:x-api-key",)),
        )
    )


@pytest.fixture
def broker(vault: Vault, journal: Journal, book: ProviderBook, clock: Clock) -> Broker:
    vault.put("cloud-token", "cloud", "account-token", TOKEN, "manage domains", "ada")
    return Broker(vault, journal, book, clock=clock)
