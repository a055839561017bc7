"""A virtual security key for drills and tests: ES256, user verification, a rising counter, an AAGUID of its own.

It signs whatever it is asked to, which is what a person's key must never do; a store that is not a drill's refuses it
by its AAGUID. Nothing outside `drills/` and the tests may import this.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast
from uuid import UUID

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from webauthn.helpers import bytes_to_base64url, encode_cbor

from yett.approvals.passkeys import DRILL_AAGUID
from yett.model.canonical import Json

_USER_PRESENT, _USER_VERIFIED, _ATTESTED = 0x01, 0x04, 0x40
"""Flags of authenticator data (W3C Web Authentication Level 2, section 6.1)."""


@dataclass
class VirtualKey:
    """One authenticator with one credential. `verifies_user` off makes a key without PIN, for attack tests."""

    aaguid: str = DRILL_AAGUID
    verifies_user: bool = True
    counter: int = 0
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def create(self, options: Mapping[str, Json], origin: str) -> dict[str, Json]:
        """Answer `navigator.credentials.create(options)` as a page on `origin` would get it."""
        rp = cast("Mapping[str, str]", options["rp"])
        client = _client_data("webauthn.create", cast(str, options["challenge"]), origin)
        attested = UUID(self.aaguid).bytes + len(self.credential).to_bytes(2, "big") + self.credential + self._cose()
        attestation = {"fmt": "none", "attStmt": {}, "authData": self._data(rp["id"], _ATTESTED) + attested}
        return self._answer(
            {"attestationObject": bytes_to_base64url(encode_cbor(attestation)), "clientDataJSON": _encode(client)}
        )

    def get(self, options: Mapping[str, Json], origin: str) -> dict[str, Json]:
        """Answer `navigator.credentials.get(options)`: the counter rises, the challenge is signed."""
        client = _client_data("webauthn.get", cast(str, options["challenge"]), origin)
        data = self._data(cast(str, options["rpId"]), 0)
        signature = self.private.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {"authenticatorData": _encode(data), "clientDataJSON": _encode(client), "signature": _encode(signature)}
        )

    @property
    def id(self) -> str:
        return bytes_to_base64url(self.credential)

    def _data(self, rp_id: str, flags: int) -> bytes:
        self.counter += 1
        flags |= _USER_PRESENT | (_USER_VERIFIED if self.verifies_user else 0)
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _cose(self) -> bytes:
        """The public key as COSE_Key (RFC 9053, section 7.1.1): EC2, ES256, P-256."""
        point = self.private.public_key().public_numbers()
        return encode_cbor({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})

    def _answer(self, response: dict[str, Json]) -> dict[str, Json]:
        return {
            "id": self.id,
            "rawId": self.id,
            "type": "public-key",
            "response": response,
            "clientExtensionResults": {},
        }


def _client_data(kind: str, challenge: str, origin: str) -> bytes:
    return json.dumps({"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}).encode()


def _encode(value: bytes) -> str:
    return bytes_to_base64url(value)
