"""A status and a name prove life; nothing else does."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.inventory.kinds import LiveCall
from yett.inventory.live.call import request_of
from yett.inventory.live.verdict import Answer, Verdict, verdict

VALUE = "tok/" + "0123456789" * 3
FORMS = request_of(LiveCall("https://api.issuer.example/me", "basic-password:api"), VALUE).forms
LOGIN = base64.b64encode(f"api:{VALUE}".encode()).decode()
NAMED = LiveCall("https://api.issuer.example/me", "bearer", identity="data.viewer.email")
UNNAMED = LiveCall("https://api.issuer.example/me", "bearer", dead=())


def judged(body: object, status: int = 200, call: LiveCall = NAMED) -> Verdict:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return verdict(call, Answer(status, raw), FORMS)


def test_a_name_proves_life() -> None:
    assert judged({"data": {"viewer": {"email": "ops@lab.example"}}}) == Verdict("live", "ops@lab.example")


@pytest.mark.parametrize(
    "body",
    [
        {"ok": False, "error": "invalid_auth"},
        {"data": None, "errors": [{"message": "Authentication required"}]},
        {"data": {"viewer": {"email": None}}},
        {"data": {"viewer": {"email": ""}}},
        {"data": {"viewer": {"email": False}}},
        {"data": {"viewer": {"email": {}}}},
        {"data": []},
        [],
        "data",
        b"",
        b"<html>",
        b"[" * 60_000,
        b"\xff\xfe\x00",
        b"9" * 60_000,
    ],
)
def test_a_200_without_it_proves_nothing(body: object) -> None:
    assert judged(body) == Verdict("unknown")


def test_where_no_name_is_declared_the_status_is_enough() -> None:
    assert judged(b"", call=UNNAMED) == Verdict("live")


def test_statuses_prove_what_is_declared() -> None:
    assert judged({}, 401) == Verdict("dead")
    for status in (302, 400, 403, 404, 429, 500, 503):
        assert judged({"data": {"viewer": {"email": "x"}}}, status) == Verdict("unknown")
    assert judged({}, 401, UNNAMED) == Verdict("unknown")


def test_a_place_in_a_list_and_a_number_are_names() -> None:
    call = LiveCall("https://api.issuer.example/me", "bearer", identity="data.0.id")
    assert judged({"data": [{"id": 42}]}, call=call) == Verdict("live", "42")
    assert judged({"data": []}, call=call) == Verdict("unknown")


@pytest.mark.parametrize(
    "said", [VALUE, f"key {VALUE}", VALUE[:14], VALUE[-12:], quote(VALUE, ""), f"Basic {LOGIN}", LOGIN[9:30]]
)
def test_what_an_issuer_says_back_of_the_credential_is_no_account(said: str) -> None:
    assert judged({"data": {"viewer": {"email": said}}}) == Verdict("live", "")


def test_a_hostile_name_is_harmless() -> None:
    shown = judged({"data": {"viewer": {"email": "a\x1b[2J\nb\ud800" + "c" * 5000}}}).account
    assert shown.startswith("a<U+001B>[2J<U+000A>b<U+D800>")
    assert len(shown) == 200


@given(st.binary(max_size=200))
def test_no_body_raises(body: bytes) -> None:
    assert judged(body).live in ("live", "unknown")
