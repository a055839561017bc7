"""Agent-written text on a person's terminal."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from yett.sandbox.visible import visible


@given(st.text())
def test_nothing_that_a_terminal_acts_on_passes(text: str) -> None:
    shown = visible(text)
    assert not any(ord(letter) < 32 or 0x7F <= ord(letter) < 0xA0 for letter in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_stays(text: str) -> None:
    assert visible(text) == text
