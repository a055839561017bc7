"""Law 2. Intent is durable before the first byte of a write leaves; an approval is spent once; nothing is retried."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

import pytest
from law_plane import LawPlane, law_plane, settle
from law_world import PROD_VOLUME, STAGING_VOLUME, Upstream, World

from yett.approvals.hold import HoldState
from yett.checkpoint import tally
from yett.checkpoint.record import Pass, write_intent
from yett.ledger.journal import Entry
from yett.model.decision import Refused
from yett.model.errors import LedgerUnavailable

DELETE = f'mutation {{ volumeDelete(volumeId: "{PROD_VOLUME}") }}'


def intents_on_disk(home: Path) -> list[dict[str, object]]:
    """The intents that a stranger to the daemon reads: a connection of its own, committed data only."""
    with sqlite3.connect(f"file:{home / 'yett.db'}?mode=ro", uri=True) as connection:
        rows = connection.execute("SELECT data FROM ledger_entry ORDER BY idx").fetchall()
    return [entry for (data,) in rows if (entry := json.loads(data))["kind"] == "intent"]


def test_the_upstream_sees_a_write_only_after_its_intent_can_be_read_by_another_connection(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    found: list[int] = []
    laws.upstream.before_answer = lambda: found.append(len(intents_on_disk(laws.home)))
    held = laws.post(port, DELETE, token).problem
    state = laws.checkpoint.state(session.id)
    assert state is not None
    if not held.get("hold"):
        state.asks.ask(state.asks.last().id, "broken")  # type: ignore[union-attr]
        held = laws.post(port, DELETE, token).problem
    assert not laws.upstream.seen, "a held request never leaves"
    laws.approve_and_wait(held["hold"])
    assert laws.post(port, DELETE, token).status == 200
    assert found == [1]
    assert intents_on_disk(laws.home)[0]["body"]["hold"] == held["hold"]  # type: ignore[index]


def test_twenty_sends_of_an_approved_request_at_once_release_it_once(laws: LawPlane) -> None:
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve_and_wait(hold)
    attempt = laws.delete(session)

    async def storm() -> list[object]:
        return await asyncio.gather(*(laws.checkpoint.pass_(attempt) for _ in range(20)), return_exceptions=True)

    results = laws.do(storm())
    passed = [result for result in results if isinstance(result, Pass)]
    assert len(passed) == 1
    assert all(isinstance(result, Pass | Refused) for result in results)
    assert laws.world.captures == 1, "nor is the undo made twenty times"
    assert len(intents_on_disk(laws.home)) == 1
    assert laws.hold(hold).state is HoldState.CONSUMED


def test_an_approval_that_was_spent_is_worth_nothing_to_the_next_send(laws: LawPlane) -> None:
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve_and_wait(hold)
    granted = laws.send(laws.delete(session))
    laws.do(laws.checkpoint.finish(granted, "done", 200))
    again = laws.refused(laws.delete(session))
    assert again.hold not in ("", hold)
    assert laws.hold(hold).state is HoldState.RELEASED


def test_an_approval_is_not_spent_when_its_intent_cannot_be_written(laws: LawPlane) -> None:
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve_and_wait(hold)
    laws.world.on_capture = laws.plane.journal.close
    with pytest.raises((LedgerUnavailable, Refused)):
        laws.send(laws.delete(session))
    assert laws.hold(hold).state is HoldState.APPROVED
    assert not intents_on_disk(laws.home)


def test_an_approval_is_not_spent_when_the_owed_undo_cannot_be_made(laws: LawPlane) -> None:
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve_and_wait(hold)
    laws.world.undo_fails = True
    assert laws.refused(laws.delete(session)).code == "undo"
    assert laws.hold(hold).state is HoldState.APPROVED
    laws.world.undo_fails = False
    assert laws.send(laws.delete(session)).hold == hold


def test_intent_approval_and_budget_are_one_transaction(laws: LawPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever of it fails undoes the rest."""
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve_and_wait(hold)

    def broken(*_: object) -> Entry:
        raise RuntimeError("the last step fails")

    monkeypatch.setattr("yett.checkpoint.record.intent_entry", broken)
    with pytest.raises(RuntimeError):
        laws.send(laws.delete(session))
    monkeypatch.undo()
    assert laws.hold(hold).state is HoldState.APPROVED
    assert laws.plane.store.read(lambda c: c.exec_driver_sql("SELECT count(*) FROM budgets").scalar()) == 0


