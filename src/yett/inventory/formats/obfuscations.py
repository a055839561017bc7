"""Stored passwords that are only hidden: their programs' algorithms and fixed keys are public.

Each function returns b"" for what is not hidden that way.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.hazmat.decrepit.ciphers.algorithms import Blowfish, TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES

LONGEST = 4_096
_DBEAVER = bytes(n & 255 for n in (-70, -69, 74, -97, 119, 74, -72, 83, -55, 108, 45, 101, 61, -2, 84, 74))
"""LOCAL_KEY_CACHE of DBeaver's source, as signed bytes."""
_VNC = bytes(int(f"{n:08b}"[::-1], 2) for n in (23, 82, 107, 6, 35, 78, 88, 7))
"""RealVNC's fixed key; DES in VNC reads each byte from its lowest bit."""
_WINSCP = 0xA3
_JETBRAINS = 0xDFAA
_NAVICAT_12 = b"libcckey" * 2, b"libcciv " * 2
_NAVICAT_11 = "".join(f"{n:02X}" for n in (0x3D, 0xC5, 0xCA, 0x39))


def dbeaver(content: bytes) -> bytes:
    """credentials-config.json: AES-128-CBC, its first block the IV. Byte 16+n of the file hides byte n of the text."""
    if len(content) < 32 or len(content) % 16 or len(content) > 1_000_000:
        return b""
    return _unpadded(_decrypted(Cipher(AES(_DBEAVER), modes.CBC(content[:16])), content[16:]))


def vnc(hidden: bytes) -> bytes:
    """8 bytes, DES-ECB; a password is cut or filled with zeros to that length."""
    if len(hidden) != 8:
        return b""
    plain = _decrypted(Cipher(TripleDES(_VNC * 3), modes.ECB()), hidden)
    return _printable(plain.rstrip(b"\0"))


def winscp(hidden: str, user: str, host: str) -> bytes:
    """Nibbles xored with 0xA3 and inverted; user and host stand before the password (WinSCP, core/Security.cpp)."""
    try:
        raw = bytes(0xFF ^ _WINSCP ^ byte for byte in bytes.fromhex(hidden[:LONGEST]))
    except ValueError:
        return b""
    flagged = raw[:1] == b"\xff"
    if flagged and raw[1:2] == b"\x02":
        size, raw = int.from_bytes(raw[2:4], "big"), raw[4:]
    elif flagged:
        size, raw = (raw[2] if len(raw) > 2 else 0), raw[3:]
    else:
        size, raw = (raw[0] if raw else 0), raw[1:]
    if not raw:
        return b""
    plain = raw[1 + raw[0] :][:size]
    return _printable(plain.removeprefix((user + host).encode()) if flagged else plain)


def heidisql(hidden: str) -> bytes:
    """Every byte shifted by the last digit."""
    if len(hidden) < 3 or len(hidden) > LONGEST or not hidden[-1].isdigit():
        return b""
    try:
        return _printable(bytes((byte - int(hidden[-1])) % 256 for byte in bytes.fromhex(hidden[:-1])))
    except ValueError:
        return b""


def jetbrains(hidden: str) -> bytes:
    """Four hexadecimal digits a character, xored with 0xDFAA (PasswordUtil)."""
    if not hidden or len(hidden) % 4 or len(hidden) > LONGEST:
        return b""
    try:
        plain = "".join(chr(int(hidden[at : at + 4], 16) ^ _JETBRAINS) for at in range(0, len(hidden), 4))
    except ValueError:
        return b""
    return _printable(plain.encode("utf-8", "replace")) if plain.isprintable() else b""


def navicat(hidden: str) -> bytes:
    """Version 12: AES-CBC with a fixed key and IV. Version 11: Blowfish, a chain of its own."""
    try:
        raw = bytes.fromhex(hidden[:LONGEST])
    except ValueError:
        return b""
    key, iv = _NAVICAT_12
    if (
        raw
        and len(raw) % 16 == 0
        and (plain := _printable(_unpadded(_decrypted(Cipher(AES(key), modes.CBC(iv)), raw))))
    ):
        return plain
    return _printable(_navicat_11(raw))


def _navicat_11(raw: bytes) -> bytes:
    cipher = Cipher(Blowfish(hashlib.sha1(_NAVICAT_11.encode()).digest()), modes.ECB())
    encrypt = cipher.encryptor().update
    decrypt = cipher.decryptor().update
    chain = encrypt(b"\xff" * 8)
    plain = b""
    for at in range(0, len(raw) - 7, 8):
        block = raw[at : at + 8]
        plain += _xor(decrypt(block), chain)
        chain = _xor(chain, block)
    rest = raw[len(raw) // 8 * 8 :]
    return plain + _xor(rest, encrypt(chain)) if rest else plain


def base64_text(hidden: str) -> bytes:
    """FileZilla, ncftp: not even hidden."""
    try:
        return _printable(base64.b64decode(hidden[:LONGEST].encode(), validate=True).rstrip(b"\0"))
    except (binascii.Error, ValueError):
        return b""


def _decrypted(cipher: Cipher[modes.CBC] | Cipher[modes.ECB], raw: bytes) -> bytes:
    decryptor = cipher.decryptor()
    return decryptor.update(raw) + decryptor.finalize()


def _unpadded(plain: bytes) -> bytes:
    """PKCS #7."""
    size = plain[-1] if plain else 0
    return plain[:-size] if 0 < size <= 16 and plain.endswith(bytes((size,)) * size) else b""


def _printable(plain: bytes) -> bytes:
    """A password is text; anything else was not hidden this way."""
    try:
        return plain if plain.decode("utf-8").isprintable() else b""
    except UnicodeDecodeError:
        return b""


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=False))
