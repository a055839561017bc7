"""The echo host reflects, streams and misbehaves on demand."""

from __future__ import annotations

import gzip
import json

import pytest
from tests.lab.conftest import Hands

HOST = "https://echo.rentals.example"


def test_it_reflects_what_arrived(hands: Hands) -> None:
    done = hands.curl("-X", "PATCH", "-H", "X-One: 1", "-d", "héllo", f"{HOST}/a/b?c=d")
    seen = json.loads(done.stdout)
    assert (seen["method"], seen["target"], seen["body"]) == ("PATCH", "/a/b?c=d", "héllo")
    assert ["X-One", "1"] in seen["headers"]


def test_bytes_come_back_as_base64(hands: Hands) -> None:
    seen = json.loads(hands.curl("--data-binary", "@-", f"{HOST}/", stdin=b"\xff\x00").stdout)
    assert seen["body_base64"] == "/wA="


def test_it_streams(hands: Hands) -> None:
    assert hands.curl(f"{HOST}/sse?count=3").stdout == b"data: {0}\n\ndata: {1}\n\ndata: {2}\n\n"
    done = hands.curl("-i", f"{HOST}/chunked?count=2").stdout
    assert b"transfer-encoding: chunked" in done
    assert done.endswith(b"piece 0\npiece 1\n")


def test_it_sends_as_much_as_asked_for(hands: Hands) -> None:
    assert len(hands.curl(f"{HOST}/large?bytes=3000001").stdout) == 3_000_001


def test_it_compresses(hands: Hands) -> None:
    assert json.loads(gzip.decompress(hands.curl(f"{HOST}/gzip").stdout))["target"] == "/gzip"


def test_it_answers_any_status(hands: Hands) -> None:
    assert hands.curl("-w", "%{http_code}", f"{HOST}/status/418").stdout == b"{}418"


@pytest.mark.parametrize(
    ("page", "codes"), [("garbage", {1, 8, 56}), ("reset", {35, 52, 56}), ("short", {18, 56}), ("hang", {28})]
)
def test_it_misbehaves(hands: Hands, page: str, codes: set[int]) -> None:
    assert hands.curl("--max-time", "1", f"{HOST}/{page}").returncode in codes
    assert hands.lab.arrivals()[-1]["path"] == f"/{page}"


def test_a_connection_serves_many_requests(hands: Hands) -> None:
    done = hands.curl("-w", "%{num_connects}", f"{HOST}/status/200", f"{HOST}/status/200")
    assert done.stdout == b"{}1{}0"
