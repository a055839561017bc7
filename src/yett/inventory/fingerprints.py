"""Names for values that give nothing away: a keyed hash, the broker's, or for a scan without a daemon its own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Protocol


class Fingerprints(Protocol):
    """Whoever names values."""

    def fingerprint(self, value: bytes) -> str: ...


class _Temporary:
    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def fingerprint(self, value: bytes) -> str:
        return hmac.new(self._key, value, hashlib.sha256).hexdigest()


def temporary() -> Fingerprints:
    """Fingerprints that mean something within one scan only."""
    return _Temporary()
