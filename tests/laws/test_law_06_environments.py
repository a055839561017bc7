"""Law 6. Unknown is production, shared is the strictest; the environment is looked up by id, fresh at release."""

from __future__ import annotations

from dataclasses import replace

from law_plane import LawPlane
from law_world import PROD_VOLUME, PRODUCTION, SAFE_BACKUP, STAGING, STAGING_VOLUME, STRANGE_VOLUME

from yett.daemon.verbs.places import list_, propose
from yett.model.effects import Verdict
from yett.model.resource import Environment, EnvironmentClass


def test_a_write_passes_only_where_the_task_works(laws: LawPlane) -> None:
    session = laws.session("staging")
    assert laws.send(laws.rename(session, STAGING_VOLUME)).intent >= 0
    assert laws.refused(laws.rename(session, PROD_VOLUME)).verdict is Verdict.DENY


def test_an_environment_that_nobody_mapped_counts_as_production(laws: LawPlane) -> None:
    laws.world.put(STRANGE_VOLUME, Environment("railway", "env-new", "staging"), backups=(SAFE_BACKUP,))
    session = laws.session("staging")
    assert laws.refused(laws.rename(session, STRANGE_VOLUME)).verdict is Verdict.DENY
    assert laws.plane.maps.environments.kind(Environment("railway", "env-new", "x")) is EnvironmentClass.PRODUCTION


def test_a_resource_in_no_environment_is_elsewhere(laws: LawPlane) -> None:
    laws.world.put(STRANGE_VOLUME)
    assert laws.refused(laws.rename(laws.session(), STRANGE_VOLUME)).verdict is Verdict.DENY


def test_a_resource_that_the_provider_does_not_know_is_elsewhere(laws: LawPlane) -> None:
    assert laws.refused(laws.rename(laws.session(), "no-such-volume")).verdict is Verdict.DENY


def test_a_shared_resource_counts_as_the_strictest_of_its_environments(laws: LawPlane) -> None:
    laws.world.change(STAGING_VOLUME, environments=(STAGING, PRODUCTION))
    assert laws.refused(laws.rename(laws.session(), STAGING_VOLUME)).verdict is Verdict.DENY


def test_a_name_moves_nothing(laws: LawPlane) -> None:
    """An agent that may rename environments gains nothing by it."""
    renamed = replace(PRODUCTION, name="staging")
    laws.world.change(PROD_VOLUME, environments=(renamed,), name="staging-scratch")
    assert laws.refused(laws.rename(laws.session("staging"), PROD_VOLUME)).verdict is Verdict.DENY
    laws.world.change(STAGING_VOLUME, environments=(replace(STAGING, name="production"),))
    assert laws.send(laws.rename(laws.session("staging"), STAGING_VOLUME)).intent >= 0


def test_a_task_that_named_no_environment_has_none(laws: LawPlane) -> None:
    session = laws.session(None)
    assert laws.refused(laws.rename(session, STAGING_VOLUME)).verdict is Verdict.DENY


def test_the_label_of_production_without_a_signature_is_elsewhere(laws: LawPlane) -> None:
    unsigned = laws.session("production", production=False)
    assert laws.refused(laws.rename(unsigned, PROD_VOLUME)).verdict is Verdict.DENY
    signed = laws.session("production", production=True)
    assert laws.refused(laws.rename(signed, PROD_VOLUME)).hold, "signed for, it is held, never silent"


def test_a_provider_that_cannot_be_reached_leaves_everything_elsewhere(laws: LawPlane) -> None:
    laws.world.down = True
    assert laws.refused(laws.rename(laws.session(), STAGING_VOLUME)).verdict is Verdict.DENY


def test_without_a_credential_of_its_own_yett_believes_nothing(laws: LawPlane) -> None:
    laws.plane.broker.remove("railway-own")
    assert laws.refused(laws.rename(laws.session(), STAGING_VOLUME)).verdict is Verdict.DENY
    assert laws.world.looks == 0


def test_what_was_remembered_does_not_release_a_write(laws: LawPlane) -> None:
    """The volume was moved to production a moment ago. Without an undo to be made there is no later look either."""
    laws.world.undo_possible = False
    session = laws.session()
    laws.send(laws.rename(session, STAGING_VOLUME))
    laws.world.change(STAGING_VOLUME, environments=(PRODUCTION,))
    assert laws.refused(laws.rename(session, STAGING_VOLUME, "y")).verdict is Verdict.DENY


def test_what_changes_while_an_undo_is_made_stops_the_write(laws: LawPlane) -> None:
    laws.world.on_capture = lambda: laws.world.change(STAGING_VOLUME, environments=(PRODUCTION,))
    refused = laws.refused(laws.delete(laws.session(), STAGING_VOLUME))
    assert refused.verdict is Verdict.DENY
    assert laws.world.captures == 1
    assert not laws.entries("intent")


def test_a_map_that_is_only_proposed_changes_nothing(laws: LawPlane) -> None:
    before = laws.do(list_(laws.plane, {}))
    laws.do(propose(laws.plane, {}))
    from yett.daemon.verbs.places import set_

    laws.do(set_(laws.plane, {"production": []}))
    assert laws.do(list_(laws.plane, {})) == before
    assert laws.refused(laws.rename(laws.session(), PROD_VOLUME)).verdict is Verdict.DENY
