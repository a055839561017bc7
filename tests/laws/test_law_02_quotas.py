"""Law 2. One session fills its own part of the log and no more."""

from __future__ import annotations

import pytest
from law_plane import LawPlane

from yett.checkpoint import quota


def test_refusals_without_end_are_counted_not_written(laws: LawPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "AT_ONCE", 5)
    monkeypatch.setattr(quota, "A_SECOND", 0.0)
    session = laws.session()
    state = laws.checkpoint.state(session.id)
    assert state is not None
    state.quota = quota.Quota()
    for _ in range(20):
        assert not laws.refused(laws.rename(session)).hold
    assert len(laws.entries("refusal")) == 5
    assert state.counts["refused"] == 20


def test_reads_beyond_a_sessions_part_are_refused_and_others_pass(
    laws: LawPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota, "MOST_READS", 3)
    session, other = laws.session(), laws.session()
    for _ in range(3):
        laws.send(laws.get(session))
    assert laws.refused(laws.get(session)).code == "quota"
    laws.send(laws.get(other))
    assert len(laws.entries("read")) == 4
