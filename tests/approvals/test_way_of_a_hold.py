"""A hold from its opening to its one use."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from refusals import refused
from scene import VOLUME, Scene, decided, on_resource, scene, situated, volume_delete
from sqlalchemy import insert

from yett.approvals.answer import PACE
from yett.approvals.challenge import Answer
from yett.approvals.facts import Facts, drift
from yett.approvals.hold import Hold, HoldState
from yett.approvals.holds import WAITING_PER_AGENT
from yett.ledger.recovery import recover_inflight
from yett.model.effects import Verdict
from yett.model.operation import Amount
from yett.model.resource import Environment, Place, ResourceRef
from yett.model.undo import UndoPlan
from yett.store.tables import inflight


def test_approved_hold_is_consumed_once(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    hold = plane.open(facts)
    assert hold.state is HoldState.WAITING
    assert plane.approve(hold.id, "Ada").state is HoldState.APPROVED
    assert plane.consume(hold.id, facts).state is HoldState.CONSUMED
    with refused("not-approved"):
        plane.consume(hold.id, facts)


def test_whole_way_on_either_database(store_url: str, tmp_path: Path) -> None:
    facts = volume_delete(owner="Cy", asker="Cy", obligations=("sign:2", "delay:60"))
    with scene(tmp_path, url=store_url) as plane:
        plane.team()
        hold = plane.open(facts)
        plane.approve(hold.id, "Ada")
        assert plane.open(facts).id == hold.id
        plane.do(plane.desk.start())
        plane.approve(hold.id, "Ada")
        plane.approve(hold.id, "Bo")
        plane.clock.advance(60)
        assert plane.consume(hold.id, facts).state is HoldState.CONSUMED
        with refused("not-approved"):
            plane.consume(hold.id, facts)
        plane.do(plane.desk.reinitialise("root"))
        plane.do(plane.desk.expire())


def test_approved_hold_is_consumed_by_one_of_many_at_once(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    hold = plane.open(facts)
    plane.approve(hold.id, "Ada")

    async def race() -> list[object]:
        now = plane.clock()
        tries = [plane.journal.run(lambda tx: plane.desk.consume(tx, hold.id, facts, now)) for _ in range(20)]
        return list(await asyncio.gather(*tries, return_exceptions=True))

    assert sum(isinstance(won, Hold) for won in plane.do(race())) == 1


@pytest.mark.parametrize(("outcome", "state"), [("done", "released"), ("refused", "released"), ("unknown", "unknown")])
def test_outcome_is_noted_once(plane: Scene, outcome: str, state: str) -> None:
    plane.enrol_first()
    facts = volume_delete()
    hold = plane.open(facts)
    plane.approve(hold.id, "Ada")
    plane.consume(hold.id, facts)
    plane.do(plane.journal.run(lambda tx: plane.desk.settle(tx, hold.id, outcome)))
    assert plane.desk.hold(hold.id).state == state
    with refused("not-consumed"):
        plane.do(plane.journal.run(lambda tx: plane.desk.settle(tx, hold.id, "done")))


def test_hold_that_a_crash_left_open_becomes_unknown_and_is_never_retried(tmp_path: Path) -> None:
    facts = volume_delete()
    with scene(tmp_path) as before:
        before.enrol_first()
        hold = before.open(facts)
        before.approve(hold.id, "Ada")
        before.consume(hold.id, facts)
        before.write(insert(inflight).values(intent=1, hold=hold.id, session="s-1", state="open"))
    with scene(tmp_path) as after:
        recover_inflight(after.journal)
        after.do(after.desk.start())
        assert after.desk.hold(hold.id).state is HoldState.UNKNOWN
        with refused("not-approved"):
            after.consume(hold.id, facts)
        assert after.open(facts).id != hold.id


def test_person_who_approves_by_the_dozen_is_stopped(plane: Scene) -> None:
    plane.enrol_first()
    for number in range(PACE):
        plane.approve(plane.open(volume_delete(session=f"s-{number}")).id, "Ada")
    last = plane.open(volume_delete(session="one more"))
    with refused("pace"):
        plane.approve(last.id, "Ada")
    plane.clock.advance(10 * 60)
    with refused("pace"):
        plane.approve(last.id, "Ada")
    plane.do(plane.desk.deny(last.id, "Ada"))
    plane.clock.advance(51 * 60)
    plane.approve(plane.open(volume_delete(session="later")).id, "Ada")


def test_waiting_hold_cannot_be_consumed(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    with refused("not-approved"):
        plane.consume(plane.open(facts).id, facts)


def test_resend_joins_the_waiting_and_the_approved_hold(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    first = plane.open(facts)
    assert plane.open(facts).id == first.id
    plane.approve(first.id, "Ada")
    again = plane.open(facts)
    assert (again.id, again.state) == (first.id, HoldState.APPROVED)
    assert len(plane.desk.waiting()) == 1


def test_consumed_hold_is_not_joined(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    first = plane.open(facts)
    plane.approve(first.id, "Ada")
    plane.consume(first.id, facts)
    assert plane.open(facts).id != first.id


def test_other_session_and_other_request_do_not_join(plane: Scene) -> None:
    first = plane.open(volume_delete())
    assert plane.open(volume_delete(session="s-2")).id != first.id
    assert plane.open(volume_delete(volume=replace(VOLUME, id="another"))).id != first.id


def test_resend_under_worse_facts_replaces_the_hold(plane: Scene) -> None:
    plane.enrol_first()
    first = plane.open(volume_delete())
    plane.approve(first.id, "Ada")
    second = plane.open(replace(volume_delete(), impact=Amount(deletes=2)))
    assert second.id != first.id
    ended = plane.desk.hold(first.id)
    assert ended.state is HoldState.CANCELLED
    assert "more deletes than were signed for" in ended.ended


_NO_UNDO = UndoPlan(False, "", ())
_BEYOND: dict[str, Callable[[Facts], Facts]] = {
    "another resource": lambda f: on_resource(f, ref=ResourceRef("railway", "volume", "other")),
    "another environment": lambda f: on_resource(f, environments=(Environment("railway", "e2", "billing"),)),
    "one environment more": lambda f: on_resource(
        f, environments=(Environment("railway", "env-prod", "production"), Environment("railway", "e2", "b"))
    ),
    "one dependant more": lambda f: on_resource(f, dependants=("web", "worker", "billing")),
    "the resource is gone": lambda f: situated(f, resource=None),
    "another place": lambda f: situated(f, place=Place.PRODUCTION),
    "no undo any more": lambda f: situated(f, undo=_NO_UNDO),
    "an undo made otherwise": lambda f: situated(
        f, undo=UndoPlan(True, "a file copy", ("bytes outside the database",))
    ),
    "an undo with another gap": lambda f: situated(
        f, undo=replace(f.situations[0].undo, gaps=("bytes outside the database", "roles"))
    ),
    "one act more": lambda f: replace(f, situations=[*f.situations, *f.situations]),
    "more rows": lambda f: replace(f, impact=f.impact + Amount(rows=1)),
    "more bytes": lambda f: replace(f, impact=f.impact + Amount(bytes=1)),
    "another policy": lambda f: decided(f, policy_digest="q" * 64),
    "more is owed": lambda f: decided(f, obligations=f.decision.obligations | {"sign:2"}),
    "now denied": lambda f: decided(f, verdict=Verdict.DENY),
    "another lease": lambda f: replace(f, attempt=replace(f.attempt, lease="l-2")),
    "another request": lambda f: replace(f, attempt=replace(f.attempt, request_digest="cd" * 32)),
    "another digest": lambda f: replace(f, digest="other"),
    "another parameter": lambda f: replace(
        f,
        attempt=replace(
            f.attempt, operations=(replace(f.attempt.operations[0], parameters={"volumeId": VOLUME.id, "now": True}),)
        ),
    ),
}


@pytest.mark.parametrize("change", _BEYOND.values(), ids=_BEYOND.keys())
def test_approval_does_not_cover_anything_beyond_what_was_signed(
    plane: Scene, change: Callable[[Facts], Facts]
) -> None:
    plane.enrol_first()
    facts = volume_delete()
    hold = plane.open(facts)
    plane.approve(hold.id, "Ada")
    with refused("drifted"):
        plane.consume(hold.id, change(facts))
    assert plane.consume(hold.id, facts).state is HoldState.CONSUMED


_WITHIN: dict[str, Callable[[Facts], Facts]] = {
    "the same": lambda f: f,
    "fewer rows": lambda f: replace(f, impact=Amount(deletes=1, rows=3, bytes=5)),
    "the database grew": lambda f: on_resource(f, size_bytes=99_000_000_000),
    "fewer dependants": lambda f: on_resource(f, dependants=("web",)),
    "fewer gaps": lambda f: situated(f, undo=replace(f.situations[0].undo, gaps=())),
    "less is owed": lambda f: decided(f, obligations=frozenset()),
    "another excuse of the agent": lambda f: replace(f, reason="please"),
}


@pytest.mark.parametrize("change", _WITHIN.values(), ids=_WITHIN.keys())
def test_approval_covers_what_stays_within_its_bounds(change: Callable[[Facts], Facts]) -> None:
    facts = volume_delete()
    assert drift(facts.document(), change(facts).document()) == ()


def test_backup_that_would_have_been_left_must_still_be_left() -> None:
    resource = volume_delete().situations[0].resource
    assert resource is not None
    apart, gone = (replace(resource.backups[0], dies_with_resource=dies) for dies in (False, True))
    signed = on_resource(volume_delete(), backups=(apart,)).document()
    assert drift(signed, on_resource(volume_delete(), backups=(gone,)).document()) != ()
    assert drift(signed, on_resource(volume_delete(), backups=()).document()) != ()
    one_more = (apart, replace(apart, id="b-3"))
    assert drift(signed, on_resource(volume_delete(), backups=one_more).document()) == ()


def test_delay_is_waited_out_and_can_be_used_to_stop_it(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete(obligations=("delay:60",))
    hold = plane.open(facts)
    plane.approve(hold.id, "Ada")
    plane.clock.advance(59)
    with refused("delayed"):
        plane.consume(hold.id, facts)
    plane.clock.advance(1)
    assert plane.consume(hold.id, facts).state is HoldState.CONSUMED
    second = plane.open(facts)
    plane.approve(second.id, "Ada")
    plane.do(plane.desk.deny(second.id, "Ada"))
    plane.clock.advance(61)
    with refused("not-approved"):
        plane.consume(second.id, facts)


def test_expired_hold_takes_no_answer_and_releases_nothing(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    waiting, approved = plane.open(facts), plane.open(volume_delete(session="s-2"))
    late = plane.assertion(waiting.id, "Ada")
    plane.approve(approved.id, "Ada")
    plane.clock.advance(15 * 60)
    with refused("expired"):
        plane.answer(waiting.id, late)
    with refused("expired"):
        plane.consume(approved.id, volume_delete(session="s-2"))
    assert plane.desk.waiting() == ()
    plane.do(plane.desk.expire())
    assert {plane.desk.hold(h.id).state for h in (waiting, approved)} == {HoldState.EXPIRED}


def test_denied_hold_is_over(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    hold = plane.open(facts)
    given = plane.assertion(hold.id, "Ada")
    plane.do(plane.desk.deny(hold.id, "someone at the page"))
    with refused("not-waiting"):
        plane.answer(hold.id, given)
    with refused("not-approved"):
        plane.consume(hold.id, facts)
    with refused("ended"):
        plane.do(plane.desk.deny(hold.id, "someone at the page"))


def test_denial_can_be_signed(plane: Scene) -> None:
    plane.enrol_first()
    hold = plane.open(volume_delete())
    denied = plane.answer(hold.id, plane.assertion(hold.id, "Ada", Answer.DENY), Answer.DENY)
    assert denied.state is HoldState.DENIED
    assert "Ada" in denied.ended
    assert '"verdict":"deny"' in plane.entries()


def test_end_of_the_session_ends_its_holds_only(plane: Scene) -> None:
    plane.enrol_first()
    mine, approved, other = (plane.open(volume_delete(session=s, volume=replace(VOLUME, id=v))) for s, v in
                             (("s-1", "v1"), ("s-1", "v2"), ("s-2", "v1")))  # fmt: skip
    plane.approve(approved.id, "Ada")
    plane.do(plane.desk.end_session("s-1", "its task ended"))
    assert [plane.desk.hold(h.id).state for h in (mine, approved, other)] == ["cancelled", "cancelled", "waiting"]


def test_agent_with_too_many_waiting_gets_no_more(plane: Scene) -> None:
    for number in range(WAITING_PER_AGENT):
        plane.open(volume_delete(session=f"s-{number}"))
    with refused("hold-quota"):
        plane.open(volume_delete(session="one more"))
    assert plane.open(volume_delete(session="s-0")).state is HoldState.WAITING, "a re-send still joins"
    plane.clock.advance(15 * 60)
    assert plane.open(volume_delete(session="one more")).state is HoldState.WAITING, "expired ones do not count"


def test_hold_survives_a_restart(tmp_path: Path) -> None:
    facts = volume_delete()
    with scene(tmp_path) as before:
        key = before.enrol_first()
        waiting, approved = before.open(facts), before.open(volume_delete(session="s-2"))
        before.approve(approved.id, "Ada")
    with scene(tmp_path) as after:
        after.people["Ada"] = key
        after.do(after.desk.start())
        assert after.consume(approved.id, volume_delete(session="s-2")).state is HoldState.CONSUMED
        assert after.approve(waiting.id, "Ada").state is HoldState.APPROVED
        assert after.consume(waiting.id, facts).state is HoldState.CONSUMED


def test_every_step_stands_in_the_ledger_without_the_request_itself(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    secret = replace(facts.attempt.operations[0], parameters={"value": "correct horse battery staple"})
    facts = replace(facts, attempt=replace(facts.attempt, operations=(secret,)))
    hold = plane.open(facts)
    plane.approve(hold.id, "Ada")
    plane.consume(hold.id, facts)
    log = plane.entries()
    for state in ("waiting", "approved", "consumed"):
        assert f'"hold":"{hold.id}"' in log
        assert f'"state":"{state}"' in log
    assert json.dumps(hold.note, ensure_ascii=False) in log
    at_rest = b"".join(path.read_bytes() for path in plane.folder.glob("yett.db*"))
    assert b"correct horse" not in at_rest
    assert plane.desk.hold(hold.id).document["operations"] == [secret.as_json()]
