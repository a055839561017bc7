"""Who may answer, and how many it takes: solo, team, owners under other names."""

from __future__ import annotations

import pytest
from scene import volume_delete

from yett.approvals.quorum import Person, counts, quorum_for_act, quorum_for_hold

ADA, BO, CY, DI = (Person(f"p-{name}", name, account) for name, account in
                   (("Ada", "ada"), ("Bo", ""), ("Cy", ""), ("Di", "")))  # fmt: skip


def test_one_person_answers_for_their_own_agent() -> None:
    quorum = quorum_for_hold(volume_delete(owner="ada").document(), [ADA])
    assert (quorum.needed, quorum.entitled) == (1, {ADA.id})
    assert quorum.met_by([ADA.id])


def test_nobody_enrolled_can_approve_nothing() -> None:
    quorum = quorum_for_hold(volume_delete().document(), [])
    assert not quorum.reachable
    assert not quorum.met_by([])


@pytest.mark.parametrize("owner", ["Ada", "ADA", "ada", "Ａｄａ"])
def test_owner_and_asker_do_not_count_in_a_team(owner: str) -> None:
    document = volume_delete(owner=owner, asker="bo", obligations=("sign:2",)).document()
    quorum = quorum_for_hold(document, [ADA, BO, CY, DI])
    assert quorum.entitled == {CY.id, DI.id}
    assert not quorum.met_by([ADA.id, BO.id, CY.id])
    assert quorum.met_by([CY.id, DI.id])
    assert "owns the agent" in quorum.why_barred(ADA.id)
    assert "started the task" in quorum.why_barred(BO.id)


def test_owner_that_nobody_goes_by_could_be_anyone() -> None:
    document = volume_delete(owner="root", asker="root", obligations=("sign:2",)).document()
    quorum = quorum_for_hold(document, [ADA, BO, CY])
    assert quorum.needed == 3
    assert not quorum.met_by([ADA.id, BO.id])
    nameless = quorum_for_hold(volume_delete(owner="", asker="", obligations=()).document(), [ADA, BO])
    assert nameless.needed == 2


def test_quorum_that_cannot_come_to_enough_says_so() -> None:
    document = volume_delete(owner="Ada", asker="Ada", obligations=("sign:2",)).document()
    assert not quorum_for_hold(document, [ADA, BO]).reachable


def test_same_person_twice_is_one() -> None:
    quorum = quorum_for_hold(volume_delete(owner="Ada", asker="Ada", obligations=("sign:2",)).document(), [ADA, BO, CY])
    assert not quorum.met_by([BO.id, BO.id])


@pytest.mark.parametrize("nonsense", ["sign:", "sign:x", "sign:-1", "sign:2x", "sign:²", "sign"])
def test_obligation_that_cannot_be_read_is_never_fulfilled(nonsense: str) -> None:
    assert not quorum_for_hold(volume_delete(obligations=(nonsense,)).document(), [ADA, BO, CY]).reachable


def test_largest_number_counts() -> None:
    assert counts(["sign:1", "sign:3", "delay:60", "snapshot"], "sign") == [1, 3]


def test_grant_is_not_signed_by_the_owner_of_the_agent_in_a_team() -> None:
    body = {"session": "s-1", "owner": "Ada"}
    assert quorum_for_act("grant", body, [ADA], False).met_by([ADA.id])
    assert quorum_for_act("grant", body, [ADA, BO], False).entitled == {BO.id}
    assert quorum_for_act("grant", {"owner": "root"}, [ADA, BO], False).needed == 2


def test_lowering_the_quorum_takes_everyone() -> None:
    quorum = quorum_for_act("lower-quorum", {}, [ADA, BO, CY], False)
    assert not quorum.met_by([ADA.id, BO.id])
    assert quorum.met_by([ADA.id, BO.id, CY.id])


@pytest.mark.parametrize("kind", ["policy", "environments", "lockdown-off", "export-secret", "uninstall"])
def test_other_acts_take_one_enrolled_person(kind: str) -> None:
    assert quorum_for_act(kind, {}, [ADA, BO], False).met_by([BO.id])
    assert not quorum_for_act(kind, {}, [], False).reachable
