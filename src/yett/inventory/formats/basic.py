"""user:password in base64, as HTTP Basic sends it (RFC 7617) and many clients keep it."""

from __future__ import annotations

import base64
import binascii

LONGEST = 20_000


def decoded_base64(text: str | bytes) -> bytes:
    """What the base64 says, standard or URL alphabet, padded or not; b"" if it is none."""
    raw = text.encode("utf-8", "replace") if isinstance(text, str) else text
    raw = b"".join(raw.split()).rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    if len(raw) % 4 == 1:
        return b""
    try:
        return base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except (binascii.Error, ValueError):
        return b""


def basic_login(text: str | bytes) -> tuple[str, bytes] | None:
    """(user, password), or None if it is no login."""
    user, colon, password = decoded_base64(text).partition(b":") if len(text) <= LONGEST else (b"", b"", b"")
    if not colon or not password or not user.isascii() or not user.decode().isprintable():
        return None
    return user.decode(), password
