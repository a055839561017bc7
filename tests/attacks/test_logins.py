"""Login bodies that say they are one thing and are another: no parser further on sees a credential unseen here."""

from __future__ import annotations

import pytest

from yett.broker.positions import presented
from yett.model.errors import CredentialRefused
from yett.model.http import HttpRequest
from yett.providers.book import ProviderBook
from yett.providers.room import Room, TokenEndpoint

FORM = "application/x-www-form-urlencoded"
BOOK = ProviderBook.load()
ENDPOINTS = [(room, endpoint) for room in BOOK.rooms for endpoint in room.token_endpoints]


def test_there_are_logins_to_attack() -> None:
    assert len(ENDPOINTS) >= 2


@pytest.mark.parametrize(("room", "endpoint"), ENDPOINTS, ids=lambda one: getattr(one, "host", ""))
@pytest.mark.parametrize("body", [b'{"%s":"raw-value-of-a-login"}', b'[{"%s":"raw"}]', b' {"%s":\n"raw"}'])
def test_json_that_says_it_is_a_form_is_refused(room: Room, endpoint: TokenEndpoint, body: bytes) -> None:
    content = body % endpoint.request[0].encode()
    request = HttpRequest("POST", "https", endpoint.host, 443, endpoint.path, "", (("content-type", FORM),), content)
    with pytest.raises(CredentialRefused, match="is none"):
        list(presented(request, room))


@pytest.mark.parametrize(("room", "endpoint"), ENDPOINTS, ids=lambda one: getattr(one, "host", ""))
def test_a_form_is_read_as_one(room: Room, endpoint: TokenEndpoint) -> None:
    content = f"grant_type=refresh_token&{endpoint.request[0]}=yett_ph_a&redirect_uri=http://localhost:1/x".encode()
    request = HttpRequest("POST", "https", endpoint.host, 443, endpoint.path, "", (("content-type", FORM),), content)
    assert [one.token for one in presented(request, room)] == ["yett_ph_a"]
