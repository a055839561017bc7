"""Whether what stands between the lines of a private key is one: documentation shows half of one, or anything."""

from __future__ import annotations

import base64
import binascii
import re

_BODY = re.compile(rb"-----BEGIN [A-Z0-9 ]+-----(?P<body>.*)-----END ", re.DOTALL)
_HEADER = re.compile(rb"^[\s\\]*[A-Za-z-]+:[^\n]*?(?:\n|\\n)", re.MULTILINE)
_NOT_BASE64 = re.compile(rb"\\[nrt]|[^A-Za-z0-9+/=]")
_SEQUENCE, _OPENSSH = 0x30, b"openssh-key-v1\0"
_LEAST = 40
"""Bytes: an Ed25519 key in PKCS #8 has 48."""
_SLACK = 4


def is_key(text: bytes) -> bool:
    """A key of any size whose encoding says the length that it has (DER), or that begins as OpenSSH's and PGP's do.

    Sources: RFC 7468 (PEM), X.690 8.1.3 (lengths in DER), OpenSSH PROTOCOL.key, RFC 9580 4.2 (packet tags).
    """
    found = _BODY.search(text)
    if found is None:
        return False
    body = _HEADER.sub(b"", found["body"])
    raw = _decoded(_NOT_BASE64.sub(b"", body))
    if len(raw) < _LEAST:
        return False
    if b"PGP" in text[:40]:
        return raw[0] & 0x80 != 0
    if b"ENCRYPTED" in text[:400] and b"DEK-Info" in text[:400]:
        return len(set(raw)) > 16
    return raw.startswith(_OPENSSH) or (raw[0] == _SEQUENCE and _says_its_length(raw))


def _decoded(text: bytes) -> bytes:
    body = text.partition(b"=")[0]
    body = body[: len(body) - 1] if len(body) % 4 == 1 else body
    try:
        return base64.b64decode(body + b"=" * (-len(body) % 4))
    except binascii.Error:
        return b""


def _says_its_length(raw: bytes) -> bool:
    first = raw[1]
    if first < 0x80:
        return abs(first + 2 - len(raw)) <= _SLACK
    count = first & 0x7F
    return 0 < count <= 3 and abs(int.from_bytes(raw[2 : 2 + count], "big") + 2 + count - len(raw)) <= _SLACK
