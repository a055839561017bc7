"""Fingerprints that stand in a file which others can read: expensive on purpose, one guess at a time."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

SCHEME = "scrypt-16384-8-1"
"""N, r and p of RFC 7914: 16 MB and about 25 ms a value. Only this one is taken: a file that an agent wrote could
ask for hours, or for so little that its fingerprints give the values away."""
SALT_OCTETS = 16
_N, _R, _P = 1 << 14, 8, 1
_OCTETS = 16
"""128 bits: no two values of a repository share a name by chance, and lines stay short."""


class Stretched:
    """`yett.inventory.fingerprints.Fingerprints` by scrypt under one salt. Remembers what it has worked out."""

    def __init__(self, salt: bytes) -> None:
        self.salt = salt
        self._known: dict[bytes, str] = {}

    @classmethod
    def fresh(cls) -> Stretched:
        return cls(secrets.token_bytes(SALT_OCTETS))

    def fingerprint(self, value: bytes) -> str:
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = self._derive(value)
        return known

    def work_out(self, values: Iterable[bytes]) -> None:
        """Many at once, on every core: scrypt runs outside the interpreter's lock."""
        new = [value for value in dict.fromkeys(values) if value not in self._known]
        if len(new) < 2:
            return
        with ThreadPoolExecutor(os.cpu_count() or 1) as cores:
            self._known.update(zip(new, cores.map(self._derive, new), strict=True))

    def _derive(self, value: bytes) -> str:
        return hashlib.scrypt(value, salt=self.salt, n=_N, r=_R, p=_P, dklen=_OCTETS).hex()
