"""The quick ways say what the full search says, and forget what they know when there is another secret."""

from __future__ import annotations

import pytest
from broker_scene import TOKEN, request
from encodings_of_secrets import AROUND, NESTED, ONE_LAYER, VALUES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.broker.absent import Searcher, stands_nowhere
from yett.broker.known import known_secret
from yett.broker.needles import Needles
from yett.broker.stream import search
from yett.model.secret import Secret

quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
NEEDLES = Needles({"fp": Secret(TOKEN), "odd": Secret("a secret/with=odd%20chars")})
TEXTS = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF), max_size=40)


@pytest.mark.parametrize("form", ONE_LAYER)
@quick
@given(value=VALUES, before=AROUND, after=AROUND)
def test_where_a_secret_stands_nothing_is_said_to_be_absent(form: str, value: str, before: str, after: str) -> None:
    assert not stands_nowhere(Needles({"fp": Secret(value)}), ONE_LAYER[form](before, value, after))


@quick
@given(text=st.binary(max_size=200), value=VALUES, at=st.integers(0, 200))
def test_what_is_absent_is_found_in_no_view(text: bytes, value: str, at: int) -> None:
    needles = Needles({"fp": Secret(value)})
    for whole in (text, text[:at] + value.encode() + text[at:], text[:at] + value.encode()[:-1] + text[at:]):
        if stands_nowhere(needles, whole):
            assert search(needles, whole) == []


SENT = st.builds(
    lambda path, query, one, two, body, where, form: _with_secret(path, query, one, two, body, where, form),
    *(TEXTS,) * 4,
    st.sampled_from([b"", b"{}"]),
    st.sampled_from(["path", "query", "header", "nowhere", "nowhere"]),
    st.sampled_from(sorted(NESTED)),
)


def _with_secret(path: str, query: str, one: str, two: str, body: bytes, where: str, form: str) -> object:
    secret = NESTED[form](TOKEN.encode()).decode("latin-1")
    return request(
        path=f"/{path}{secret if where == 'path' else ''}",
        query=query + (secret if where == "query" else ""),
        body=body,
        x_one=one + (secret if where == "header" else ""),
        x_two=two,
    )


@quick
@given(sent=st.lists(SENT, max_size=4))
def test_a_searcher_that_remembers_finds_what_a_full_search_finds(sent: list[object]) -> None:
    searcher = Searcher()
    for one in sent * 2:
        assert searcher.find(NEEDLES, one) == known_secret(NEEDLES, one)  # type: ignore[arg-type]


def test_a_secret_that_is_learnt_later_is_found_in_headers_that_were_clean() -> None:
    searcher, sent = Searcher(), request(x_note="a-value-that-is-learnt-later")
    assert searcher.find(NEEDLES, sent) is None
    assert searcher.find(NEEDLES, sent) is None
    found = searcher.find(Needles({"new": Secret("a-value-that-is-learnt-later")}), sent)
    assert found is not None
    assert found[1] == "header:x-note"


def test_clean_headers_say_nothing_of_the_target() -> None:
    searcher = Searcher()
    assert searcher.find(NEEDLES, request(x_note="clean")) is None
    found = searcher.find(NEEDLES, request(path=f"/v1/{TOKEN}", x_note="clean"))
    assert found is not None
    assert found[1] == "path"
