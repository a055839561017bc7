"""The journal sees a token through disguises, and never writes one down."""

from __future__ import annotations

import base64
import io
import json
import urllib.parse

from hypothesis import given
from hypothesis import strategies as st

from yett.lab.journal import Arrival, Journal
from yett.lab.wire import Request

TOKEN = "0f9a7c1e-5b3d-4e8a-9c2f-6d1b8a7e4c30"
ODD = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=12)
PLAIN = st.text("abcxyz019", max_size=9)


def carried(target: str = "/", body: bytes = b"", **headers: str) -> list[str]:
    fields = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    request = Request("POST", target, fields, body, b"", True)
    return Journal(io.StringIO(), lambda: [TOKEN]).carried(request)


def test_nothing_is_carried_by_an_innocent_request() -> None:
    assert carried("/a?b=c", json.dumps({"id": TOKEN[:-1] + "1"}).encode(), authorization="Bearer x") == []


@given(ODD, ODD)
def test_it_is_seen_in_plain_text_whatever_stands_around_it(before: str, after: str) -> None:
    assert carried(x_note=before + TOKEN + after) == ["x-note"]
    assert carried(x_note=before + TOKEN.upper() + after) == ["x-note"]


@given(PLAIN, PLAIN)
def test_it_is_seen_in_base64_at_any_offset(before: str, after: str) -> None:
    coded = base64.b64encode((before + TOKEN + after).encode()).decode()
    assert carried(authorization=f"Basic {coded}") == ["authorization"]
    assert carried(x_note=coded.rstrip("=").replace("+", "-").replace("/", "_")) == ["x-note"]


def test_it_is_seen_percent_encoded_json_escaped_and_in_hex() -> None:
    percent = "".join(f"%{byte:02x}" for byte in TOKEN.encode())
    escaped = "".join(f"\\u{ord(character):04x}" for character in TOKEN)
    assert carried(f"/a?k={percent}") == ["target"]
    assert carried(body=f'{{"a": "{escaped}"}}'.encode()) == ["body"]
    assert carried(body=TOKEN.encode().hex().encode()) == ["body"]
    assert carried(f"/a?k={urllib.parse.quote(base64.b64encode(TOKEN.encode()))}") == ["target"]


@given(ODD)
def test_it_is_never_written_down(around: str) -> None:
    file = io.StringIO()
    request = Request("GET", f"/{around}{TOKEN}", (("Host", "echo.rentals.example"), ("X", TOKEN)), b"", b"", False)
    Journal(file, lambda: [TOKEN]).record(request, Arrival(), 200)
    assert TOKEN not in file.getvalue()
    assert json.loads(file.getvalue())["carried"] == ["target", "x"]
