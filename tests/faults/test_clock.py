"""Clocks that jump: nothing lives longer by it that was to end, and the log's times never run backwards."""

from __future__ import annotations

from law_plane import LawPlane
from law_world import PROD_VOLUME

from yett.approvals.hold import HoldState
from yett.model.effects import Verdict


def test_a_jump_ahead_ends_approvals_and_tasks(laws: LawPlane) -> None:
    session = laws.session("production", production=True, seconds=7200)
    hold = laws.refused(laws.rename(session, PROD_VOLUME)).hold
    laws.approve(hold)
    laws.clock.advance(3600)
    assert laws.refused(laws.rename(session, PROD_VOLUME)).hold != hold
    laws.clock.advance(3601)
    assert laws.refused(laws.get(session)).verdict is Verdict.DENY


def test_a_jump_back_does_not_start_a_task_before_its_time(laws: LawPlane) -> None:
    session = laws.session()
    laws.send(laws.get(session))
    laws.clock.advance(-3600)
    assert laws.refused(laws.get(session)).verdict is Verdict.DENY


def test_a_jump_back_does_not_shorten_the_delay_of_an_approval(laws: LawPlane) -> None:
    session = laws.session()
    laws.clock.advance(100)
    hold = laws.asked_delete(session)
    laws.approve(hold)
    laws.clock.advance(-50)
    refused = laws.refused(laws.delete(session))
    assert refused.hold == hold
    assert laws.hold(hold).state is HoldState.APPROVED


def test_what_expired_stays_expired_when_the_clock_goes_back(laws: LawPlane) -> None:
    session = laws.session("production", production=True, seconds=7200)
    hold = laws.refused(laws.rename(session, PROD_VOLUME)).hold
    laws.approve(hold)
    laws.clock.advance(3600)
    laws.do(laws.plane.desk.expire())
    laws.clock.advance(-3600)
    assert laws.hold(hold).state is HoldState.EXPIRED
    assert laws.refused(laws.rename(session, PROD_VOLUME)).hold != hold


def test_the_logs_times_never_run_backwards(laws: LawPlane) -> None:
    session = laws.session()
    jumps = iter([0, -3600, 10, -7200, 5])
    for jump in jumps:
        laws.plane.journal._writer._clock = lambda jump=jump: laws.clock() + jump * 10**9  # type: ignore[misc]
        laws.refused(laws.delete(session))
    times = [entry["at"] for entry in laws.entries()]
    assert times == sorted(times)
