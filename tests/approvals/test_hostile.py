"""Text of an agent: nothing invisible, nothing that steers, nothing dropped without a word."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.approvals.hostile import is_plain_name, one_line, same_name, visible, visible_lines

CORPUS = {
    "\x1b[31mred": "<U+001B ESCAPE>[31mred",
    "a\x00b": "a<U+0000 NULL>b",
    "a\rb": "a<U+000D CARRIAGE RETURN>b",
    "\u202egnp.exe": "<U+202E RIGHT-TO-LEFT OVERRIDE>gnp.exe",
    "ap\u200bprove": "ap<U+200B ZERO WIDTH SPACE>prove",
    "a\u2066b": "a<U+2066 LEFT-TO-RIGHT ISOLATE>b",
    "a\u00adb": "a<U+00AD SOFT HYPHEN>b",
    "a\u3164b": "a<U+3164 HANGUL FILLER>b",
    "a\u00a0b": "a<U+00A0 NO-BREAK SPACE>b",
    "a\ufe0fb": "a<U+FE0F VARIATION SELECTOR-16>b",
    "a\U000e0041b": "a<U+E0041 TAG LATIN CAPITAL LETTER A>b",
    "a\x9b1mb": "a<U+009B CONTROL>1mb",
    "a\ud800b": "a<U+D800 UNASSIGNED>b",
    "plain text, été": "plain text, été",
}


@pytest.mark.parametrize(("text", "shown"), CORPUS.items())
def test_steering_characters_are_named(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text(max_size=400))
def test_whatever_is_shown_on_a_terminal_is_printable(text: str) -> None:
    shown = one_line(text)
    assert all(unicodedata.category(c)[0] not in "CZ" or c == " " for c in shown)
    assert "\x1b" not in shown


@given(st.text(max_size=400))
def test_block_has_no_other_line_breaks_than_its_lines(text: str) -> None:
    for line in visible_lines(text):
        assert "\n" not in line.plain()
        assert line.plain().isprintable() or line.plain() == ""


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=400), st.integers(1, 100))
def test_what_is_cut_is_told(text: str, limit: int) -> None:
    shown = visible(text, limit)
    little_more = len(text) <= limit + 40  # as long as it is to say that it was cut
    assert shown.cut == (0 if little_more else len(text) - limit)
    assert bool(shown.cut_sha256) != little_more


def test_lines_that_are_cut_are_told() -> None:
    block = visible_lines("\n".join(str(n) for n in range(100)), lines=3)
    assert [line.plain() for line in block[:3]] == ["0", "1", "2"]
    assert "more characters, SHA-256" in block[3].plain()


def test_piles_of_marks_are_unpiled() -> None:
    assert "COMBINING" in one_line("a" + "\u0301" * 9)
    assert one_line("e\u0301te\u0301") == "e\u0301te\u0301"


@pytest.mark.parametrize("text", ["p\u0430ypal", "раypal", "prοduction", "ｐroduction"])
def test_lookalike_letters_are_flagged(text: str) -> None:
    assert visible(text).warnings


def test_right_to_left_letters_are_flagged() -> None:
    assert visible("שלום").warnings == ("right-to-left letters",)


@pytest.mark.parametrize(("one", "other"), [("Ada", "ADA"), ("Ａｄａ", "ada"), ("Straße", "STRASSE"), ("é", "e\u0301")])
def test_same_name(one: str, other: str) -> None:
    assert same_name(one, other)


@given(st.text(max_size=80))
def test_plain_name_is_shown_as_it_is(name: str) -> None:
    if is_plain_name(name):
        assert one_line(name) == name
        assert name == name.strip()
