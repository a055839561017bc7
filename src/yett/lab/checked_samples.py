"""Examples of values with a checksum: random text, and behind it a marker that makes it whole.

A marker stands right behind the text that it turns into a token, after the template is expanded:

    ghp_<[A-Za-z0-9]{30}>{crc32-base62}           the six characters behind the prefix's body (GitHub, npm)
    glsa_<[A-Za-z0-9]{32}>_{crc32-hex}            the eight digits behind the _ (Grafana)
    <[0-9a-f]{64}>{wif}                           the 32 bytes as a Bitcoin key in wallet import format
    <[0-9a-f]{148}>{xprv}                         the 74 bytes as an extended private key (BIP 32)
    <[0-9a-f]{64}>{tezos}                         the 32 bytes as an edsk seed
    <[0-9a-f]{64}>{stellar}                       the 32 bytes as a Stellar seed
    age-secret-key-:<[0-9a-f]{64}>{bech32}        those bytes behind that human-readable part ({BECH32}: upper case)
    <[A-Za-z0-9_-]{43}>{jwt}                      that text as the signature of a JSON Web Token ({jwe}: the key's part)

What the marker reads is the run of letters, digits, _ - : before it. Text without markers stays as it is.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Callable

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATORS = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_MARKED = re.compile(r"([A-Za-z0-9_:-]+)\{([A-Za-z0-9-]+)\}")


def complete(text: str) -> str:
    """The text with every marker and what stands before it turned into the whole value."""

    def whole(found: re.Match[str]) -> str:
        make = CHECKSUM_MARKERS.get(found[2])
        return make(found[1]) if make else found[0]

    return _MARKED.sub(whole, text)


def _crc32_base62(token: str) -> str:
    return token + _in_base(_BASE62, zlib.crc32(token.partition("_")[2].encode())).rjust(6, "0")


def _crc32_hex(token: str) -> str:
    return token + zlib.crc32(token.removesuffix("_").encode()).to_bytes(4, "little").hex()


def _base58check(version: str) -> Callable[[str], str]:
    """Of bytes in hexadecimal: these bytes behind the version, and their checksum, in base 58."""

    def made(payload: str) -> str:
        raw = bytes.fromhex(version + payload)
        raw += hashlib.sha256(hashlib.sha256(raw).digest()).digest()[:4]
        return _in_base(_BASE58, int.from_bytes(raw, "big"))

    return made


def _stellar(payload: str) -> str:
    raw = b"\x90" + bytes.fromhex(payload)
    return base64.b32encode(raw + binascii.crc_hqx(raw, 0).to_bytes(2, "little")).decode()


def _bech32(marked: str) -> str:
    prefix, _, payload = marked.rpartition(":")
    bits = "".join(f"{byte:08b}" for byte in bytes.fromhex(payload))
    digits = [int(bits[at : at + 5].ljust(5, "0"), 2) for at in range(0, len(bits), 5)]
    spread = [*(ord(letter) >> 5 for letter in prefix), 0, *(ord(letter) & 31 for letter in prefix)]
    rest = _polymod([*spread, *digits, 0, 0, 0, 0, 0, 0]) ^ 1
    digits += [rest >> 5 * (5 - place) & 31 for place in range(6)]
    return f"{prefix}1{''.join(_BECH32[digit] for digit in digits)}"


def _polymod(digits: list[int]) -> int:
    """BIP 173's checksum of five-bit digits."""
    state = 1
    for digit in digits:
        top, state = state >> 25, (state & 0x1FFFFFF) << 5 ^ digit
        for bit, generator in enumerate(_GENERATORS):
            state ^= generator if top >> bit & 1 else 0
    return state


def _in_base(letters: str, number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, len(letters))
        text = letters[digit] + text
    return text


def _jwt(signature: str) -> str:
    subject = hashlib.sha256(signature.encode()).hexdigest()[:20]
    return f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part({'sub': subject, 'iat': 1700000000})}.{signature}"


def _jwe(key: str) -> str:
    return f"{_part({'alg': 'dir', 'enc': 'A256GCM'})}..{key[:16]}.{key[16:-22]}.{key[-22:]}"


def _part(content: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content, separators=(",", ":")).encode()).decode().rstrip("=")


CHECKSUM_MARKERS: dict[str, Callable[[str], str]] = {
    "crc32-base62": _crc32_base62,
    "crc32-hex": _crc32_hex,
    "wif": _base58check("80"),
    "xprv": _base58check("0488ade4"),
    "tezos": _base58check("0d0f3a07"),
    "stellar": _stellar,
    "bech32": _bech32,
    "BECH32": lambda marked: _bech32(marked).upper(),
    "jwt": _jwt,
    "jwe": _jwe,
}
"""What a marker makes of the text before it."""
