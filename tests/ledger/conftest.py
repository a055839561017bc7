"""A log key and a running journal on an empty store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from yett.ledger.journal import Journal
from yett.ledger.notes import Signer
from yett.store import Store


@pytest.fixture(scope="session")
def signer() -> Signer:
    return Signer("yett/test", Ed25519PrivateKey.from_private_bytes(b"k" * 32))


@pytest.fixture
def journal(store: Store, signer: Signer) -> Iterator[Journal]:
    journal = Journal(store, signer)
    yield journal
    journal.close()
