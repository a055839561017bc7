"""What arrived: one JSON line a request, so that a drill can prove that nothing did. Never a token's value.

Each line says where valid tokens stood in the request (`carried`), looked for in plain, percent-, JSON-, hex- and
base64-decoded form: a secret that slipped past a guard in disguise shows here.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
import urllib.parse
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TextIO

from yett.lab.wire import Request

Values = Callable[[], Iterable[str]]
BASE64_RUN = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}")
HEX_RUN = re.compile(rb"(?:[0-9a-fA-F]{2}){16,}")
MOST_DECODED = 16 * 1024 * 1024
JSON_ESCAPE = re.compile(rb"\\u00([0-9a-fA-F]{2})")


@dataclass
class Arrival:
    """What a host found out about one request while answering it."""

    token: str = "none"
    fields: list[str] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    outcome: str = ""


class Journal:
    """Appends arrivals to a file that stays open."""

    def __init__(self, file: TextIO, secrets: Values) -> None:
        """Write to `file`; `secrets` gives the values that are valid at the moment of a request."""
        self._file = file
        self._secrets = secrets
        self._count = 0

    def record(self, request: Request, arrival: Arrival, status: int) -> None:
        """Append one line and flush it."""
        line = {
            "encrypted": request.encrypted,
            "host": request.host,
            "method": request.method,
            "path": self._clean(request.path),
            "token": arrival.token,
            "fields": arrival.fields,
            "done": arrival.done,
            "outcome": arrival.outcome,
            "status": status,
            "carried": self.carried(request),
        }
        self._write(line)

    def record_unreadable(self, encrypted: bool, problem: str) -> None:
        """Append a line for something that arrived and was no request that a host could answer."""
        self._write({"encrypted": encrypted, "outcome": "unreadable", "problem": problem, "fields": [], "done": []})

    def carried(self, request: Request) -> list[str]:
        """Return where a valid token stands in the request: header names, "target", "body"."""
        secrets = [value.lower().encode() for value in self._secrets()]
        places = [(name.lower(), value.encode("latin-1", "replace")) for name, value in request.headers]
        places += [("target", request.target.encode("latin-1", "replace")), ("body", request.payload())]
        return sorted({name for name, text in places if any(s in form for form in _forms(text) for s in secrets)})

    def _write(self, line: dict[str, object]) -> None:
        self._count += 1
        self._file.write(json.dumps({"n": self._count, "at": round(time.time(), 3), **line}) + "\n")
        self._file.flush()

    def _clean(self, path: str) -> str:
        forms = _forms(path.encode("latin-1", "replace"))
        return (
            "(carries a token)" if any(s.lower().encode() in form for form in forms for s in self._secrets()) else path
        )


def _forms(text: bytes) -> list[bytes]:
    """Return the readings of a text, lower-case: as it is, and with each common coding undone."""
    if len(text) > MOST_DECODED:
        return [text.lower()]
    plain = urllib.parse.unquote_to_bytes(text)
    unescaped = JSON_ESCAPE.sub(lambda m: bytes([int(m[1], 16)]), text)
    decoded = [_base64(run) for run in BASE64_RUN.findall(plain)]
    decoded += [binascii.unhexlify(run) for run in HEX_RUN.findall(plain)]
    return [form.lower() for form in (text, plain, unescaped, *decoded)]


def _base64(run: bytes) -> bytes:
    standard = run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/"))
    try:
        return base64.b64decode(standard + b"=" * (-len(standard) % 4))
    except binascii.Error:
        return b""
