"""Who may become someone here: the code, the vouching, the leaving."""

from __future__ import annotations

from pathlib import Path

import pytest
from refusals import refused
from scene import Scene, scene, volume_delete

from yett.approvals.acts import ActState
from yett.approvals.challenge import Answer
from yett.approvals.desk import CODE_TRIES
from yett.approvals.hold import HoldState
from yett.approvals.people import active_keys, active_persons
from yett.approvals.quorum import is_team
from yett.drills.authenticator import VirtualKey


def code_of(plane: Scene) -> str:
    code = plane.do(plane.desk.first_code())
    assert code is not None
    return code


def enrol_with(plane: Scene, code: str, name: str = "Ada", key: VirtualKey | None = None) -> None:
    options = plane.desk.first_key_options(code, name)
    plane.do(plane.desk.enrol_first(code, name, (key or VirtualKey()).create(options, plane.site.origin)))


def test_code_enrols_one_key_once(plane: Scene) -> None:
    code = code_of(plane)
    options = plane.desk.first_key_options(code, "Ada")
    plane.do(plane.desk.enrol_first(code, "Ada", VirtualKey().create(options, plane.site.origin)))
    assert [person.name for person in plane.desk.read(active_persons)] == ["Ada"]
    with refused("enrolled"):
        plane.do(plane.desk.enrol_first(code, "Eve", VirtualKey().create(options, plane.site.origin)))
    assert plane.do(plane.desk.first_code()) is None


def test_code_is_read_as_people_type_it(plane: Scene) -> None:
    code = code_of(plane)
    enrol_with(plane, code.lower().replace("-", " ").replace("0", "o").replace("1", "l"))


@pytest.mark.parametrize("wrong", ["", "AAAAA", "0" * 26, "\x00", "é" * 26])
def test_wrong_code_is_refused(plane: Scene, wrong: str) -> None:
    code_of(plane)
    with refused("code"):
        plane.desk.first_key_options(wrong, "Eve")


def test_code_expires(plane: Scene) -> None:
    code = code_of(plane)
    plane.clock.advance(15 * 60)
    with refused("code"):
        plane.desk.first_key_options(code, "Ada")


def test_new_code_voids_the_one_before(plane: Scene) -> None:
    old = code_of(plane)
    code_of(plane)
    with refused("code"):
        plane.desk.first_key_options(old, "Ada")


def test_guessing_codes_is_cut_short(plane: Scene) -> None:
    code = code_of(plane)
    for guess in range(CODE_TRIES):
        with refused("code"):
            plane.desk.first_key_options(f"{guess:026d}", "Eve")
    with refused("code-tries"):
        plane.desk.first_key_options(code, "Ada")
    plane.clock.advance(61)
    enrol_with(plane, code)


def test_code_is_nowhere_in_the_store_or_the_ledger(plane: Scene) -> None:
    code = code_of(plane).replace("-", "")
    at_rest = b"".join(path.read_bytes() for path in plane.folder.glob("yett.db*"))
    assert code.encode() not in at_rest


def test_registration_is_bound_to_code_and_name(plane: Scene) -> None:
    code = code_of(plane)
    made = VirtualKey().create(plane.desk.first_key_options(code, "Ada"), plane.site.origin)
    with refused("registration"):
        plane.do(plane.desk.enrol_first(code, "Eve", made))


def test_key_without_user_verification_is_not_enrolled(plane: Scene) -> None:
    with refused("registration"):
        enrol_with(plane, code_of(plane), key=VirtualKey(verifies_user=False))


def test_registration_of_another_page_is_refused(plane: Scene) -> None:
    code = code_of(plane)
    made = VirtualKey().create(plane.desk.first_key_options(code, "Ada"), "http://localhost:3000")
    with refused("registration"):
        plane.do(plane.desk.enrol_first(code, "Ada", made))


def test_real_store_refuses_the_drills_key(tmp_path: Path) -> None:
    with scene(tmp_path, realm="real") as real:
        with refused("drill-key"):
            enrol_with(real, code_of(real))
        enrol_with(real, code_of(real), key=VirtualKey(aaguid="00000000-0000-0000-0000-000000000000"))
        with refused("drill-key"):
            real.ask_to_enrol("Eve", VirtualKey())


@pytest.mark.parametrize(
    "name",
    ["", " ", " Ada", "Ada ", "A  da", "A\nda", "A\u202eda", "A\u200bda", "\u0410da", "...", "x" * 65, "Ada\x1b[31m"],
)
def test_name_must_read_as_what_it_is(plane: Scene, name: str) -> None:
    with refused("name"):
        plane.desk.first_key_options(code_of(plane), name)


@pytest.mark.parametrize("name", ["Ada", "Grace Hopper", "José Ñúñez", "Ада", "O'Brien-Smith", "山田太郎"])
def test_names_of_people_are_accepted(plane: Scene, name: str) -> None:
    enrol_with(plane, code_of(plane), name)


def test_later_key_waits_for_someone_enrolled(plane: Scene) -> None:
    plane.enrol_first("Ada")
    plane.enrol("Bo")
    assert len(plane.desk.read(active_keys)) == 1
    (act,) = plane.desk.waiting_acts()
    assert plane.sign(act.id, "Ada").state is ActState.DONE
    people = plane.desk.read(active_persons)
    assert {person.name for person in people} == {"Ada", "Bo"}
    assert is_team(people)


