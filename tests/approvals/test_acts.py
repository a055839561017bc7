"""Whatever else widens: signed on the same page, in its own domain, used once."""

from __future__ import annotations

import pytest
from refusals import refused
from scene import Scene, volume_delete
from sqlalchemy import insert, update

from yett.approvals.acts import WAITING, Act, ActKind, ActState
from yett.approvals.challenge import Answer, act_challenge, hold_challenge
from yett.approvals.desk import Desk
from yett.approvals.document import Document
from yett.approvals.errors import ApprovalError
from yett.ledger.journal import Transaction
from yett.store.tables import acts, lockdown

POLICY = {"layer": "widen", "diff": "+ permit(...)"}


def propose(plane: Scene, kind: ActKind = ActKind.POLICY, body: Document = POLICY) -> Act:
    return plane.do(plane.desk.propose(kind, body, "yett policy"))


def spend(plane: Scene, act: Act, kind: ActKind = ActKind.POLICY, body: Document = POLICY) -> tuple[str, ...]:
    now = plane.clock()
    return plane.do(plane.journal.run(lambda tx: plane.desk.spend_act(tx, act.id, kind, body, now)))


def test_signed_act_is_spent_once(plane: Scene) -> None:
    plane.enrol_first()
    act = propose(plane)
    with refused("not-signed"):
        spend(plane, act)
    assert plane.sign(act.id, "Ada").state is ActState.SIGNED
    assert len(spend(plane, act)) == 1
    with refused("not-signed"):
        spend(plane, act)


def test_act_is_spent_on_what_was_signed_only(plane: Scene) -> None:
    plane.enrol_first()
    act = propose(plane)
    plane.sign(act.id, "Ada")
    with refused("drifted"):
        spend(plane, act, body={**POLICY, "diff": "+ permit(principal, action, resource);"})
    with refused("drifted"):
        spend(plane, act, kind=ActKind.PROVIDER)


def test_signature_of_one_act_does_not_fit_another(plane: Scene) -> None:
    plane.enrol_first()
    mild, grave = propose(plane), propose(plane, ActKind.EXPORT_SECRET, {"name": "railway"})
    given = plane.people["Ada"].get(plane.desk.act_options(mild.id), plane.site.origin)
    with refused("assertion"):
        plane.do(plane.desk.sign(grave.id, given))


def test_signature_of_a_hold_is_none_of_an_act_and_the_reverse(plane: Scene) -> None:
    plane.enrol_first()
    hold, act = plane.open(volume_delete()), propose(plane)
    with refused("assertion"):
        plane.do(plane.desk.sign(act.id, plane.assertion(hold.id, "Ada")))
    given = plane.people["Ada"].get(plane.desk.act_options(act.id), plane.site.origin)
    with refused("assertion"):
        plane.answer(hold.id, given)


def test_same_words_in_two_domains_are_two_challenges(plane: Scene) -> None:
    shared = (plane.site, b"n" * 16, 5, b"note", {"a": 1})
    site, nonce, expires, note, body = shared
    assert act_challenge(site, Answer.APPROVE.value, nonce, expires, note, body) != hold_challenge(
        site, Answer.APPROVE, nonce, expires, note, body
    )


def test_act_expires(plane: Scene) -> None:
    plane.enrol_first()
    waiting, signed = propose(plane), propose(plane)
    plane.sign(signed.id, "Ada")
    given = plane.people["Ada"].get(plane.desk.act_options(waiting.id), plane.site.origin)
    plane.clock.advance(15 * 60)
    with refused("not-waiting"):
        plane.do(plane.desk.sign(waiting.id, given))
    with refused("not-signed"):
        spend(plane, signed)
    plane.do(plane.desk.expire())
    assert plane.desk.act(waiting.id).state is ActState.EXPIRED


def test_declined_act_is_over(plane: Scene) -> None:
    plane.enrol_first()
    act = propose(plane)
    plane.do(plane.desk.decline(act.id, "someone at the page"))
    with refused("not-waiting"):
        plane.desk.act_options(act.id)


def test_store_that_was_told_it_is_signed_spends_nothing(plane: Scene) -> None:
    plane.enrol_first()
    act = propose(plane)
    plane.write(update(acts).where(acts.c.id == act.id).values(state="signed"))
    with refused("quorum"):
        spend(plane, act)


def test_effect_runs_with_the_signature_or_not_at_all(plane: Scene) -> None:
    done: list[str] = []

    def effect(tx: Transaction, act: Act, by: str, now: int) -> None:
        if act.body.get("fails"):
            raise ApprovalError("broken", "it cannot be done")
        done.append(by)

    plane.enrol_first()
    plane.desk = Desk(
        plane.site, plane.store, plane.journal, plane.desk.seal, effects={ActKind.BASELINE: effect}, clock=plane.clock
    )
    bad, good = propose(plane, ActKind.BASELINE, {"fails": True}), propose(plane, ActKind.BASELINE, {"fails": False})
    with refused("broken"):
        plane.sign(bad.id, "Ada")
    assert plane.desk.act(bad.id).state is ActState.WAITING
    assert plane.sign(good.id, "Ada").state is ActState.DONE
    assert done == ["Ada"]


def test_lockdown_is_lifted_by_a_signature(plane: Scene) -> None:
    plane.enrol_first()
    plane.write(insert(lockdown).values(scope="*", on=True, since=1, by="root"))
    act = propose(plane, ActKind.LOCKDOWN_OFF, {"scope": "*"})
    assert plane.sign(act.id, "Ada").state is ActState.DONE
    assert plane.desk.read(lambda r: r.execute(lockdown.select()).all()) == []
    again = propose(plane, ActKind.LOCKDOWN_OFF, {"scope": "*"})
    with refused("not-locked"):
        plane.sign(again.id, "Ada")


def test_acts_of_one_kind_cannot_crowd_out_the_others(plane: Scene) -> None:
    for _ in range(WAITING):
        propose(plane)
    with refused("act-quota"):
        propose(plane)
    assert propose(plane, ActKind.LOCKDOWN_OFF, {"scope": "*"}).state is ActState.WAITING


def test_body_without_a_canonical_form_is_refused(plane: Scene) -> None:
    with pytest.raises(Exception, match="canonical"):
        propose(plane, body={"share": 0.5})  # type: ignore[dict-item]
