"""What an agent may ask for: exactly what was refused in its own session, and no more than a person can bear."""

from __future__ import annotations

import pytest

from yett.checkpoint.asks import MAX_REASON, REMEMBERED, Asks, Refusal
from yett.model.errors import YettError


def refusal(name: str, digest: str = "d") -> Refusal:
    return Refusal(name, digest, "summary", "reason", "ask")


def test_only_a_refusal_of_this_session_can_be_asked_for() -> None:
    asks = Asks()
    asks.remember(refusal("r-1"))
    with pytest.raises(YettError, match="no refusal r-2"):
        asks.ask("r-2", "please")
    assert not asks.asked("d")


def test_an_ask_is_for_that_digest_alone() -> None:
    asks = Asks()
    asks.remember(refusal("r-1", "this"))
    asks.remember(refusal("r-2", "that"))
    asks.ask("r-1", "please")
    assert asks.asked("this")
    assert not asks.asked("that")
    assert asks.reason("this") == "please"
    assert asks.reason("that") == ""


def test_the_oldest_refusals_are_forgotten() -> None:
    asks = Asks()
    for number in range(REMEMBERED + 5):
        asks.remember(refusal(f"r-{number}"))
    with pytest.raises(YettError):
        asks.ask("r-0", "please")
    last = asks.last()
    assert last is not None
    assert last.id == f"r-{REMEMBERED + 4}"


def test_reasons_are_bounded() -> None:
    asks = Asks()
    asks.remember(refusal("r-1"))
    asks.ask("r-1", "x" * 10**6)
    assert len(asks.reason("d")) == MAX_REASON


def test_nothing_was_refused_yet() -> None:
    assert Asks().last() is None


def test_ids_do_not_repeat() -> None:
    asks = Asks()
    assert len({asks.new_id() for _ in range(1000)}) == 1000
