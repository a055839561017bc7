"""Law 3(a): a known secret is found anywhere in a request, in any form and through a few layers."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from broker_scene import CLOUD, TOKEN, request
from encodings_of_secrets import AROUND, NESTED, ONE_LAYER, VALUES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.broker.known import first, known_secret
from yett.broker.needles import Needles
from yett.model.errors import CredentialRefused
from yett.model.secret import Secret

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NEEDLES = Needles({"fp": Secret(TOKEN), "other": Secret("another-secret-of-some-length")})


@pytest.mark.parametrize("form", ONE_LAYER)
@quick
@given(value=VALUES, before=AROUND, after=AROUND)
def test_every_form_is_found(form: str, value: str, before: str, after: str) -> None:
    found = first(Needles({"fp": Secret(value)}), ONE_LAYER[form](before, value, after))
    assert found is not None
    assert found.fingerprint == "fp"


@quick
@given(value=VALUES, layers=st.lists(st.sampled_from(sorted(NESTED)), min_size=1, max_size=3))
def test_layers_are_taken_off(value: str, layers: list[str]) -> None:
    text = value.encode()
    for layer in layers:
        text = NESTED[layer](text)
    assert first(Needles({"fp": Secret(value)}), text) is not None, layers


@quick
@given(body=st.binary(max_size=300))
def test_nothing_is_found_where_nothing_is(body: bytes) -> None:
    assert first(NEEDLES, body) is None


@pytest.mark.parametrize(
    ("where", "sent"),
    [
        ("header:x-note", request(x_note=f"see {TOKEN}")),
        ("header:authorization", request(authorization=f"Bearer {TOKEN}")),
        ("header:authorization", request(authorization="Basic " + base64.b64encode(f"ada:{TOKEN}".encode()).decode())),
        ("path", request(path=f"/v1/{TOKEN}/things")),
        ("path", request(path="/v1/" + "".join(f"%{byte:02x}" for byte in TOKEN.encode()))),
        ("query", request(query=f"q={quote(quote(TOKEN, safe='-'))}")),
        ("query", request(query="q=" + quote(base64.urlsafe_b64encode(b'{"k":"' + TOKEN.encode() + b'"}')))),
        ("body", request(body=json.dumps({"query": f"mutation {{ x(token: {json.dumps(TOKEN)}) }}"}).encode())),
        ("body", request(body=json.dumps({"a": json.dumps({"b": TOKEN})}).encode())),
        ("host", request(host=f"{TOKEN}.attacker.test")),
        (f"header:x-{TOKEN}", request(**{f"x_{TOKEN.replace('-', '_')}": "1"})),
    ],
)
def test_the_place_is_named(where: str, sent: object) -> None:
    found = known_secret(NEEDLES, sent)  # type: ignore[arg-type]  # pytest's parameters have no types
    assert found is not None
    assert (found[0].fingerprint, found[1]) == ("fp", where)


def test_a_secret_with_other_than_ascii_letters_is_found_in_both_readings_of_a_header() -> None:
    needles = Needles({"fp": Secret("pässwörd-länger-als-16")})
    assert known_secret(needles, request(x_a="pässwörd-länger-als-16"))
    assert known_secret(needles, request(x_a="pässwörd-länger-als-16".encode().decode("latin-1")))


def test_shape_alone_is_nothing() -> None:
    """Law 3(c): ids and hashes look like tokens."""
    look_alikes = [
        "00000000-7d43-4b8a-9c55-0a1b2c3d4e5f",
        "ghp_" + "a" * 36,
        "AKIAIOSFODNN7EXAMPLE",
        "sk-ant-" + "b" * 40,
    ]
    assert all(known_secret(NEEDLES, request(query=f"id={text}", x_id=text)) is None for text in look_alikes)


def test_short_secrets_are_not_searched_for() -> None:
    assert not Needles({"fp": Secret("hunter2hunter22")})


def test_layers_that_multiply_without_end_are_refused() -> None:
    text = rb"%252541&amp;amp;#65;\\\\u0041" * 40_000
    with pytest.raises(CredentialRefused):
        first(NEEDLES, text)


def test_half_a_secret_is_not_found() -> None:
    """Split over two fields it is not found either: the broker's docstring says so."""
    assert known_secret(NEEDLES, request(x_a=TOKEN[:20], x_b=TOKEN[20:])) is None
    assert request().host == CLOUD
