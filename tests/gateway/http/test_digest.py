"""The digest of a request: equal for a re-send, different for anything that could do something else (law 7)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yett.gateway.http.digest import request_digest
from yett.model.http import HttpRequest

BODY = b'{"query":"mutation { volumeDelete(volumeId: \\"x\\") }"}'
HEADERS = (("content-type", "application/json"), ("authorization", "Bearer yett_ph_1"))
ASKED = HttpRequest("POST", "https", "backboard.railway.com", 443, "/graphql/v2", "a=b", HEADERS, BODY)


def plus(name: str, value: str) -> HttpRequest:
    return replace(ASKED, headers=(*ASKED.headers, (name, value)))


@pytest.mark.parametrize(
    "name",
    ["date", "user-agent", "traceparent", "x-request-id", "x-stainless-retry-count", "accept-encoding",
     "idempotency-key", "sec-fetch-mode"],
)  # fmt: skip
def test_a_volatile_header_changes_nothing(name: str) -> None:
    assert request_digest(plus(name, "1")) == request_digest(ASKED)


def test_every_part_that_acts_counts() -> None:
    others = [
        replace(ASKED, method="PUT"),
        replace(ASKED, scheme="http"),
        replace(ASKED, host="backboard.railway.app"),
        replace(ASKED, port=8443),
        replace(ASKED, path="/graphql/internal"),
        replace(ASKED, query="a=c"),
        replace(ASKED, body=BODY.replace(b"x", b"y")),
        replace(ASKED, body=b""),
        replace(ASKED, body=None),
        replace(ASKED, headers=(HEADERS[0], ("authorization", "Bearer yett_ph_2"))),
        plus("if-match", "1"),
        plus("if-match", "2"),
    ]
    assert len({request_digest(asked) for asked in [ASKED, *others]}) == len(others) + 1


def test_no_two_requests_share_their_bytes() -> None:
    """What ends one part could begin the next: every part says its length."""
    first = replace(ASKED, headers=(("x-a", "1"), ("x-b", "2")), body=b"3")
    assert request_digest(first) != request_digest(replace(first, headers=(("x-a", "13:x-b1:2"),)))
    assert request_digest(replace(ASKED, path="/a", query="b")) != request_digest(replace(ASKED, path="/ab", query=""))


@pytest.mark.parametrize("body", [b"", b"-", b":", b"streams"])
def test_a_body_that_streams_is_like_no_body_that_is_there(body: bytes) -> None:
    assert request_digest(replace(ASKED, body=None)) != request_digest(replace(ASKED, body=body))


def test_the_digest_holds_no_credential() -> None:
    assert len(request_digest(ASKED)) == 64
    assert "yett_ph" not in request_digest(ASKED)
