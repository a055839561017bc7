"""Nothing secret is left in what may be logged, and our tokens end where PostgreSQL's do."""

from __future__ import annotations

import ctypes

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.operations.sql import grammar
from yett.operations.sql.lexer import Kind, tokens
from yett.operations.sql.redact import LONGEST, _by_tokens, redact

from .test_statements import CASES


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("select * from t where a = 'x' and b = 12", "select * from t where a = $1 and b = $2"),
        ("select $1, 'x', $2", "select $1, $3, $2"),
        ("select E'a\\'b', U&'x', b'01', x'ff', N'n', 'it''s'", "select $1, $2, $3, $4, $5, $6"),
        ("select $$x$$, $a$ $$ $a$", "select $1, $2"),
        ("do $$begin drop table t; end$$", "do $1"),
        ("select 1 -- secret", "select $1"),
        ("select /* secret /* deep */ */ 1", "select $1"),
        ('select "it\'s", t1.a2 from t1', 'select "it\'s", t1.a2 from t1'),
        ("select 1.5e10, .5, 0xff, 1_000, 1e-5", "select $1, $2, $3, $4, $5"),
        ("select  a\n\tfrom t", "select a from t"),
        ("alter role r password 'x'", "alter role r password $1"),
        ("select date'2020-01-01', interval '1' day", "select date$1, interval $2 day"),
        ("select 'a", "select ..."),
        ("select a-1, a -1", "select a-$1, a -$2"),
        ("", ""),
    ],
)
def test_redacted(text: str, shown: str) -> None:
    assert redact(text) == shown


def test_a_long_text_is_cut() -> None:
    assert len(redact("select " + "1, " * 100_000)) < LONGEST + 20


WORDS = st.sampled_from(
    [
        "'hush%'",
        "E'hush%\\''",
        "$$hush%$$",
        "$t$hush%$t$",
        "-- hush%\n",
        "/* hush% */",
        "/* /* hush% */ hush% */",
        "U&'hush%'",
        "'hu''sh%'",
        '"name"',
        '"na""me"',
        "42424242",
        "4242.4242",
        "select",
        "$1",
        "a1",
        "é",
        "::",
        "-",
        "*",
        "(",
        ")",
        ",",
        "e",
        "b",
        "$a",
    ]
)


@given(st.lists(WORDS, max_size=12), st.sampled_from([" ", "\n"]))
@settings(max_examples=300, deadline=None)
def test_no_literal_is_left(words: list[str], between: str) -> None:
    text = between.join(words)
    for shown in (redact(text), _by_tokens(text)):
        if _is_sql(text):
            assert "hush" not in shown, shown
            assert "4242" not in shown, shown


class _Scan(ctypes.Structure):
    _fields_ = [
        ("length", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
        ("stderr_buffer", ctypes.c_char_p),
        ("error", ctypes.c_void_p),
    ]


def _scanned(text: str) -> list[tuple[int, int]] | None:
    """PostgreSQL's own tokens: (start, end) in bytes; None if it does not lex."""
    library = ctypes.CDLL(grammar.locate())
    library.pg_query_scan.restype = _Scan
    answer = library.pg_query_scan(text.encode())
    if answer.error:
        return None
    data, places, position = ctypes.string_at(answer.data, answer.length), [], 0

    def number() -> int:
        nonlocal position
        value = shift = 0
        while True:
            byte = data[position]
            position += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while position < len(data):
        if number() != 0x12:
            number()
            continue
        end, fields = number() + position, {}
        while position < end:
            key = number()
            fields[key >> 3] = number()
        places.append((fields.get(1, 0), fields.get(2, 0)))
    return places


def _is_sql(text: str) -> bool:
    return _scanned(text) is not None


def _ours(text: str) -> list[tuple[int, int]]:
    places, position = [], 0
    for token in tokens(text):
        length = len(token.text.encode())
        if token.kind is not Kind.SPACE:
            places.append((position, position + length))
        position += length
    return places


@pytest.mark.parametrize("sql", [sql for _, _, sql in CASES], ids=str)
def test_our_tokens_cover_postgres_tokens(sql: str) -> None:
    _same_borders(sql)


@given(st.lists(WORDS, max_size=10))
@settings(max_examples=300, deadline=None)
def test_tokens_of_word_salad(words: list[str]) -> None:
    _same_borders(" ".join(words))


def _same_borders(text: str) -> None:
    """No token of PostgreSQL's crosses a border of a literal or comment of ours (it splits operators further)."""
    theirs = _scanned(text)
    if theirs is None:
        return
    assert "".join(token.text for token in tokens(text)) == text
    position = 0
    starts = dict(theirs)
    for token in tokens(text):
        length = len(token.text.encode())
        if token.kind in (Kind.LITERAL, Kind.QUOTED, Kind.COMMENT, Kind.NUMBER, Kind.PARAMETER):
            end = starts.get(position)
            assert end is not None, (text, token)
            assert end <= position + length, (text, token)
        position += length
