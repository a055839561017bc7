"""Names for values that give nothing away: a keyed hash, the broker's, or for a scan without a daemon its own."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Protocol

_KEY = 32


class Fingerprints(Protocol):
    """Whoever names values."""

    def fingerprint(self, value: bytes) -> str: ...


class _Keyed:
    def __init__(self, key: bytes) -> None:
        self._key = key

    def fingerprint(self, value: bytes) -> str:
        return hmac.new(self._key, value, hashlib.sha256).hexdigest()


def temporary() -> Fingerprints:
    """Fingerprints that mean something within one scan only."""
    return _Keyed(secrets.token_bytes(32))


def kept(home: Path) -> Fingerprints:
    """Fingerprints that stay the same on this machine, by a key below Yett's home; temporary where none can be kept."""
    path = home / "scan.key"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with open(made, "wb") as file:
                file.write(secrets.token_bytes(_KEY))
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
            key = file.read(_KEY + 1)
    except OSError:
        return temporary()
    return _Keyed(key) if len(key) == _KEY else temporary()
