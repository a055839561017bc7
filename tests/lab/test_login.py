"""The token endpoint of a login: one refresh token, one renewal, and the old pair is worth nothing after it."""

from __future__ import annotations

import json
from typing import Any

from tests.lab.conftest import JSON, Hands

from yett.lab.login import Login

TOKEN = "https://platform.claude.com/v1/oauth/token"


def renew(hands: Hands, refresh: str) -> Any:
    return hands.answer(*JSON, "-d", json.dumps({"grant_type": "refresh_token", "refresh_token": refresh}), url=TOKEN)


def ask(hands: Hands, access: str) -> Any:
    body = json.dumps({"model": "some", "messages": [{"role": "user", "content": "hello"}]})
    given = ("-H", f"authorization: Bearer {access}", *JSON, "-d", body)
    return hands.answer(*given, url="https://api.anthropic.com/v1/messages")


def test_credentials_have_the_real_shape() -> None:
    made = Login()
    assert (made.access[:13], made.refresh[:13]) == ("sk-ant-oat01-", "sk-ant-ort01-")
    assert len(made.access) == len(made.refresh) == 108


def test_a_renewal_ends_the_old_pair(doomed: Hands) -> None:
    first = doomed.lab.handed_out
    assert ask(doomed, first["model_login"])["type"] == "message"
    second = renew(doomed, first["model_refresh"])
    assert ask(doomed, first["model_login"])["type"] == "error"
    assert ask(doomed, second["access_token"])["type"] == "message"
    assert renew(doomed, first["model_refresh"]) == {"error": "invalid_grant"}
    assert "access_token" in renew(doomed, second["refresh_token"])
    arrivals = [a for a in doomed.lab.arrivals() if a["path"] == "/v1/oauth/token"]
    assert [(a["token"], a["done"]) for a in arrivals] == [
        ("model-login", ["renewal"]),
        ("unknown", []),
        ("model-login", ["renewal"]),
    ]
    assert {tuple(a["carried"]) for a in arrivals} == {("body",)}


def test_anything_else_is_not_found_or_invalid(hands: Hands) -> None:
    assert renew(hands, "made up") == {"error": "invalid_grant"}
    assert hands.answer("-d", "no json", url=TOKEN) == {"error": "invalid_grant"}
    assert hands.answer(url="https://platform.claude.com/") == {"error": "not_found"}
