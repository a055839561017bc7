"""Checksums that issuers build into their tokens: a random string of the right form is no token.

Each function takes the whole secret and never raises: what cannot be read has a wrong checksum.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Callable

BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BASE58 = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
BECH32 = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32, _BECH32M = 1, 0x2BC830A3
_LONGEST_BASE58 = 200
"""Conversion is quadratic in the length; the longest known value has 111 characters."""


def base62_crc32(body: bytes) -> bytes:
    """CRC-32 of the text as six base-62 digits, filled up with zeros."""
    number, digits = zlib.crc32(body), b""
    while number:
        number, digit = divmod(number, 62)
        digits = BASE62[digit : digit + 1] + digits
    return digits.rjust(6, b"0")


def crc32_base62(token: bytes) -> bool:
    """GitHub's and npm's: the last six characters are the CRC-32 of those between the prefix and them.

    https://github.blog/engineering/platform-security/behind-githubs-new-authentication-token-formats/
    """
    body = token.partition(b"_")[2]
    return len(body) > 6 and base62_crc32(body[:-6]) == body[-6:]


def hex_crc32(body: bytes) -> bytes:
    """CRC-32 of the text as eight hexadecimal digits, the lowest byte first."""
    return zlib.crc32(body).to_bytes(4, "little").hex().encode()


def crc32_hex(token: bytes) -> bool:
    """Grafana's: behind the last _ stands the CRC-32 of all before it (pkg/components/satokengen in its source)."""
    body, _, checksum = token.rpartition(b"_")
    return bool(body) and hex_crc32(body) == checksum


def base58check(value: bytes) -> bool:
    """Bitcoin's: the last four bytes are the first of the doubled SHA-256 of the others (WIF; BIP 32's xprv)."""
    raw = base58_bytes(value)
    return (
        raw is not None and len(raw) > 4 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]
    )


def base58_bytes(value: bytes) -> bytes | None:
    """What base 58 says; None if it is none."""
    if not value or len(value) > _LONGEST_BASE58:
        return None
    number = 0
    for char in value:
        digit = BASE58.find(char)
        if digit < 0:
            return None
        number = number * 58 + digit
    zeros = len(value) - len(value.lstrip(b"1"))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")


def bech32(value: bytes) -> bool:
    """BIP 173's and BIP 350's checksum, without their limit of 90 characters (age, Nostr and Cardano go beyond it)."""
    if value.lower() != value and value.upper() != value:
        return False
    prefix, one, data = value.lower().rpartition(b"1")
    digits = [BECH32.find(char) for char in data]
    if not prefix or not one or len(digits) < 6 or min(digits) < 0:
        return False
    return bech32_state([*bech32_prefix(prefix), *digits]) in (_BECH32, _BECH32M)


def bech32_prefix(prefix: bytes) -> list[int]:
    """The human-readable part as the checksum counts it."""
    return [*(char >> 5 for char in prefix), 0, *(char & 31 for char in prefix)]


def bech32_state(digits: list[int]) -> int:
    """The BCH code's state after these groups of five bits (BIP 173, "Checksum")."""
    state = 1
    for digit in digits:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate(_GENERATORS):
            state ^= generator if top >> bit & 1 else 0
    return state


def strkey(value: bytes) -> bool:
    """Stellar's SEP 23: base 32 of a version byte, a key, and the CRC-16 (XModem) of both, the lowest byte first."""
    try:
        raw = base64.b32decode(value)
    except (binascii.Error, ValueError):
        return False
    return len(raw) > 3 and binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little") == raw[-2:]


def jwt(value: bytes) -> bool:
    """RFC 7519: three parts of base64url, the first two of them JSON, the header with an algorithm that signs."""
    parts = value.split(b".")
    if len(parts) != 3 or not parts[2]:
        return False
    header, claims = _json(parts[0]), _json(parts[1])
    return isinstance(header, dict) and isinstance(claims, dict) and header.get("alg", "none") not in ("none", "")


def jwe(value: bytes) -> bool:
    """RFC 7516: five parts of base64url, the first JSON that names both algorithms."""
    parts = value.split(b".")
    header = _json(parts[0])
    return len(parts) == 5 and isinstance(header, dict) and "alg" in header and "enc" in header


def _json(part: bytes) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)))
    except (ValueError, RecursionError):  # both base64's and JSON's errors are ValueErrors
        return None


def luhn(value: bytes) -> bool:
    """ISO/IEC 7812's: from the right, every second digit counts twice."""
    digits = [char - 48 for char in value if 48 <= char <= 57]
    if len(digits) < 2:
        return False
    twice = (2 * digit - 9 if digit > 4 else 2 * digit for digit in digits[-2::-2])
    return (sum(digits[::-2]) + sum(twice)) % 10 == 0


CHECKSUMS: dict[str, Callable[[bytes], bool]] = {
    "crc32-base62": crc32_base62,
    "crc32-hex": crc32_hex,
    "base58check": base58check,
    "bech32": bech32,
    "strkey": strkey,
    "jwt": jwt,
    "jwe": jwe,
    "luhn": luhn,
}
"""By the name that a rule's `checksum` gives."""
