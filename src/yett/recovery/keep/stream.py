"""Encrypt a stream in chunks whose order and end are authenticated.

The STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizar: Online Authenticated-Encryption and its Nonce-Reuse
Misuse-Resistance, CRYPTO 2015, section 7) over AES-256-GCM: chunk i is sealed with the nonce `i` (11 bytes, big-endian)
and one byte that is 1 on the last chunk only. The key is used for one stream, so no nonce comes twice.

Both sides are pure: bytes in, bytes out.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yett.recovery.keep.errors import Damaged

CHUNK_BYTES = 256 * 1024
TAG_BYTES = 16
_SEALED_BYTES = CHUNK_BYTES + TAG_BYTES
_COUNTER_BYTES = 11


class Sealer:
    """Plain bytes in, sealed chunks out. A chunk leaves once it is known not to be the last."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._pending = bytearray()
        self._count = 0

    def update(self, data: bytes) -> bytes:
        self._pending += data
        sealed = []
        at = 0
        while len(self._pending) - at > CHUNK_BYTES:
            sealed.append(self._seal(bytes(self._pending[at : at + CHUNK_BYTES]), last=False))
            at += CHUNK_BYTES
        del self._pending[:at]
        return b"".join(sealed)

    def finish(self) -> bytes:
        """The last chunk; empty only if nothing was ever written."""
        return self._seal(bytes(self._pending), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> bytes:
        nonce = _nonce(self._count, last=last)
        self._count += 1
        return self._cipher.encrypt(nonce, chunk, None)


class Unsealer:
    """Sealed chunks in, plain bytes out; nothing that was not authenticated leaves it."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)
        self._pending = bytearray()
        self._count = 0

    def update(self, data: bytes) -> bytes:
        """Raises Damaged."""
        self._pending += data
        plain = []
        at = 0
        while len(self._pending) - at > _SEALED_BYTES:
            plain.append(self._open(bytes(self._pending[at : at + _SEALED_BYTES]), last=False))
            at += _SEALED_BYTES
        del self._pending[:at]
        return b"".join(plain)

    def finish(self) -> bytes:
        """The rest, and the proof that this was the end. Raises Damaged."""
        rest = self._open(bytes(self._pending), last=True)
        if not rest and self._count > 1:
            raise Damaged("it ends with an empty piece, which nobody writes", "use another undo")
        return rest

    def _open(self, chunk: bytes, *, last: bool) -> bytes:
        nonce = _nonce(self._count, last=last)
        try:
            plain = self._cipher.decrypt(nonce, chunk, None)
        except (InvalidTag, ValueError):
            where = "cut off, or its last piece" if last else f"its piece {self._count}"
            raise Damaged(f"{where} was changed or moved", "use another undo") from None
        self._count += 1
        return plain


def _nonce(count: int, *, last: bool) -> bytes:
    return count.to_bytes(_COUNTER_BYTES, "big") + bytes([last])
