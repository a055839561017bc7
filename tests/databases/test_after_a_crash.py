"""What is settled, swept and let go while the daemon runs, and what is on disk before COMMIT leaves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, select, update
from tests.databases.company_of_tests import Company

from yett.daemon.housework import _every, prune
from yett.gateway.databases import service
from yett.gateway.databases.undos.xacts import Xact
from yett.gateway.postgres.lockstep import Lockstep
from yett.ledger.journal import Journal
from yett.model.errors import LedgerUnavailable, YettError
from yett.store.tables import inflight, undos

WRITE = "UPDATE users SET plan = 'team' WHERE id = 3"


def lost(company: Company, xid: int) -> Xact:
    """An intent that an earlier daemon left, of that transaction."""
    xact = Xact(company.laws.plane.databases.named("saas").id, xid)
    row = {"intent": 0, "hold": None, "session": company.session.id, "state": "unknown", "xact": str(xact)}
    company.laws.do(company.laws.plane.journal.run(lambda tx: tx.execute(insert(inflight).values(**row))))
    return xact


def state(company: Company) -> tuple[str, str | None]:
    row = company.laws.plane.store.read(lambda c: c.execute(select(inflight).where(inflight.c.intent == 0)).one())
    return row.state, row.xact


def settled(company: Company) -> int:
    """How many databases were not done with."""
    return company.laws.do(company.laws.plane.settling.once())


def test_a_name_is_read_back_as_it_was_written() -> None:
    xact = Xact("7123456789/16384", 2**40 + 5)
    assert Xact.parse(str(xact)) == xact
    assert Xact.parse("railway:v1:3") is None
    assert Xact.parse("postgres:7123/1:x") is None


def test_what_the_server_never_heard_of_stays_unknown_and_says_what_to_do(company: Company) -> None:
    lost(company, 2**40)
    assert settled(company) == 0
    assert state(company) == ("unknown", None)
    said = company.laws.entries("outcome")[-1]["body"]
    assert said["outcome"] == "unknown"
    assert "look whether it took effect" in said["why"]
    before = len(company.laws.entries("outcome"))
    assert settled(company) == 0
    assert len(company.laws.entries("outcome")) == before, "it is said once"


def test_what_is_still_under_way_is_asked_again(company: Company) -> None:
    with psycopg.connect(company.direct) as other:
        row = other.execute("SELECT pg_current_xact_id()::text::int8").fetchone()
        assert row is not None
        xact = lost(company, int(row[0]))
        assert settled(company) == 1
        assert state(company) == ("unknown", str(xact))
        other.rollback()
    end = time.monotonic() + 10
    while settled(company):
        assert time.monotonic() < end
        time.sleep(0.1)
    assert state(company) == ("refused", None)


def test_an_id_of_another_epoch_is_another_transaction(company: Company) -> None:
    """32 bits come again; what is written down has 64."""
    ((xid,),) = company.truth("SELECT pg_current_xact_id()::text::int8")
    lost(company, xid + 2**32)
    assert settled(company) == 0
    assert company.laws.entries("outcome")[-1]["body"]["outcome"] == "unknown"


def test_a_statement_of_unknown_effect_can_be_asked_about(company: Company) -> None:
    """Nothing is known of its rows before it has run, but the server knows its transaction."""
    company.directly(
        "CREATE FUNCTION gift() RETURNS void LANGUAGE plpgsql AS"
        " $$BEGIN EXECUTE 'UPDATE users SET plan = ' || quote_literal('gift') || ' WHERE id = 5'; END$$"
    )
    company.approve(company.held("SELECT gift()"))
    seen: list[str | None] = []
    finish = company.laws.checkpoint.finish

    async def finishing(*args: Any) -> None:
        seen.extend(company.laws.plane.store.read(lambda c: c.execute(select(inflight.c.xact)).scalars().all()))
        await finish(*args)

    company.laws.checkpoint.finish = finishing  # type: ignore[method-assign]
    company.run("SELECT gift()")
    ((xid,),) = company.truth("SELECT xmin::text::int8 FROM users WHERE id = 5")
    xacts = [Xact.parse(one or "") for one in seen]
    assert {one.xid % 2**32 for one in xacts if one} == {xid}


def test_the_role_of_a_live_session_is_not_swept(company: Company) -> None:
    databases = company.laws.plane.databases
    with company.connect(autocommit=True) as agent:
        agent.execute("SELECT count(*) FROM users")
        company.laws.do(databases.sweep())
        assert agent.execute("SELECT count(*) FROM users").fetchone() == (400,)


def test_a_role_that_could_not_be_ended_is_ended_later(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    ((role,),) = company.run("SELECT current_user")
    there = f"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'"

    async def refused(*_: object) -> None:
        raise YettError("the database cannot be reached")

    with monkeypatch.context() as patched:
        patched.setattr(service, "revoke_lease", refused)
        company.laws.call(lambda: company.laws.plane.front.close_session(company.session.id))
        company.laws.do(company.seat.close())
    assert company.truth(there) == [(1,)]
    company.laws.do(company.laws.plane.databases.sweep_rest())
    assert company.truth(there) == [(0,)]


def test_a_role_that_could_not_be_ended_while_others_were_looked_for_is_ended_later(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    databases, asked = company.laws.plane.databases, list[object]()

    async def slow(*_: object) -> tuple[str, ...]:
        asked.append(_)
        databases._unswept.add(company.seat.database.id)  # as `end_lease` does
        return ()

    databases._unswept.add(company.seat.database.id)
    with monkeypatch.context() as patched:
        patched.setattr(service, "sweep", slow)
        company.laws.do(databases.sweep_rest())
    assert asked
    assert databases._unswept == {company.seat.database.id}
    company.laws.do(databases.sweep_rest())
    assert databases._unswept == set()


def test_undos_are_let_go_by_the_daemon_when_their_time_is_over(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    plane = company.laws.plane
    for number in (3, 4):
        company.run(f"UPDATE users SET plan = 'team' WHERE id = {number}")
    old, young = [undo.record.id for undo in plane.undos.all()]
    keep = plane.undos._kept_in()
    stored = keep.budget.total
    company.laws.do(
        plane.journal.run(lambda tx: tx.execute(update(undos).where(undos.c.id == old).values(expires_at=1)))
    )
    pruning, times = plane.undos.prune, []

    async def failing_first() -> Any:
        times.append(1)
        if len(times) == 1:
            raise LedgerUnavailable("the log is full", "make room")
        return await pruning()

    monkeypatch.setattr(plane.undos, "prune", failing_first)

    async def work() -> None:
        task = asyncio.create_task(_every(0.02, lambda: prune(plane, set()), "it failed"))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if len(plane.undos.all()) == 1:
                break
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    company.laws.do(work())
    assert [undo.record.id for undo in plane.undos.all()] == [young]
    assert list(keep.place.undos()) == [young]
    assert 0 < keep.budget.total < stored
    removed = [entry["body"] for entry in company.laws.entries("undo") if entry["body"]["state"] == "removed"]
    assert [(body["id"], body["why"]) for body in removed] == [(old, "its time was over")]


def test_rows_their_folder_and_the_intent_are_on_disk_before_commit_leaves(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The order of the calls that make it so: every file, its folder, the manifest's name, the folder above."""
    company.run("SELECT 1")
    calls: list[str] = []
    flush, rename, send, run = os.fsync, os.rename, Lockstep.send_own, Journal.run

    def fsync(descriptor: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if "keep" in path.parts:
            calls.append(f"fsync {'/'.join(path.parts[path.parts.index('keep') :])}")
        flush(descriptor)

    def renamed(source: str, *args: Any, **options: Any) -> None:
        calls.append(f"rename {source}")
        rename(source, *args, **options)

    def send_own(step: Lockstep, text: str) -> Any:
        calls.append(text if text == "COMMIT" else "")
        return send(step, text)

    async def running(journal: Journal, work: Any) -> Any:
        done = await run(journal, work)
        calls.append("durable in the log")
        return done

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "rename", renamed)
    monkeypatch.setattr(Lockstep, "send_own", send_own)
    monkeypatch.setattr(Journal, "run", running)
    company.run(WRITE)
    (undo,) = [undo.record.id for undo in company.laws.plane.undos.all()]
    said = [call for call in calls if call]
    until = said[: said.index("COMMIT")]
    folder = f"keep/{undo}"
    files = [call for call in until if call.startswith(f"fsync {folder}/0")]
    assert len(files) >= 2, until
    order = [
        files[-1],
        f"fsync {folder}",
        f"fsync {folder}/manifest.draft",
        "rename manifest.draft",
        f"fsync {folder}",
        "fsync keep",
        "durable in the log",
        "durable in the log",
    ]
    assert until[until.index(files[-1]) :] == order
