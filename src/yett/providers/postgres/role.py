"""The role of a lease: its name, its password, and the verifier that the server keeps of it. Values only, no I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass

from yett.model.errors import YettError
from yett.model.secret import Secret

LEASE = "yett_[a-z0-9]{1,24}_[0-9a-f]{16}"
"""The names of leases, as a regular expression of Python's and of PostgreSQL's."""
_LEASE = re.compile(LEASE)
_NAMED = re.compile(rf"\b{_LEASE.pattern}\b")
_PLAIN = re.compile(r"[^a-z0-9]+")
LIKE = r"yett\_%\_%"
"""The names of leases as a LIKE pattern: wider than `is_lease`, which decides."""

SCRAM_ITERATIONS = 4096
_SALT_BYTES = 16
_PASSWORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class LeaseRole:
    """A role that works until its lease ends. Neither name nor password is in its repr."""

    name: str
    password: Secret

    def __repr__(self) -> str:
        return "LeaseRole(hidden)"


def new_role(task: str) -> LeaseRole:
    """A role nobody has: `yett_<task>_<16 hex digits>`, and a password of 256 random bits in ASCII."""
    plain = _PLAIN.sub("", task.lower())[:24] or "task"
    return LeaseRole(f"yett_{plain}_{secrets.token_hex(8)}", Secret(secrets.token_urlsafe(_PASSWORD_BYTES)))


def is_lease(name: str) -> bool:
    return _LEASE.fullmatch(name) is not None


def leases_in(text: str) -> frozenset[str]:
    """Every name in it that a lease's role could have."""
    return frozenset(_NAMED.findall(text))


def must_be_lease(name: str) -> None:
    """Raises YettError: a role that no lease made. What ends leases never touches one."""
    if not is_lease(name):
        raise YettError("This is not the name of a lease's role: nothing was done to it.")


def made_by(own_role: str) -> str:
    """The comment on a lease's role: whose it is, so that one Yett does not sweep another's."""
    return f"A lease of Yett, made by {own_role}; ends with its task."


def scram_verifier(password: Secret, salt: bytes | None = None) -> str:
    """What PostgreSQL stores for a SCRAM-SHA-256 login, so that the password itself is in no statement and no log.

    RFC 5802 section 3, RFC 7677; the form is that of pg_authid.rolpassword. The password must be ASCII, for which
    SASLprep changes nothing.
    """
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.reveal(), salt, SCRAM_ITERATIONS)
    stored = hashlib.sha256(_keyed(salted, b"Client Key")).digest()
    parts = (salt, stored, _keyed(salted, b"Server Key"))
    salt64, stored64, server64 = (base64.b64encode(part).decode() for part in parts)
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{salt64}${stored64}:{server64}"


def _keyed(key: bytes, words: bytes) -> bytes:
    return hmac.new(key, words, hashlib.sha256).digest()
