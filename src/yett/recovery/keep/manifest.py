"""The manifest of an undo: what it holds, under which key. Written last; without it there is no undo.

In clear stand the format, the undo's id and its key, wrapped by the master key for exactly this id; everything else is
sealed under the undo's own key. So a manifest is of this undo and of this Yett, or it does not open.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yett.broker.seal import NONCE_BYTES, Keys, SealBroken
from yett.model.canonical import Json, canonical
from yett.model.secret import Secret
from yett.recovery.keep.errors import Damaged, KeepError
from yett.recovery.keep.place import MOST_MANIFEST_BYTES

FORMAT = 1
KEY_BYTES = 32
_WRAPPED_FOR = "undo-key"


@dataclass(frozen=True, slots=True)
class File:
    """`at` is the place's own address of it; `size` and `sha256` (hex) are of what was written, `stored` of what lies
    there, in bytes."""

    name: str
    blob: str
    at: str
    size: int
    stored: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Times are nanoseconds since the epoch. `about` is whatever its maker needs to restore it."""

    undo: str
    made: int
    expires: int
    about: Mapping[str, Json]
    files: tuple[File, ...]


class UndoKey:
    """The key of one undo: it seals the manifest, and gives each file a key of its own."""

    def __init__(self, undo: str, value: Secret) -> None:
        self.undo = undo
        self._value = value

    @classmethod
    def new(cls, undo: str) -> UndoKey:
        return cls(undo, Secret(os.urandom(KEY_BYTES)))

    def wrapped(self, keys: Keys) -> bytes:
        return keys.seal(self._value, _WRAPPED_FOR, self.undo, str(FORMAT))

    @classmethod
    def unwrapped(cls, keys: Keys, undo: str, wrapped: bytes) -> UndoKey:
        """Raises SealBroken."""
        return cls(undo, keys.open(wrapped, _WRAPPED_FOR, undo, str(FORMAT)))

    def of_file(self, salt: bytes, blob: str, name: str) -> bytes:
        return self._derived(salt, b"yett/undo/file/v1" + canonical([self.undo, blob, name]))

    def of_manifest(self) -> AESGCM:
        return AESGCM(self._derived(b"", b"yett/undo/manifest/v1"))

    def _derived(self, salt: bytes, purpose: bytes) -> bytes:
        return HKDF(SHA256(), KEY_BYTES, salt or None, purpose).derive(self._value.reveal())

    def __repr__(self) -> str:
        return f"UndoKey({self.undo}, hidden)"


def encode(manifest: Manifest, key: UndoKey, keys: Keys) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    files: list[Json] = [[f.name, f.blob, f.at, f.size, f.stored, f.sha256] for f in manifest.files]
    body = canonical({"made": manifest.made, "expires": manifest.expires, "about": manifest.about, "files": files})
    head: dict[str, Json] = {"format": FORMAT, "undo": manifest.undo, "key": _text(key.wrapped(keys))}
    sealed = key.of_manifest().encrypt(nonce, body, canonical(head))
    encoded = canonical({**head, "sealed": _text(nonce + sealed)})
    if len(encoded) > MOST_MANIFEST_BYTES:
        raise KeepError(f"the manifest of undo {manifest.undo} is too large", "change fewer tables at once")
    return encoded


def decode(raw: bytes, undo: str, keys: Keys) -> tuple[Manifest, UndoKey]:
    """The manifest and the key of exactly this undo.

    Raises:
        Damaged: it is of another undo or another master key, or one bit of it is not as it was written.
    """
    try:
        said: dict[str, Any] = json.loads(raw)  # Any: every value is checked by what it is used for
        sealed = base64.b64decode(said.pop("sealed"), validate=True)
        if said["format"] != FORMAT or said["undo"] != undo:
            raise ValueError("another format, or another undo")
        key = UndoKey.unwrapped(keys, undo, base64.b64decode(said["key"], validate=True))
        plain = key.of_manifest().decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], canonical(said))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, InvalidTag, SealBroken):
        raise Damaged(
            f"the manifest of undo {undo} was changed, or is not of this Yett's master key",
            "use another undo; if the master key is new, bring back the old one",
        ) from None
    body = json.loads(plain)
    files = tuple(File(*row) for row in body["files"])
    return Manifest(undo, body["made"], body["expires"], body["about"], files), key


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
