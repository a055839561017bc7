"""Requests that are made to be expensive: they are refused before they are worked through."""

from __future__ import annotations

import secrets

import pytest

from yett.broker.known import known_secret
from yett.broker.needles import Needles
from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest
from yett.model.secret import Secret

NEEDLES = Needles({str(n): Secret(secrets.token_urlsafe(24).encode()) for n in range(20)})


@pytest.mark.parametrize("escape", [b"%41", b"%25%32%35", b"&amp;amp;#65;", b"\\\\\\\\\\\\\\\\u0041"])
def test_a_body_of_nothing_but_escapes_is_refused_not_searched(escape: bytes) -> None:
    """Megabytes of them would keep every session waiting for seconds."""
    body = escape * (4_000_000 // len(escape))
    with pytest.raises(CredentialRefused, match="encoded"):
        known_secret(NEEDLES, HttpRequest("POST", "https", "example.com", 443, "/", "", (), body))


def test_escapes_in_ordinary_measure_pass() -> None:
    body = b'{"text": "one\\ntwo \\"three\\" %41 &amp; four"}' * 5000
    assert known_secret(NEEDLES, HttpRequest("POST", "https", "example.com", 443, "/", "", (), body)) is None
