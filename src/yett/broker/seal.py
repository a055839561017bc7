"""Seal values at rest, and name them without showing them.

Sealing is AES-256-GCM (NIST SP 800-38D) under a key derived from the master key by HKDF-SHA256 (RFC 5869); what the
value belongs to is the associated data, so that a sealed value moved to another row does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from yett.model.canonical import canonical
from yett.model.errors import YettError
from yett.model.secret import Secret

MASTER_BYTES = 32
NONCE_BYTES = 12
FORMAT = b"\x01"
"""First byte of a sealed value; another number means another cipher or key derivation."""


class SealBroken(YettError):
    """A sealed value does not open: another master key, another row, or changed bytes."""


class Keys:
    """What is derived from the master key: one key seals, one makes fingerprints. Neither leaves this object."""

    __slots__ = ("__fingerprint", "__seal")

    def __init__(self, master: Secret) -> None:
        self.__seal = AESGCM(_derive(master, b"yett/vault/seal/v1"))
        self.__fingerprint = _derive(master, b"yett/fingerprint/v1")

    def seal(self, value: Secret, *belongs_to: str) -> bytes:
        """The value, sealed to the words that say what it belongs to (name, provider)."""
        nonce = os.urandom(NONCE_BYTES)
        return FORMAT + nonce + self.__seal.encrypt(nonce, value.reveal(), canonical(belongs_to))

    def open(self, sealed: bytes, *belongs_to: str) -> Secret:
        """What `seal` sealed, given the same words.

        Raises:
            SealBroken: it was not sealed by this master key for these words.
        """
        nonce, ciphertext = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            if sealed[:1] != FORMAT:
                raise InvalidTag
            return Secret(self.__seal.decrypt(nonce, ciphertext, canonical(belongs_to)))
        except (InvalidTag, ValueError):
            raise SealBroken(
                f"The sealed value of {'/'.join(belongs_to)} does not open.",
                "The master key is not the one that sealed it: restore the old key, or remove and add the secret.",
            ) from None

    def fingerprint(self, value: bytes) -> str:
        """HMAC-SHA256 of the value in hex: equal for equal values under one master key, useless to guess from."""
        return hmac.new(self.__fingerprint, value, hashlib.sha256).hexdigest()

    def __repr__(self) -> str:
        return "Keys(hidden)"


def new_master() -> Secret:
    return Secret(os.urandom(MASTER_BYTES))


def _derive(master: Secret, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose).derive(master.reveal())
