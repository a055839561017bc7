"""Documents at rest: what a hold carries (literals, bodies) lies encrypted, and can be deleted on its own (law 13)."""

from __future__ import annotations

import base64
import json
import secrets
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from yett.approvals.document import Document
from yett.model.canonical import Json, canonical
from yett.model.errors import StoreUnavailable

_NONCE_BYTES = 12


class Seal:
    """AES-256-GCM under one key; the id of the row is authenticated, so that sealed documents cannot change places."""

    def __init__(self, key: bytes) -> None:
        if len(key) != 32:
            raise ValueError("the sealing key has 32 bytes")
        self._cipher = AESGCM(key)

    def close(self, document: Document, row: str) -> dict[str, Json]:
        """The column's form of a document."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, canonical(document), row.encode())
        return {"sealed": base64.b64encode(nonce + sealed).decode()}

    def open(self, column: Json, row: str) -> Document:
        """The document again.

        Raises:
            StoreUnavailable: it was sealed under another key, for another row, or changed since.
        """
        try:
            raw = base64.b64decode(cast("dict[str, str]", column)["sealed"], validate=True)
            clear = self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], row.encode())
        except (KeyError, TypeError, ValueError, InvalidTag) as error:
            raise StoreUnavailable(
                f"what {row} is about cannot be read: it was sealed under another key, or changed",
                "restore master.key together with the store, or cancel it",
            ) from error
        return cast(Document, json.loads(clear))
