"""An agent that repeats itself: its own part of the log fills, nobody else's, and nothing is lost in count."""

from __future__ import annotations

import pytest

from yett.checkpoint import quota
from yett.checkpoint.quota import Quota
from yett.ledger.journal import Entry

REFUSAL = Entry("refusal", {"why": "because"})


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_refusals_beyond_the_rate_are_counted_and_said_by_the_next() -> None:
    clock = _Clock()
    part = Quota(clock)
    written = [part.counted(REFUSAL) for _ in range(quota.AT_ONCE + 10_000)]
    assert [entry for entry in written if entry is not None] == [REFUSAL] * quota.AT_ONCE
    clock.now += 1
    after = part.counted(REFUSAL)
    assert after is not None
    assert after.body == {"why": "because", "left_out_before": 10_000}
    assert part.counted(REFUSAL) == REFUSAL


def test_ordinary_refusals_are_each_written() -> None:
    clock = _Clock()
    part = Quota(clock)
    for _ in range(3000):
        clock.now += 0.1
        assert part.counted(REFUSAL) == REFUSAL


def test_reads_end_where_a_session_has_filled_its_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "MOST_READS", 3)
    part = Quota(_Clock())
    assert [part.read() for _ in range(5)] == [True, True, True, False, False]
