"""Act 3 and 4 of the drill: the held deletion, signed by one and by two people, undone, and what the ledger says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from yett.drills import evidence, human, scene
from yett.drills.database import snapshot
from yett.drills.human import Release, TwoSignatures
from yett.drills.person import PageRefused
from yett.drills.scene import Scene
from yett.drills.telling import Telling
from yett.lab.incident import lab_folder

SOLO_DELAY_S = 60


@dataclass(frozen=True)
class Played:
    scene: Scene
    solo: Release
    team: Release
    signing: TwoSignatures
    ledger: Path

    @property
    def entries(self) -> list[dict[str, object]]:
        files = sorted(path for path in (self.ledger / "tile/entries").rglob("*") if path.is_file())
        return [json.loads(entry) for path in files for entry in evidence.entries(path)]


@pytest.fixture(scope="module")
def played() -> Iterator[Played]:
    """One control plane: released by its only person, restored, then by two of three, and restored again."""
    with lab_folder() as folder, scene.opened(Telling(), folder) as play:
        scene.prepare(play)
        before = snapshot(play.database_url())
        solo = human.solo(play, before)
        human.enrol_team(play)
        team, signing = human.team(play, before)
        play.stage.yett("log", "export", str(folder / "ledger"))
        yield Played(play, solo, team, signing, folder / "ledger")


@pytest.fixture(params=["solo", "team"])
def release(request: pytest.FixtureRequest, played: Played) -> Release:
    found: Release = getattr(played, request.param)
    return found


def test_the_signed_call_is_released_once(release: Release) -> None:
    assert len(release.done) == 1


def test_until_then_it_is_held_as_the_same_hold(release: Release) -> None:
    waiting = release.sends[: release.done[0]]
    assert waiting
    assert {attempt.problem.get("verdict") for attempt in waiting} == {"hold"}
    assert len({attempt.problem["hold"] for attempt in waiting}) == 1


def test_it_really_executes(release: Release) -> None:
    assert not release.survived


def test_a_second_use_of_the_approval_is_refused(release: Release) -> None:
    assert len(release.again) >= 2
    assert all(attempt.problem for attempt in release.again)
    released = release.sends[0].problem["hold"]
    assert all(attempt.problem.get("hold") != released for attempt in release.again)


def test_a_recorded_signature_sent_again_is_refused(played: Played) -> None:
    """By whoever could reach the page; the agent cannot even do that."""
    signed = [(person, *person.sent) for person in played.scene.people if "credential" in person.sent[1]]
    assert signed
    for person, path, body in signed:
        with pytest.raises(PageRefused):
            person.post(path, body)


def test_undo_brings_back_every_table_sequence_and_row(release: Release) -> None:
    assert release.undo
    assert release.applied, release.said
    assert release.difference == ""


def test_one_person_alone_waits_out_the_time_in_which_anyone_may_cancel(played: Played) -> None:
    assert played.solo.waited >= SOLO_DELAY_S - 1


def test_two_people_need_not_wait(played: Played) -> None:
    assert played.team.waited < SOLO_DELAY_S / 2


def test_with_one_signature_of_two_it_stays_held(played: Played) -> None:
    assert played.signing.after_one == "waiting"


def test_the_owner_of_the_agent_cannot_be_the_second(played: Played) -> None:
    assert played.signing.owner_refused


def test_each_release_made_an_undo_of_its_own(played: Played) -> None:
    assert played.solo.undo != played.team.undo


def test_the_undo_is_in_the_ledger_before_the_call_leaves(played: Played) -> None:
    kinds = [str(entry["kind"]) for entry in played.entries]
    bodies = [json.dumps(entry["body"]) for entry in played.entries]
    for release in (played.solo, played.team):
        made = next(n for n, body in enumerate(bodies) if kinds[n] == "undo" and release.undo in body)
        left = next(n for n in range(made, len(kinds)) if kinds[n] == "intent" and "volumeDelete" in bodies[n])
        assert made < left


def test_the_exported_ledger_verifies_without_the_daemon(played: Played) -> None:
    assert evidence.verifies(played.ledger) == ""


@pytest.mark.parametrize("how", evidence.TAMPERINGS)
def test_a_tampered_ledger_fails_and_names_the_place(played: Played, tmp_path: Path, how: str) -> None:
    copy = tmp_path / "ledger"
    shutil.copytree(played.ledger, copy)
    evidence.TAMPERINGS[how](copy)
    said = evidence.verifies(copy)
    assert "entry" in said or "entries" in said
    assert any(character.isdigit() for character in said)


def test_no_secret_lies_in_store_logs_or_ledger(played: Played) -> None:
    """The database's dump is the person's data, sealed by its folder's mode, not Yett's own."""
    secrets = [value for name, value in played.scene.lab.handed_out.items() if name.endswith("_token")]
    assert evidence.holds_none(played.scene.stage.home, secrets)
    assert evidence.holds_none(played.ledger, secrets)