def test_an_outcome_is_recorded_once(laws: LawPlane) -> None:
    session = laws.session()
    granted = laws.send(laws.rename(session, STAGING_VOLUME))
    for outcome in ("done", "refused", "unknown"):
        laws.do(laws.checkpoint.finish(granted, outcome, 200))
    assert [entry["body"]["outcome"] for entry in laws.entries("outcome")] == ["done"]


def test_an_agent_that_leaves_while_its_intent_is_written_leaves_an_outcome(
    laws: LawPlane, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = laws.rename(laws.session(), STAGING_VOLUME)
    sending: list[asyncio.Task[Pass]] = []

    def leaving(*everything: Any) -> Any:
        laws.loop.call_soon_threadsafe(sending[0].cancel)
        time.sleep(0.1)
        return write_intent(*everything)

    monkeypatch.setattr("yett.checkpoint.pipeline.write_intent", leaving)

    async def leave() -> None:
        sending.append(asyncio.ensure_future(laws.checkpoint.pass_(attempt)))
        with pytest.raises(asyncio.CancelledError):
            await sending[0]
        await asyncio.sleep(0.3)

    laws.do(leave())
    assert len(laws.entries("intent")) == 1
    assert [entry["body"]["outcome"] for entry in laws.entries("outcome")] == ["refused"]


def test_a_crash_after_the_intent_is_unknown_shown_and_never_retried(
    tmp_path: Path, law_roots: Path, upstream: Upstream, world: World
) -> None:
    with law_plane(tmp_path / "home", law_roots, upstream, world) as before:
        settle(before)
        session = before.session()
        hold = before.asked_delete(session)
        before.approve_and_wait(hold)
        intent = before.send(before.delete(session)).intent  # and then the lights go out
    with law_plane(tmp_path / "home", law_roots, upstream, world) as after:
        unknown = after.entries("outcome")[-1]["body"]
        assert (unknown["intent"], unknown["outcome"]) == (intent, "unknown")
        assert after.hold(hold).state is HoldState.UNKNOWN
        after.call(lambda: after.checkpoint.open_session(session))
        again = after.refused(after.delete(session))
        assert again.hold != hold, "the same request waits for a person anew"


def test_a_read_is_in_the_queue_before_it_passes_and_a_dead_ledger_stops_it(laws: LawPlane) -> None:
    session = laws.session()
    before = len(laws.entries("read"))
    laws.send(laws.get(session))
    laws.do(laws.plane.journal.run(lambda tx: None))
    assert len(laws.entries("read")) == before + 1
    laws.call(laws.plane.journal.close)
    with pytest.raises(LedgerUnavailable):
        laws.send(laws.get(session))
    with pytest.raises(LedgerUnavailable):
        laws.call(lambda: laws.checkpoint.pass_now(laws.get(session)))


def test_reads_that_were_only_counted_are_in_the_log_when_the_daemon_has_ended(
    tmp_path: Path, law_roots: Path, upstream: Upstream, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "LINGER_S", 3600.0)
    with law_plane(tmp_path / "home", law_roots, upstream, world) as laws:
        settle(laws)
        session = laws.session()
        laws.send(laws.get(session))
        for _ in range(3):
            laws.call(lambda: laws.checkpoint.again(session, "d"))
        assert not laws.entries("reads")
    with law_plane(tmp_path / "home", law_roots, upstream, world) as after:
        assert [entry["body"] for entry in after.entries("reads")] == [{"session": session.id, "again": {"d": 3}}]


def test_a_read_that_returns_a_secret_waits_for_a_person(laws: LawPlane) -> None:
    session = laws.session()
    document = '{ variables(projectId: "p", environmentId: "env-stag") }'
    refused = laws.refused(laws.attempt(session, laws.request(document)))
    assert refused.hold or refused.verdict.value == "deny"
    assert not laws.entries("intent")


def test_a_commit_is_on_the_disk_when_it_is_acknowledged(laws: LawPlane) -> None:
    """SQLite's FULL: the write-ahead log is flushed by each commit."""
    with laws.plane.store._writer.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
