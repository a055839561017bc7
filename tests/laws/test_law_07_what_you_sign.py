"""Law 7. What was seen is what was signed, and what leaves: anything stricter or beyond it at release is a new hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from law_plane import LawPlane
from law_world import PROD_VOLUME, SAFE_BACKUP, STAGING_VOLUME

from yett.approvals.errors import NotSigned
from yett.approvals.hold import HoldState
from yett.model.effects import Verdict
from yett.model.resource import Environment
from yett.policy import Policies
from yett.policy.layers import Layer, LayerKind, default_layers

STRICTER = Layer(
    "since", LayerKind.NARROW, '@id("x")\n@oblige("alarm")\npermit (principal, action in Action::"owe", resource);\n'
)


def environment_changed(laws: LawPlane) -> None:
    laws.world.change(PROD_VOLUME, environments=(Environment("railway", "env-other", "other"),))


def backups_gone(laws: LawPlane) -> None:
    laws.world.change(PROD_VOLUME, backups=())


def policy_changed(laws: LawPlane) -> None:
    laws.plane.maps.policies = Policies([*default_layers(), STRICTER])


def more_depends_on_it(laws: LawPlane) -> None:
    laws.world.change(PROD_VOLUME, dependants=("billing",))


def renamed(laws: LawPlane) -> None:
    laws.world.change(PROD_VOLUME, name="something-else")


DRIFTS: list[Callable[[LawPlane], None]] = [
    environment_changed,
    backups_gone,
    policy_changed,
    more_depends_on_it,
    renamed,
]


def approved(laws: LawPlane) -> tuple[str, object]:
    laws.world.change(PROD_VOLUME, backups=(SAFE_BACKUP,))
    session = laws.session()
    hold = laws.asked_delete(session)
    laws.approve_and_wait(hold)
    return hold, laws.delete(session)


@pytest.mark.parametrize("drift", DRIFTS)
def test_what_drifted_since_the_signature_is_not_covered_by_it(
    laws: LawPlane, drift: Callable[[LawPlane], None]
) -> None:
    hold, attempt = approved(laws)
    drift(laws)
    refused = laws.refused(attempt)  # type: ignore[arg-type]
    assert refused.hold != hold
    assert laws.hold(hold).state is not HoldState.CONSUMED
    assert not laws.entries("intent")


@pytest.mark.parametrize("drift", DRIFTS)
def test_what_drifts_while_the_undo_is_made_is_not_covered_either(
    laws: LawPlane, drift: Callable[[LawPlane], None]
) -> None:
    hold, attempt = approved(laws)
    laws.world.on_capture = lambda: drift(laws)
    refused = laws.refused(attempt)  # type: ignore[arg-type]
    assert refused.hold != hold
    assert not laws.entries("intent")


def test_an_undo_that_is_no_longer_possible_stops_it(laws: LawPlane) -> None:
    hold, attempt = approved(laws)
    laws.world.undo_possible = False
    refused = laws.refused(attempt)  # type: ignore[arg-type]
    assert refused.verdict is Verdict.DENY or refused.hold != hold
    assert not laws.entries("intent")


def test_without_drift_the_same_approval_releases_it(laws: LawPlane) -> None:
    hold, attempt = approved(laws)
    assert laws.send(attempt).hold == hold  # type: ignore[arg-type]


def test_another_byte_is_another_request(laws: LawPlane) -> None:
    session = laws.session("production", production=True)
    hold = laws.refused(laws.rename(session, PROD_VOLUME, "x")).hold
    laws.approve_and_wait(hold)
    other = laws.refused(laws.rename(session, PROD_VOLUME, "y")).hold
    assert other != hold
    assert laws.hold(hold).state is HoldState.APPROVED


def test_another_lease_session_or_agent_is_another_request(laws: LawPlane) -> None:
    session = laws.session("production", production=True)
    attempt = laws.rename(session, PROD_VOLUME)
    hold = laws.refused(attempt).hold
    laws.approve_and_wait(hold)
    assert laws.refused(replace(attempt, lease="l-2")).hold != hold
    other = laws.session("production", production=True)
    assert laws.refused(replace(attempt, session=other)).hold != hold


def test_an_approval_expires(laws: LawPlane) -> None:
    hold, attempt = approved(laws)
    laws.clock.advance(16 * 60)
    assert laws.refused(attempt).hold != hold  # type: ignore[arg-type]
    assert not laws.entries("intent")


def test_a_signature_under_another_document_does_not_count(laws: LawPlane) -> None:
    """The answer to one hold is no answer to another."""
    from yett.approvals.challenge import Answer

    session = laws.session("production", production=True)
    one = laws.refused(laws.rename(session, PROD_VOLUME, "x")).hold
    other = laws.refused(laws.rename(session, PROD_VOLUME, "y")).hold
    desk = laws.plane.desk
    signed = laws.people["Ada"].get(desk.answer_options(one, Answer.APPROVE), desk.site.origin)
    with pytest.raises(NotSigned):
        laws.do(desk.answer(other, Answer.APPROVE, signed))


def test_the_document_names_everything_that_decides(laws: LawPlane) -> None:
    hold = laws.hold(laws.asked_delete(laws.session()))
    document = hold.document
    for part in ("operations", "situations", "principal", "task", "lease", "decision", "impact", "request", "digest"):
        assert part in document
    assert json.dumps(dict(document)).count(PROD_VOLUME) >= 1
    assert hold.nonce
    assert hold.note
    assert hold.expires


def test_what_leaves_is_written_anew_from_what_was_decided(laws: LawPlane) -> None:
    """Comments, unknown members and second operations of a document stay behind."""
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    body = json.dumps(
        {
            "query": f'# hidden\nmutation a {{ volumeUpdate(volumeId: "{STAGING_VOLUME}", input: {{ name: "x" }})'
            f' {{ id }} }}\nmutation b {{ volumeDelete(volumeId: "{PROD_VOLUME}") }}',
            "operationName": "a",
            "confirm": "smuggled",
            "extensions": {"x": "smuggled"},
        }
    ).encode()
    reply = laws.over(port, "POST", "/graphql/v2", body, authorization=f"Bearer {token}")
    arrived = b"".join(laws.upstream.seen)
    assert b"smuggled" not in arrived
    assert b"hidden" not in arrived
    assert b"volumeDelete" not in arrived
    assert reply.status in (200, 403)


def test_nothing_runs_by_itself_and_nothing_after_its_task(laws: LawPlane) -> None:
    hold, attempt = approved(laws)
    assert not laws.entries("intent"), "an approval alone sends nothing"
    laws.do(laws.checkpoint.close_session(attempt.session.id, "the command ended"))  # type: ignore[attr-defined]
    assert laws.hold(hold).state is HoldState.CANCELLED
    assert laws.refused(attempt).code == "ended"  # type: ignore[arg-type]


def test_a_task_whose_time_is_up_passes_nothing(laws: LawPlane) -> None:
    session = laws.session(seconds=60)
    laws.send(laws.get(session))
    laws.clock.advance(61)
    assert laws.refused(laws.get(session)).verdict is Verdict.DENY


DISGUISES = (
    'mutation {{ volumeDelete # (\n (volumeId: "{0}") }}',
    'mutation {{ me: volumeDelete   (volumeId: "{0}") }}',
    "mutation($v: String!) {{ x: volumeDelete\n\n(volumeId: $v) }}",
    'mutation {{ ...f }} fragment f on Mutation {{ volumeDelete,,,(volumeId: "{0}") }}',
    'mutation {{ ... on Mutation {{ volumeDelete\ufeff(volumeId: "{0}") }} }}',
)


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_mutation_in_disguise_is_what_it_does(laws: LawPlane, disguise: str) -> None:
    session = laws.session()
    request = laws.request(disguise.format(PROD_VOLUME), v=PROD_VOLUME)
    hold = laws.hold(laws.refused(laws.attempt(session, request)).hold)
    operations = json.loads(json.dumps(hold.document["operations"]))
    assert [operation["action"] for operation in operations] == ["railway:volumeDelete"]
    assert operations[0]["on"]["resources"] == [["volume", PROD_VOLUME]]
