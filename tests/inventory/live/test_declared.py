"""Every declared identification call is one that a credential may be put into."""

from __future__ import annotations

import random
import re
from dataclasses import replace

import pytest

from yett.inventory.kinds import LiveCall, load_rules
from yett.inventory.live.call import METHODS, Unsendable, host_of, problem_of, request_of
from yett.inventory.live.calls import calls
from yett.lab.samples import match_of
from yett.providers.book import ProviderBook

CALLS = calls()
FORMS = {(rule.provider, rule.id): rule.pattern or rule.value for rule in load_rules()}
FORMS |= {(room.name, kind.id): kind.value.pattern for room in ProviderBook.load().rooms for kind in room.credentials}
GOOD = LiveCall("https://api.issuer.example/me", "bearer")


@pytest.mark.parametrize("kind", CALLS, ids="/".join)
def test_a_call_goes_to_one_fixed_host_over_https(kind: tuple[str, str]) -> None:
    call = CALLS[kind]
    assert problem_of(call) == ""
    assert call.url.startswith(f"https://{host_of(call)}/")
    assert call.method in METHODS


@pytest.mark.parametrize("kind", CALLS, ids="/".join)
def test_every_value_of_a_kind_fits_into_its_call(kind: tuple[str, str]) -> None:
    form = FORMS[kind]  # a call for a kind that no scan finds is a mistake
    for seed in range(3):
        value = match_of(form, random.Random(seed))
        secret = re.fullmatch(form, value)
        assert secret is not None
        value = secret.groupdict().get("secret") or value
        request = request_of(CALLS[kind], value)
        assert request.octets.startswith(CALLS[kind].method.encode() + b" /")
        assert value not in repr(request)


def test_a_hundred_kinds_can_be_asked_about() -> None:
    assert len(CALLS) >= 100


WRONG = {
    "http": {"url": "http://api.issuer.example/me"},
    "login in the URL": {"url": "https://user@api.issuer.example/me"},
    "value as host": {"url": "https://{value}.issuer.example/me", "auth": "path"},
    "value in the query": {"url": "https://api.issuer.example/me?key={value}", "auth": "path"},
    "one word": {"url": "https://localhost/me"},
    "address in brackets": {"url": "https://[::1]/me"},
    "odd port": {"url": "https://api.issuer.example:0/me"},
    "blank": {"url": "https://api.issuer.example/me you"},
    "no place": {"auth": "path"},
    "place, other auth": {"url": "https://api.issuer.example/{value}"},
    "no place in the body": {"auth": "body", "method": "POST", "body": "{}"},
    "unknown auth": {"auth": "cookie"},
    "header with a break": {"auth": "header:A\nB"},
    "DELETE": {"method": "DELETE"},
    "GET with a body": {"body": "{}"},
    "both": {"alive": (200, 401)},
    "redirect": {"dead": (302,)},
    "nothing": {"alive": ()},
    "broken header": {"headers": (("version", "1\r\nhost: evil.example"),)},
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_declaration_takes_no_value(wrong: str) -> None:
    call = replace(GOOD, **WRONG[wrong])  # type: ignore[arg-type]  # one dict for all fields
    assert problem_of(call)
    with pytest.raises(Unsendable):
        request_of(call, "v" * 20)


def test_a_right_one_does() -> None:
    assert problem_of(GOOD) == ""


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(TypeError):
        LiveCall.of({"url": "https://api.issuer.example/me", "auth": "bearer", "follow": True})
