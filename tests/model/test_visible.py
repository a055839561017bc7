"""Text that an agent may have written, on a person's terminal."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from yett.model.visible import visible


@given(st.text())
def test_nothing_that_a_terminal_acts_on_passes(text: str) -> None:
    shown = visible(text)
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


@given(st.characters(categories=("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")))
def test_what_shows_nothing_is_shown_by_its_number(letter: str) -> None:
    number = f"<U+{ord(letter):04X}>"
    assert visible(f"a{letter}b") == ("a b" if letter == " " else f"a{number}b"), unicodedata.category(letter)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_stays(text: str) -> None:
    assert visible(text) == text


def test_letters_of_every_language_stay() -> None:
    assert visible("ä漢🙂") == "ä漢🙂"


def test_a_line_is_cut_where_it_is_too_long() -> None:
    assert visible("x" * 300, 200) == "x" * 199 + "…"
    assert visible("x" * 200, 200) == "x" * 200
    assert len(visible("\u202e" * 200, 200)) == 200
