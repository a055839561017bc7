"""The bytes that a security key signs: a digest of everything that was shown, in one domain a purpose.

Each purpose has its own domain string, so that an approval can never be read as a denial, an act, or the answer of
another store. Every variable-length part but the last is free of NUL, or has a fixed length: no two inputs meet.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from yett.model.canonical import Json, canonical

NONCE_BYTES = 16
HOLD_DOMAIN = "yett/approve/v1"
ACT_DOMAIN = "yett/act/v1"
ENROL_DOMAIN = "yett/enrol/v1"


class Answer(StrEnum):
    """What a person says to a hold."""

    APPROVE = "approve"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Site:
    """Where signatures are valid: one store (its id), one page (its origin). `drill` stores take virtual keys."""

    store: str
    port: int
    drill: bool = False

    @property
    def origin(self) -> str:
        """WebAuthn needs a secure context; http://localhost is one (W3C Secure Contexts, section 3.1)."""
        return f"http://localhost:{self.port}"

    @property
    def name(self) -> str:
        """The store with its page, as it enters every challenge."""
        return f"{'drill' if self.drill else 'real'}:{self.store}@{self.origin}"


RP_ID = "localhost"


def hold_challenge(site: Site, answer: Answer, nonce: bytes, expires: int, note: bytes, document: Json) -> bytes:
    """SHA-256 over domain, answer, site, nonce, expiry (ns), hash of the ledger's last note, canonical hold."""
    parts = (*_head(HOLD_DOMAIN, answer.value, site), _nonce(nonce), _expiry(expires), _hash(note), canonical(document))
    return hashlib.sha256(b"\0".join(parts)).digest()


def act_challenge(site: Site, kind: str, nonce: bytes, expires: int, note: bytes, body: Json) -> bytes:
    """The same for any other signed act; `kind` stands where a hold has its answer, under another domain."""
    parts = (*_head(ACT_DOMAIN, kind, site), _nonce(nonce), _expiry(expires), _hash(note), canonical(body))
    return hashlib.sha256(b"\0".join(parts)).digest()


def enrol_challenge(site: Site, secret: bytes, name: str) -> bytes:
    """What a new key registers with: bound to the one-use code (or ticket) and to the name that it is enrolled for."""
    parts = (*_head(ENROL_DOMAIN, "register", site), _hash(secret), name.encode())
    return hashlib.sha256(b"\0".join(parts)).digest()


def _head(domain: str, purpose: str, site: Site) -> tuple[bytes, bytes, bytes]:
    head = (domain.encode(), purpose.encode(), site.name.encode())
    if any(b"\0" in part for part in head):
        raise ValueError("a NUL would let two challenges meet")
    return head


def _nonce(nonce: bytes) -> bytes:
    if len(nonce) != NONCE_BYTES:
        raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
    return nonce


def _expiry(seconds: int) -> bytes:
    return seconds.to_bytes(8, "big")


def _hash(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
