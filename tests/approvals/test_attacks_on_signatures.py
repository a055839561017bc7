"""A signature is good for one answer to one hold, on one page, once. Everything else is refused."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from refusals import refused
from scene import PORT, Scene, scene, volume_delete
from sqlalchemy import insert, update
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url

from yett.approvals.answer import challenge_of
from yett.approvals.challenge import Answer
from yett.approvals.errors import NotSigned
from yett.approvals.hold import HoldState
from yett.drills import authenticator
from yett.drills.authenticator import VirtualKey
from yett.model.canonical import Json
from yett.store.tables import approvals, holds, keys


def test_signature_for_one_hold_does_not_fit_another(plane: Scene) -> None:
    plane.enrol_first()
    mild, grave = plane.open(volume_delete()), plane.open(volume_delete(session="s-2"))
    with refused("assertion"):
        plane.answer(grave.id, plane.assertion(mild.id, "Ada"))
    assert plane.desk.hold(grave.id).state is HoldState.WAITING


def test_old_approval_does_not_fit_the_next_hold_of_the_same_request(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    first = plane.open(facts)
    old = plane.assertion(first.id, "Ada")
    plane.answer(first.id, old)
    plane.consume(first.id, facts)
    second = plane.open(facts)
    with refused("assertion"):
        plane.answer(second.id, old)


@pytest.mark.parametrize("said", [Answer.APPROVE, Answer.DENY])
def test_signed_answer_cannot_be_turned_into_the_other(plane: Scene, said: Answer) -> None:
    plane.enrol_first()
    hold = plane.open(volume_delete())
    other = Answer.DENY if said is Answer.APPROVE else Answer.APPROVE
    with refused("assertion"):
        plane.answer(hold.id, plane.assertion(hold.id, "Ada", said), other)
    assert plane.desk.hold(hold.id).state is HoldState.WAITING


def test_same_person_does_not_count_twice(plane: Scene) -> None:
    plane.team()
    hold = plane.open(volume_delete(owner="nobody here", asker="", obligations=("sign:2",)))
    given = plane.assertion(hold.id, "Ada")
    later = plane.assertion(hold.id, "Ada")
    assert plane.answer(hold.id, given).state is HoldState.WAITING
    with refused("answered"):
        plane.answer(hold.id, later)


def test_owner_of_the_agent_does_not_approve_in_a_team(plane: Scene) -> None:
    plane.team()
    hold = plane.open(volume_delete(owner="Ada", asker="Bo"))
    for name in ("Ada", "Bo"):
        with refused("barred"):
            plane.approve(hold.id, name)
    assert plane.approve(hold.id, "Cy").state is HoldState.APPROVED


def test_second_key_of_the_same_person_is_still_that_person(plane: Scene) -> None:
    plane.team()
    spare = plane.enrol("ada", "Ada")
    hold = plane.open(volume_delete(owner="Cy", asker="Cy", obligations=("sign:2",)))
    plane.approve(hold.id, "Ada")
    with refused("answered"):
        options = plane.desk.answer_options(hold.id, Answer.APPROVE)
        plane.answer(hold.id, spare.get(options, plane.site.origin))


def test_replayed_assertion_fails_on_its_counter(plane: Scene) -> None:
    plane.team()
    hold = plane.open(volume_delete(owner="Cy", asker="Cy", obligations=("sign:2",)))
    given = plane.assertion(hold.id, "Ada")
    plane.answer(hold.id, given)
    with refused("assertion"):
        plane.answer(hold.id, given)


def test_key_whose_counter_went_back_is_refused(plane: Scene) -> None:
    key = plane.enrol_first()
    first, second = plane.open(volume_delete()), plane.open(volume_delete(session="s-2"))
    plane.approve(first.id, "Ada")
    key.counter -= 1  # a clone that has signed less
    with refused("assertion"):
        plane.approve(second.id, "Ada")


def test_user_must_be_verified(plane: Scene) -> None:
    key = plane.enrol_first()
    key.verifies_user = False
    hold = plane.open(volume_delete())
    with refused("assertion"):
        plane.approve(hold.id, "Ada")


@pytest.mark.parametrize(
    "origin",
    [
        "http://localhost",
        f"https://localhost:{PORT}",
        "http://localhost:3000",
        f"http://127.0.0.1:{PORT}",
        f"http://localhost.evil.example:{PORT}",
        "null",
    ],
)
def test_signature_of_another_page_is_refused(plane: Scene, origin: str) -> None:
    key = plane.enrol_first()
    hold = plane.open(volume_delete())
    with refused("assertion"):
        plane.answer(hold.id, key.get(plane.desk.answer_options(hold.id, Answer.APPROVE), origin))


def test_signature_for_another_relying_party_is_refused(plane: Scene) -> None:
    key = plane.enrol_first()
    hold = plane.open(volume_delete())
    options = plane.desk.answer_options(hold.id, Answer.APPROVE) | {"rpId": "localhost.evil.example"}
    with refused("assertion"):
        plane.answer(hold.id, key.get(options, plane.site.origin))


@pytest.mark.parametrize("framed", [{"crossOrigin": True}, {"crossOrigin": 1}, {"topOrigin": "https://evil.example"}])
def test_signature_made_in_another_sites_frame_is_refused(
    plane: Scene, monkeypatch: pytest.MonkeyPatch, framed: dict[str, Json]
) -> None:
    plane.enrol_first()
    hold = plane.open(volume_delete())
    honest = authenticator._client_data

    def in_a_frame(kind: str, challenge: str, origin: str) -> bytes:
        return json.dumps(json.loads(honest(kind, challenge, origin)) | framed).encode()

    monkeypatch.setattr(authenticator, "_client_data", in_a_frame)
    with refused("assertion"):
        plane.approve(hold.id, "Ada")


def test_registration_is_no_signature(plane: Scene) -> None:
    key = plane.enrol_first()
    hold = plane.open(volume_delete())
    options = plane.desk.answer_options(hold.id, Answer.APPROVE)
    made: dict[str, Any] = dict(key.create({"rp": {"id": "localhost"}, "challenge": options["challenge"]}, "x"))
    with refused("assertion"):
        plane.answer(hold.id, made)


def test_unknown_and_foreign_keys_are_refused(plane: Scene) -> None:
    plane.enrol_first()
    hold = plane.open(volume_delete())
    options = plane.desk.answer_options(hold.id, Answer.APPROVE)
    stranger = VirtualKey()
    with refused("unknown-key"):
        plane.answer(hold.id, stranger.get(options, plane.site.origin))
    stranger.credential = plane.people["Ada"].credential
    with refused("assertion"):
        plane.answer(hold.id, stranger.get(options, plane.site.origin))


def _flip(value: str, at: int) -> str:
    raw = bytearray(base64url_to_bytes(value))
    raw[at % len(raw)] ^= 1
    return bytes_to_base64url(bytes(raw))


@pytest.mark.parametrize("part", ["authenticatorData", "clientDataJSON", "signature"])
@pytest.mark.parametrize("at", [0, 9, 33, 40, -1])
def test_changed_byte_of_an_assertion_is_refused(plane: Scene, part: str, at: int) -> None:
    plane.enrol_first()
    hold = plane.open(volume_delete())
    given: Any = copy.deepcopy(plane.assertion(hold.id, "Ada"))
    given["response"][part] = _flip(given["response"][part], at)
    with pytest.raises(NotSigned):
        plane.answer(hold.id, given)


_NONSENSE: list[dict[str, Json]] = [
    {},
    {"id": ""},
    {"id": 7},
    {"id": "A" * 2000},
    {"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": {}},
]


@pytest.mark.parametrize("nonsense", _NONSENSE)
def test_nonsense_is_refused(plane: Scene, nonsense: dict[str, Json]) -> None:
    plane.enrol_first()
    with pytest.raises(NotSigned):
        plane.answer(plane.open(volume_delete()).id, nonsense)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda a: a.pop("response"),
        lambda a: a.update(response=None),
        lambda a: a.update(response=[]),
        lambda a: a["response"].update(signature=None),
        lambda a: a["response"].update(authenticatorData=""),
        lambda a: a["response"].update(clientDataJSON="e30"),
        lambda a: a["response"].update(signature="A" * 20_000),
        lambda a: a.update(rawId="AAAA"),
        lambda a: a.update(type="password"),
    ],
)
def test_malformed_assertion_of_an_enrolled_key_is_refused(plane: Scene, break_it: Callable[[Any], object]) -> None:
    plane.enrol_first()
    hold = plane.open(volume_delete())
    given: Any = copy.deepcopy(plane.assertion(hold.id, "Ada"))
    break_it(given)
    with pytest.raises(NotSigned):
        plane.answer(hold.id, given)


def test_store_that_was_told_it_is_approved_releases_nothing(plane: Scene) -> None:
    plane.enrol_first()
    facts = volume_delete()
    hold = plane.open(facts)
    plane.write(update(holds).where(holds.c.id == hold.id).values(state="approved"))
    with refused("quorum"):
        plane.consume(hold.id, facts)


def test_store_with_a_borrowed_signature_releases_nothing(plane: Scene) -> None:
    plane.enrol_first()
    mild, facts = plane.open(volume_delete()), volume_delete(session="s-2")
    grave = plane.open(facts)
    given = plane.assertion(mild.id, "Ada")
    challenge = plane.desk.answer_options(grave.id, Answer.APPROVE)["challenge"]
    (person,) = plane.desk.read(lambda r: [row.person for row in r.execute(keys.select())])
    row = {"id": "a-x", "hold": grave.id, "person": person, "key": plane.people["Ada"].id, "verdict": "approve"}
    forged = {"challenge": base64url_to_bytes(str(challenge)).hex(), "assertion": given, "at": 1}
    plane.write(insert(approvals).values({**row, **forged}))
    plane.write(update(holds).where(holds.c.id == grave.id).values(state="approved"))
    with refused("assertion"):
        plane.consume(grave.id, facts)


def test_document_that_changed_places_in_the_store_is_not_read(plane: Scene) -> None:
    plane.enrol_first()
    mild, grave = plane.open(volume_delete()), plane.open(volume_delete(session="s-2"))
    sealed = plane.desk.read(lambda r: r.execute(holds.select().where(holds.c.id == mild.id)).one().operation)
    plane.write(update(holds).where(holds.c.id == grave.id).values(operation=sealed))
    with pytest.raises(Exception, match="cannot be read"):
        plane.desk.hold(grave.id)


def test_approval_by_a_key_that_was_removed_since_is_void(plane: Scene) -> None:
    plane.team()
    facts = volume_delete(owner="Cy", asker="Cy")
    hold = plane.open(facts)
    plane.approve(hold.id, "Bo")
    plane.write(update(keys).where(keys.c.id == plane.people["Bo"].id).values(removed_at=1))
    with refused("quorum"):
        plane.consume(hold.id, facts)


def test_store_put_back_in_time_takes_no_old_answer(tmp_path: Path) -> None:
    """Counters and all are as they were; only the challenge is not."""
    now, then = tmp_path / "now", tmp_path / "then"
    now.mkdir()
    facts = volume_delete()
    with scene(now) as before:
        key = before.enrol_first()
        hold = before.open(facts)
    shutil.copytree(now, then)
    with scene(now) as before:
        before.people["Ada"] = key
        before.do(before.desk.start())
        given = before.assertion(hold.id, "Ada")
        before.answer(hold.id, given)
        before.consume(hold.id, facts)
    with scene(then) as restored:
        restored.people["Ada"] = key
        restored.do(restored.desk.start())
        assert restored.desk.hold(hold.id).state is HoldState.WAITING
        with refused("assertion"):
            restored.answer(hold.id, given)


def test_signature_of_another_store_is_refused(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    with scene(one) as mine, scene(other) as theirs:
        hold = mine.open(volume_delete())
        assert mine.site.origin == theirs.site.origin
        assert challenge_of(mine.site, hold, Answer.APPROVE) != challenge_of(theirs.site, hold, Answer.APPROVE)
