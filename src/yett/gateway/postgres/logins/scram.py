"""SCRAM-SHA-256 and SCRAM-SHA-256-PLUS (RFC 5802, 7677; channel binding tls-server-end-point, RFC 5929). No I/O.

`Proving` is the server's side, towards the agent, whose password is a placeholder; `Claiming` the client's, towards the
upstream. A login that does not exist goes through the very same exchange, with a password that nobody knows: the salt
comes from the user name and a secret of this process, so it is as stable as a real one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from dataclasses import dataclass

from yett.gateway.postgres.logins.saslprep import prepared

PLAIN, PLUS = "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"
ITERATIONS = 4096
_MOST_ITERATIONS = 600_000
_SALTS = os.urandom(32)
_NOBODY = os.urandom(32)


class ScramFailed(Exception):
    """The other side's messages do not fit, or prove nothing."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a server keeps of a password."""

    salt: bytes
    stored: bytes
    server: bytes


def keys(user: str, database: str, password: bytes | None) -> Keys:
    """The keys of a login; of one that does not exist (None) keys of the same form that fit no password."""
    salt = hmac.digest(_SALTS, f"{user}\0{database}".encode(), "sha256")[:16]
    secret = _NOBODY if password is None else prepared(password)
    salted = _salted(secret, salt, ITERATIONS)
    return Keys(salt, hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest(), _server_key(salted))


class Proving:
    """The server's side of one exchange: `first`, then `final`."""

    def __init__(self, known: Keys, mechanism: str, binding: bytes | None, *, offered_plus: bool) -> None:
        """`binding`: what tls-server-end-point is on this connection; None without TLS."""
        self._known = known
        self._mechanism = mechanism
        self._binding = binding
        self._offered_plus = offered_plus
        self._nonce = b""
        self._bound = b""
        self._bare = b""
        self._said = b""
        self._signed = self._proof = b""

    def first(self, message: bytes) -> bytes:
        """The client's first message -> the server's. Raises ScramFailed."""
        flag, _, rest = message.partition(b",")
        authzid, _, bare = rest.partition(b",")
        if authzid:
            raise ScramFailed("an authorization identity")
        self._bound = self._header(flag)
        fields = bare.split(b",")
        if len(fields) < 2 or not fields[0].startswith(b"n=") or not fields[1].startswith(b"r="):
            raise ScramFailed("no nonce")  # m= (mandatory extensions) ends here too
        nonce = fields[1][2:]
        if not 8 <= len(nonce) <= 256 or not all(0x21 <= one <= 0x7E for one in nonce):
            raise ScramFailed("a nonce that is none")
        self._nonce = nonce + base64.b64encode(os.urandom(18))
        self._bare = bare
        salt = base64.b64encode(self._known.salt)
        self._said = b"r=" + self._nonce + b",s=" + salt + b",i=" + str(ITERATIONS).encode()
        return self._said

    def _header(self, flag: bytes) -> bytes:
        """What `c=` must say. "y" (the client thinks we offer no binding) where we do is a downgrade (RFC 5802, 6)."""
        if self._mechanism == PLUS:
            if flag != b"p=tls-server-end-point" or self._binding is None:
                raise ScramFailed("another channel binding")
            return flag + b",," + self._binding
        if flag not in (b"n", b"y") or (flag == b"y" and self._offered_plus):
            raise ScramFailed("channel binding was taken away on the way")
        return flag + b",,"

    def final(self, message: bytes) -> bytes:
        """The client's final message -> the server's. Raises ScramFailed: the proof does not fit."""
        without, mark, proof_text = message.rpartition(b",p=")
        fields = without.split(b",")
        proof = _decoded(proof_text) if mark else b""
        if len(fields) < 2 or len(proof) != 32:
            raise ScramFailed("no proof")
        signed = self._bare + b"," + self._said + b"," + without
        self._signed, self._proof = signed, proof
        proved = _fits(self._known.stored, signed, proof)
        bound = hmac.compare_digest(fields[0], b"c=" + base64.b64encode(self._bound))
        same = hmac.compare_digest(fields[1], b"r=" + self._nonce)
        if not (proved and bound and same):
            raise ScramFailed("the proof does not fit")
        return b"v=" + base64.b64encode(hmac.digest(self._known.server, signed, "sha256"))

    def was_made_with(self, password: bytes) -> bool:
        """Whether the client's proof, if there was one, is of this password."""
        if not self._proof:
            return False
        salted = _salted(prepared(password), self._known.salt, ITERATIONS)
        stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
        return _fits(stored, self._signed, self._proof)


class Claiming:
    """The client's side of one exchange: `first`, `answer`, `check`."""

    def __init__(self, password: bytes, binding: bytes | None, *, tls: bool, offered: list[str]) -> None:
        """Raises ScramFailed: the server offers nothing that is spoken here."""
        if PLUS in offered and binding is not None:
            self.mechanism, self._header = PLUS, b"p=tls-server-end-point,,"
            self._bound = self._header + binding
        elif PLAIN in offered:
            # "y": we could bind, and the server did not offer it.
            can = tls and binding is not None
            self.mechanism, self._header = PLAIN, b"y,," if can else b"n,,"
            self._bound = self._header
        else:
            raise ScramFailed("the server offers no SCRAM-SHA-256")
        self._password = prepared(password)
        self._nonce = base64.b64encode(os.urandom(18))
        self._bare = b"n=,r=" + self._nonce
        self._expected = b""

    def first(self) -> bytes:
        return self._header + self._bare

    def answer(self, said: bytes) -> bytes:
        """The server's first message -> the client's final. Raises ScramFailed."""
        parts = said.split(b",")
        if len(parts) < 3 or not (parts[0][:2] == b"r=" and parts[1][:2] == b"s=" and parts[2][:2] == b"i="):
            raise ScramFailed("the server's message does not fit")
        nonce, salt = parts[0][2:], _decoded(parts[1][2:])
        iterations = int(parts[2][2:]) if parts[2][2:].isdigit() else 0
        if not nonce.startswith(self._nonce) or len(nonce) == len(self._nonce) or not salt:
            raise ScramFailed("the server's nonce does not fit")
        if not 1 <= iterations <= _MOST_ITERATIONS:
            raise ScramFailed("the server asks for too many iterations")
        salted = _salted(self._password, salt, iterations)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        without = b"c=" + base64.b64encode(self._bound) + b",r=" + nonce
        signed = self._bare + b"," + said + b"," + without
        signature = hmac.digest(hashlib.sha256(client_key).digest(), signed, "sha256")
        self._expected = hmac.digest(_server_key(salted), signed, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        return without + b",p=" + base64.b64encode(proof)

    def check(self, said: bytes) -> None:
        """The server's final message. Raises ScramFailed: it does not know the password either."""
        if not self._expected or not hmac.compare_digest(_decoded(said.removeprefix(b"v=")), self._expected):
            raise ScramFailed("the server does not prove that it knows the password")


def _fits(stored: bytes, signed: bytes, proof: bytes) -> bool:
    """RFC 5802, 3: ClientKey is ClientProof XOR ClientSignature, and StoredKey its hash."""
    signature = hmac.digest(stored, signed, "sha256")
    client_key = bytes(a ^ b for a, b in zip(proof, signature, strict=True))
    return hmac.compare_digest(hashlib.sha256(client_key).digest(), stored)


def _salted(password: bytes, salt: bytes, iterations: int) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password, salt, iterations)


def _server_key(salted: bytes) -> bytes:
    return hmac.digest(salted, b"Server Key", "sha256")


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ScramFailed("not base64") from error