def test_new_key_cannot_vouch_for_itself(plane: Scene) -> None:
    plane.enrol_first("Ada")
    plane.enrol("Bo")
    (act,) = plane.desk.waiting_acts()
    options = plane.desk.act_options(act.id)
    with refused("unknown-key"):
        plane.do(plane.desk.sign(act.id, plane.people["Bo"].get(options, plane.site.origin)))


def test_nobody_makes_a_second_person_of_themselves_in_a_team(plane: Scene) -> None:
    plane.enrol_first("Ada")
    plane.enrol("Bo", "Ada")
    plane.enrol("Puppet", "Ada")
    (act,) = plane.desk.waiting_acts()
    with refused("answered"):
        key = plane.people["Ada"]
        plane.do(plane.desk.sign(act.id, key.get({**plane.desk.act_options(act.id)}, plane.site.origin)))
    assert len(plane.desk.read(active_persons)) == 2
    plane.sign(act.id, "Bo")
    assert len(plane.desk.read(active_persons)) == 3


def test_nobody_else_gives_a_person_another_key(plane: Scene) -> None:
    plane.team()
    plane.ask_to_enrol("BO", VirtualKey())
    (act,) = plane.desk.waiting_acts()
    options = plane.desk.act_options(act.id)
    assert [one["id"] for one in options["allowCredentials"]] == [plane.people["Bo"].id]  # type: ignore[union-attr,call-overload,index]
    with refused("barred"):
        plane.do(plane.desk.sign(act.id, plane.people["Ada"].get(options, plane.site.origin)))
    plane.sign(act.id, "Bo")
    assert len(plane.desk.read(active_persons)) == 3
    assert len(plane.desk.read(active_keys)) == 4


def test_ticket_is_used_once(plane: Scene) -> None:
    plane.enrol_first()
    ticket, options = plane.desk.key_options("Bo")
    made = VirtualKey().create(options, plane.site.origin)
    plane.do(plane.desk.propose_key(ticket, made))
    with refused("ticket"):
        plane.do(plane.desk.propose_key(ticket, made))


def test_known_key_is_not_enrolled_again(plane: Scene) -> None:
    key = plane.enrol_first()
    act = plane.ask_to_enrol("Bo", key)
    with refused("known-key"):
        plane.sign(act.id, "Ada")


def removal(plane: Scene, name: str) -> str:
    return plane.do(plane.desk.propose_removal(plane.people[name].id, "the page")).id


def test_person_in_a_team_leaves_with_two_signatures(plane: Scene) -> None:
    plane.team()
    hold = plane.open(volume_delete(owner="Cy", asker="Cy"))
    act = removal(plane, "Cy")
    plane.sign(act, "Ada")
    assert len(plane.desk.read(active_persons)) == 3
    plane.sign(act, "Bo")
    assert {person.name for person in plane.desk.read(active_persons)} == {"Ada", "Bo"}
    assert plane.desk.hold(hold.id).state is HoldState.CANCELLED


def test_going_back_to_solo_needs_both(plane: Scene) -> None:
    plane.enrol_first("Ada")
    plane.enrol("Bo", "Ada")
    act = removal(plane, "Bo")
    plane.sign(act, "Ada")
    assert is_team(plane.desk.read(active_persons))
    plane.sign(act, "Bo")
    assert not is_team(plane.desk.read(active_persons))


def test_person_removes_a_spare_key_of_their_own(plane: Scene) -> None:
    plane.team()
    spare = plane.enrol("ada", "Ada")
    plane.people["spare"] = spare
    plane.sign(removal(plane, "spare"), "Ada")
    assert spare.id not in {key.id for key in plane.desk.read(active_keys)}


def test_last_key_of_all_cannot_be_removed(plane: Scene) -> None:
    plane.enrol_first()
    act = removal(plane, "Ada")
    with refused("nobody"):
        plane.desk.act_options(act)


def test_removed_key_signs_nothing(plane: Scene) -> None:
    plane.team()
    act = removal(plane, "Cy")
    plane.sign(act, "Ada")
    plane.sign(act, "Bo")
    hold = plane.open(volume_delete(owner="x", asker=""))
    options = plane.desk.answer_options(hold.id, Answer.APPROVE)
    with refused("unknown-key"):
        plane.answer(hold.id, plane.people["Cy"].get(options, plane.site.origin))


def test_reinitialising_marks_the_ledger_and_saves_nothing(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    hold = plane.open(facts)
    plane.approve(hold.id, "Ada")
    plane.enrol("Bo")
    (act,) = plane.desk.waiting_acts()
    code = plane.do(plane.desk.reinitialise("root"))
    assert plane.desk.read(active_keys) == ()
    assert plane.desk.hold(hold.id).state is HoldState.CANCELLED
    assert plane.desk.act(act.id).state is ActState.CANCELLED
    assert '"change":"reinitialised"' in plane.entries()
    with refused("not-approved"):
        plane.consume(hold.id, facts)
    enrol_with(plane, code, "Ada")
    assert len(plane.desk.read(active_persons)) == 1
