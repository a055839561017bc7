"""The owner's commands against a real daemon: what lists has --json, what widens waits for a key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.daemon.conftest import Plane

from yett.model.errors import YettError

WIDER = """\
layer: widen
rules:
  - rule: shared-ci
    verdict: may-hold
    effects: [write]
    where: {environment: shared-ci}
    why: writing to the shared CI environment may be asked for
"""


@pytest.mark.parametrize(
    "words", [["env"], ["secret", "list"], ["lease", "list"], ["holds"], ["undo", "list"], ["report"]]
)
def test_what_lists_speaks_json(plane: Plane, words: list[str]) -> None:
    assert isinstance(json.loads(plane.stage.yett(*words, "--json")), list)


def test_status_names_the_page_and_the_people(plane: Plane) -> None:
    status = json.loads(plane.stage.yett("status", "--json"))
    assert status["page"].startswith("http://localhost:")
    assert status["people"] == ["Olga"]
    assert status["profile"] == "solo"


def test_the_running_log_verifies(plane: Plane) -> None:
    assert "verify against the signed checkpoint" in plane.stage.yett("log", "verify")


def test_a_widening_policy_counts_once_it_is_signed(plane: Plane, tmp_path: Path) -> None:
    file = tmp_path / "ci.yaml"
    file.write_text(WIDER)
    assert "counts from now on" in plane.signed("policy", "sign", str(file))
    assert (plane.stage.home / "policy/ci.yaml").read_text() == WIDER


def test_a_policy_that_does_not_load_is_not_put_before_anyone(plane: Plane, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text("layer: widen\nrules:\n  - rule: x\n    verdikt: deny\n")
    with pytest.raises(YettError, match="verdikt"):
        plane.stage.yett("policy", "sign", str(file))


def test_an_act_that_waits_is_listed_shown_with_its_words_and_declined(plane: Plane) -> None:
    plane.stage.yett("lockdown", "on")
    act = plane.stage.act_of(plane.stage.yett("lockdown", "off"))
    assert [row["id"] for row in json.loads(plane.stage.yett("holds", "--json"))] == [act]
    shown = plane.stage.yett("holds", "show", act)
    assert "LOCKDOWN-OFF" in shown
    assert "Words: " in shown
    plane.stage.yett("holds", "deny", act)
    assert json.loads(plane.stage.yett("holds", "--json")) == []
    assert json.loads(plane.stage.yett("status", "--json"))["lockdown"] == ["*"]
    plane.signed("lockdown", "off")


def test_lockdown_is_closed_by_anyone_and_opened_by_a_key(plane: Plane) -> None:
    plane.stage.yett("lockdown", "on")
    assert json.loads(plane.stage.yett("status", "--json"))["lockdown"] == ["*"]
    act = plane.stage.act_of(plane.stage.yett("lockdown", "off"))
    assert json.loads(plane.stage.yett("status", "--json"))["lockdown"] == ["*"]
    plane.owner.sign(act)
    assert json.loads(plane.stage.yett("status", "--json"))["lockdown"] == []


def test_a_secret_is_kept_and_never_shown(plane: Plane) -> None:
    value = "0a1b2c3d-0000-4111-8222-333344445555"
    said = plane.stage.yett(
        "secret", "add", "domains", "--provider", "railway", "--purpose", "domains", stdin=value + "\n"
    )
    listed = plane.stage.yett("secret", "list", "--json")
    assert value not in said + listed
    assert [row["name"] for row in json.loads(listed)] == ["domains"]
    plane.stage.yett("secret", "remove", "domains")
    assert json.loads(plane.stage.yett("secret", "list", "--json")) == []


def test_a_second_daemon_for_the_same_home_is_refused(plane: Plane) -> None:
    with pytest.raises(YettError, match="already"):
        plane.stage.yett("up", "--home", str(plane.stage.home), "--port", "0")
