"""What was classified before is answered again, and nothing else is."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.model.errors import Unreadable
from yett.operations.sql.cache import _TOO_MUCH, Cache, View, without_numbers
from yett.operations.sql.classify import classify
from yett.operations.sql.snapshot import Snapshot
from yett.operations.sql.statement import Statement

from .test_statements import CASES


def test_the_same_text_is_the_same_answer(catalog: Snapshot) -> None:
    view = Cache().view(catalog)
    first = view.classify(b"select 'x'", {})
    assert view.classify(b"select 'x'", {}) is first
    assert view.get(b"select 'x'") is first
    assert view.get(b"select 'y'") is None


def test_another_version_of_the_catalog_is_another_view(catalog: Snapshot) -> None:
    cache = Cache()
    cache.view(catalog).classify(b"select 'x'", {})
    changed = replace(catalog, version=("changed",))
    assert cache.view(changed).get(b"select 'x'") is None
    assert cache.view(catalog) is cache.view(catalog)


def test_a_refusal_is_refused_again(catalog: Snapshot) -> None:
    view = Cache().view(catalog)
    for _ in range(2):
        with pytest.raises(Unreadable):
            view.classify(b"selec 1", {})


def test_numbers_alone_are_not_classified_again(catalog: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    view = Cache().view(catalog)
    (first,) = view.classify(b"select * from users where id = 1 ;", {})
    monkeypatch.setattr("yett.operations.sql.cache.classify", lambda *_: pytest.fail("classified again"))
    (second,) = view.classify(b"select * from users where id = 22 ;", {})
    assert second == replace(first, text="select * from users where id = 22")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (b"select a1 from users", b"select a2 from users"),
        (b"select '1'", b"select '2'"),
        (b"select 1.5", b"select 2.5"),
        (b"select $1", b"select $2"),
        (b"set statement_timeout = 1", b"set statement_timeout = 0"),
        (b"select 1 /* 1 */", b"select 1 /* 2 */"),
        ("select é1".encode(), "select é2".encode()),
        (b'select "1"', b'select "2"'),
        (b"explain (analyze 0) delete from plain", b"explain (analyze 1) delete from plain"),
        (b"fetch 1 from c", b"fetch 2 from c"),
        (b"delete from plain where v + 1 = v + 2", b"delete from plain where v + 1 = v + 1"),
    ],
)
def test_what_is_no_mere_number_stays(one: bytes, other: bytes, catalog: Snapshot) -> None:
    view = Cache().view(catalog)
    view.classify(one, {})
    assert view.classify(other, {}) == classify(other, catalog, {})


NUMBERS = st.sampled_from(["0", "1", "7", "42", "2147483648", "99999999999999999999"])


@given(st.sampled_from([sql for _, _, sql in CASES]), NUMBERS, st.data())
@settings(max_examples=400, deadline=None)
def test_a_cached_answer_is_what_the_classifier_would_say(sql: str, number: str, data: st.DataObject) -> None:
    catalog = _CATALOGS[0]
    other = "".join(data.draw(NUMBERS) if c.isdigit() else c for c in sql)
    same = "".join(number if c.isdigit() else c for c in sql)
    view = Cache().view(catalog)
    assert _answer(view, same) == _plain(same, catalog)
    assert _plain(other, catalog) in ("unreadable", _answer(view, other))  # a number can be too large for the grammar


_CATALOGS: list[Snapshot] = []


@pytest.fixture(autouse=True)
def _for_properties(catalog: Snapshot) -> None:
    _CATALOGS[:] = [catalog]


def _answer(view: View, sql: str) -> tuple[Statement, ...] | str:
    try:
        return view.classify(sql.encode(), {})
    except Unreadable:
        return "unreadable"


def _plain(sql: str, catalog: Snapshot) -> tuple[Statement, ...] | str:
    try:
        return classify(sql.encode(), catalog, {})
    except Unreadable:
        return "unreadable"


def test_memory_is_bounded(catalog: Snapshot) -> None:
    view = View(catalog, 100_000)
    for n in range(1000):
        view.classify(f"select 'text {n}'".encode(), {})
    assert len(view._exact) < 100
    view.classify(b"select '" + b"x" * 15_000 + b"'", {})
    assert view.get(b"select '" + b"x" * 15_000 + b"'") is None


def test_views_are_bounded(catalog: Snapshot) -> None:
    cache = Cache(most_views=3)
    for n in range(10):
        cache.view(replace(catalog, version=n))
    assert len(cache._views) == 3


_ODD = st.text(alphabet="01 a.'\"$-/*\\;\xe9", max_size=12).map(lambda text: text.encode("latin-1"))


@given(_ODD, st.lists(st.integers(0, 10**20), min_size=12, max_size=12))
def test_texts_of_one_shape_have_alike_what_no_shape_may_have(text: bytes, numbers: list[int]) -> None:
    """So that who knows a shape need not look for it again."""
    shape = without_numbers(text)
    for number in numbers:
        other = shape.replace(b"\0", str(number).encode())
        assert without_numbers(other) == shape
        assert bool(_TOO_MUCH.search(other)) == bool(_TOO_MUCH.search(text))


@given(_ODD)
def test_a_number_is_what_neither_letters_digits_nor_dots_touch(text: bytes) -> None:
    assert without_numbers(text) == re.sub(rb"(?<![\w.])\d+(?![\w.])", b"\0", text)


def test_a_nul_is_no_number(catalog: Snapshot) -> None:
    view = Cache().view(catalog)
    view.classify(b"select * from users where id = 1", {})
    assert view.is_shape(without_numbers(b"select * from users where id = 2"))
    with pytest.raises(Unreadable):
        view.classify(b"select * from users where id = \0", {})
