"""Every way of writing a value that the broker promises to see through, as hypothesis strategies."""

from __future__ import annotations

import base64
import html
import json
import string
import textwrap
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from hypothesis import strategies as st

Encode = Callable[[str, str, str], bytes]
"""(before, secret, after) -> bytes in which the secret is written in some way."""

VALUES = st.one_of(
    st.text(string.ascii_letters + string.digits + "-_", min_size=16, max_size=64),
    st.text(string.ascii_letters + string.digits + "-_.~+/=:@%&#!\"'<>\\ ", min_size=16, max_size=40).filter(
        lambda value: value.strip() == value
    ),
    st.uuids().map(str),
    st.text(string.ascii_letters + "äöüéß漢字🙂", min_size=16, max_size=24),
)
AROUND = st.text(string.ascii_letters + string.digits + ' {}":,=&;\n\\/%', max_size=40)


def _every_char(style: str) -> Encode:
    def encode(before: str, secret: str, after: str) -> bytes:
        return (before + "".join(style % byte for byte in secret.encode()) + after).encode()

    return encode


def _json_units(before: str, secret: str, after: str) -> bytes:
    raw = secret.encode("utf-16-be")
    units = "".join(f"\\u{raw[i]:02x}{raw[i + 1]:02X}" for i in range(0, len(raw), 2))
    return f"{before}{units}{after}".encode()


def _base64(alphabet: Callable[[bytes], bytes], offset: int) -> Encode:
    def encode(before: str, secret: str, after: str) -> bytes:
        prefix = before.encode() + b"." * ((offset - len(before.encode())) % 3)
        return alphabet(prefix + secret.encode() + after.encode())

    return encode


def _wrapped(line_break: str) -> Encode:
    def encode(before: str, secret: str, after: str) -> bytes:
        text = base64.b64encode(f"{before}{secret}{after}".encode()).decode()
        return line_break.join(textwrap.wrap(text, 20)).encode()

    return encode


def _around(write: Callable[[str], str]) -> Encode:
    return lambda before, secret, after: f"{before}{write(secret)}{after}".encode()


ONE_LAYER: dict[str, Encode] = {
    "raw": _around(str),
    "upper": _around(lambda s: s.upper() if s.isascii() else s),
    "quote": lambda *parts: quote("".join(parts), safe="").encode(),
    "quote_plus": lambda *parts: quote_plus("".join(parts)).encode(),
    "every %XX": _every_char("%%%02X"),
    "every %xx": _every_char("%%%02x"),
    "json": lambda *parts: json.dumps("".join(parts)).encode(),
    "json, not ascii": lambda *parts: json.dumps("".join(parts), ensure_ascii=False).encode(),
    "json, slashes": lambda *parts: json.dumps("".join(parts)).replace("/", "\\/").encode(),
    "every \\u": _json_units,
    "every \\x": _every_char("\\x%02x"),
    "html": lambda *parts: html.escape("".join(parts)).encode(),
    "every &#;": _around(lambda s: "".join(f"&#{ord(c)};" if ord(c) < 128 else c for c in s)),
    "every &#x;": _around(lambda s: "".join(f"&#x{ord(c):X};" if ord(c) < 128 else c for c in s)),
    "hex": _around(lambda s: s.encode().hex()),
    "HEX": _around(lambda s: s.encode().hex().upper()),
    **{f"base64 {n}": _base64(base64.b64encode, n) for n in range(3)},
    **{f"base64url {n}": _base64(base64.urlsafe_b64encode, n) for n in range(3)},
    "base64 in lines": _wrapped("\n"),
    "base64 in CRLF lines": _wrapped("\r\n"),
    "base64 in JSON lines": _wrapped("\\n"),
}

NESTED: dict[str, Callable[[bytes], bytes]] = {
    "percent": lambda text: quote(text, safe="").encode(),
    "percent, every": lambda text: "".join(f"%{byte:02X}" for byte in text).encode(),
    "json": lambda text: json.dumps({"a": text.decode()}).encode(),
    "base64": lambda text: base64.b64encode(b"padding " + text),
    "base64url": lambda text: base64.urlsafe_b64encode(text).rstrip(b"="),
    "html": lambda text: html.escape(text.decode()).encode(),
}
