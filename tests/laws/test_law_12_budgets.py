"""Law 12. What a task may do in all is reserved in the transaction of its intent: nobody overspends, nobody forgets."""

from __future__ import annotations

import asyncio
from pathlib import Path

from law_plane import LawPlane, law_plane, settle
from law_world import STAGING_VOLUME, Upstream, World
from sqlalchemy import select

from yett.checkpoint.record import Pass
from yett.checkpoint.state import DEFAULT_LIMIT
from yett.model.decision import Refused
from yett.model.identity import Session
from yett.model.operation import Amount, Attempt
from yett.store import tables


def spent(laws: LawPlane, session: Session) -> Amount:
    query = select(tables.budgets).where(tables.budgets.c.session == session.id)
    row = laws.plane.store.read(lambda c: c.execute(query).first())
    return Amount(row.deletes, row.rows, row.bytes) if row is not None else Amount()


def storm(laws: LawPlane, attempts: list[Attempt]) -> list[Pass]:
    async def at_once() -> list[object]:
        return await asyncio.gather(*(laws.checkpoint.pass_(one) for one in attempts), return_exceptions=True)

    results = laws.do(at_once(), 60)
    assert all(isinstance(result, Pass | Refused) for result in results), results
    return [result for result in results if isinstance(result, Pass)]


def test_a_delete_costs_what_it_deletes(laws: LawPlane) -> None:
    session = laws.session()
    laws.send(laws.delete(session, STAGING_VOLUME))
    assert spent(laws, session).deletes == 1


def test_concurrent_requests_cannot_overspend(laws: LawPlane) -> None:
    session = laws.session()
    limit = DEFAULT_LIMIT.deletes
    passed = storm(laws, [laws.delete(session, STAGING_VOLUME)] * (limit + 15))
    assert len(passed) == limit
    assert spent(laws, session).deletes == limit
    assert len(laws.entries("intent")) == limit


def test_over_the_budget_a_person_is_asked_and_what_they_allow_counts(laws: LawPlane) -> None:
    session = laws.session()
    storm(laws, [laws.delete(session, STAGING_VOLUME)] * DEFAULT_LIMIT.deletes)
    hold = laws.refused(laws.delete(session, STAGING_VOLUME)).hold
    assert hold
    laws.approve_and_wait(hold)
    laws.send(laws.delete(session, STAGING_VOLUME))
    assert spent(laws, session).deletes == DEFAULT_LIMIT.deletes + 1


def test_what_is_refused_costs_nothing(laws: LawPlane) -> None:
    session = laws.session()
    laws.world.undo_fails = True
    laws.refused(laws.delete(session, STAGING_VOLUME))
    assert spent(laws, session) == Amount()


def test_every_task_has_its_own_budget(laws: LawPlane) -> None:
    one, other = laws.session(), laws.session()
    storm(laws, [laws.delete(one, STAGING_VOLUME)] * (DEFAULT_LIMIT.deletes + 1))
    laws.send(laws.delete(other, STAGING_VOLUME))
    assert spent(laws, other).deletes == 1


def test_a_restart_remembers(tmp_path: Path, law_roots: Path, upstream: Upstream, world: World) -> None:
    with law_plane(tmp_path / "home", law_roots, upstream, world) as before:
        settle(before)
        session = before.session()
        storm(before, [before.delete(session, STAGING_VOLUME)] * DEFAULT_LIMIT.deletes)
    with law_plane(tmp_path / "home", law_roots, upstream, world) as after:
        state = after.call(lambda: after.checkpoint.open_session(session))
        assert state.spent.deletes == DEFAULT_LIMIT.deletes
        assert after.refused(after.delete(session, STAGING_VOLUME)).hold


def test_a_grant_is_not_used_more_often_than_it_says_by_sends_at_once(laws: LawPlane) -> None:
    from law_world import PROD_VOLUME

    from yett.approvals.acts import ActKind

    session = laws.session("production", production=True)
    body = {
        "session": session.id,
        "owner": "ada",
        "actions": ["railway:volumeUpdate"],
        "resources": [["railway", "volume", PROD_VOLUME]],
        "count": 3,
        "expires": laws.clock() + 3600 * 10**9,
    }
    act = laws.do(laws.plane.desk.propose(ActKind.GRANT, body, "ada"))  # type: ignore[arg-type]
    laws.sign(act.id)

    async def at_once() -> list[object]:
        sends = (laws.checkpoint.pass_(laws.rename(session, PROD_VOLUME, str(n))) for n in range(10))
        return await asyncio.gather(*sends, return_exceptions=True)

    assert sum(isinstance(result, Pass) for result in laws.do(at_once())) == 3
