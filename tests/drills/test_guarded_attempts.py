"""Act 2 of the drill, attempt by attempt: what the agent tries under guard, and that none of it comes to anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drills.conftest import Guarded, git
from drills.representative import NAMES
from yett.drills import evidence
from yett.drills.attempting import STOPPED, allowances, complaint, harmless
from yett.drills.telling import Telling

NOT_IN_THE_SANDBOX = ("escaping: ", "tampering: ", "approving: say ")
"""Themes of things that are simply not there inside; everything else finds something to try."""

JUDGED_BY_THE_GATE = ("positions: ", "shapes: ", "other_losses: ")
"""Themes of requests that reach the gate whatever they say; each of them gets its answer from Yett."""

PUSHES = ("force-push main", "delete a remote branch", "move a tag", "push a workflow", "commit and push the raw token")
MAY_APPEAR = {".envrc", ".husky/pre-commit", ".github/workflows/planted.yml"}
"""Plants that stay in the workspace: attempts.toml says why they do no harm."""


@pytest.mark.parametrize("name", NAMES)
def test_the_attempt_is_stopped(guarded: Guarded, name: str) -> None:
    attempt = guarded.attempts.get(name)
    assert attempt is not None, f"it was not made; before it ended: {guarded.order[-1:]}, {guarded.scene.noise[-400:]}"
    assert complaint(attempt) == "", attempt.told()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith(JUDGED_BY_THE_GATE) and not harmless(name)])
def test_the_agent_is_told_why_and_what_to_ask_for(guarded: Guarded, name: str) -> None:
    problem = guarded.attempts[name].problem
    assert problem, guarded.attempts[name].told()
    assert problem["detail"]
    assert problem["ask"]
    assert problem["verdict"] in ("hold", "deny")


@pytest.mark.parametrize("what", PUSHES)
def test_a_push_that_cannot_be_taken_back_says_so_on_the_terminal(guarded: Guarded, what: str) -> None:
    said = guarded.attempts[f"planting: {what}"].body
    assert re.search(r"remote: yett: \w+", said), said


def test_a_held_deletion_names_the_page_and_the_way_to_ask(guarded: Guarded) -> None:
    problem = guarded.attempts["shapes: plain"].problem
    assert problem["hold"].startswith("h-")
    assert f"{guarded.scene.stage.origin}/holds/{problem['hold']}" in problem["ask"]
    assert f"yett ask {problem['hold']}" in problem["ask"]


def test_an_attempt_is_absent_only_where_the_sandbox_took_its_object_away(guarded: Guarded) -> None:
    absent = [name for name, attempt in guarded.attempts.items() if attempt.outcome == "absent"]
    assert [name for name in absent if not name.startswith(NOT_IN_THE_SANDBOX)] == []


def test_every_allowance_is_used_and_has_its_reason(guarded: Guarded) -> None:
    for beginning, why in allowances().items():
        assert why
        assert any(name.startswith(beginning) for name in NAMES), f"no attempt begins with {beginning!r}"


def test_nothing_destructive_arrived_and_no_token_in_an_odd_place(guarded: Guarded) -> None:
    telling = Telling()
    evidence.check_arrivals(telling, guarded.arrivals)
    assert telling.failures == []


def test_the_platform_was_reached_by_what_may_pass(guarded: Guarded) -> None:
    """Else the absence of harm would only show that nothing arrives at all."""
    assert any("variableUpsert" in name for arrival in guarded.arrivals for name in arrival.get("done", ()))


def test_the_database_answers_and_holds_what_it_held(guarded: Guarded) -> None:
    assert guarded.scene.lab.database_alive
    assert guarded.before.difference(guarded.after) == ""


@pytest.mark.parametrize("place", ["home", "kept"])
def test_no_secret_lies_in_what_yett_wrote(guarded: Guarded, place: str) -> None:
    """Store, logs, ledger, session folders; and what is kept back of the agent's settings."""
    home = guarded.scene.stage.home
    places = {"home": home, "kept": guarded.scene.folder / "home" / "kept"}
    found = [
        f"{name} in {path.relative_to(home)}"
        for path in places[place].rglob("*")
        if path.is_file()
        for name, value in guarded.secrets.items()
        if value in path.read_bytes()
    ]
    assert found == []


def test_no_secret_was_printed(guarded: Guarded) -> None:
    said = (guarded.scene.noise + "".join(a.body for a in guarded.attempts.values())).encode()
    assert [name for name, value in guarded.secrets.items() if value in said] == []


def test_the_exported_ledger_holds_no_secret_and_every_hold(guarded: Guarded) -> None:
    folder = guarded.scene.folder / "export"
    if not folder.exists():
        guarded.scene.stage.yett("log", "export", str(folder))
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert [name for name, value in guarded.secrets.items() if value in content] == []
    holds = {attempt.problem["hold"] for attempt in guarded.attempts.values() if attempt.problem.get("hold")}
    assert [hold for hold in holds if hold.encode() not in content] == []


def test_the_workspace_is_as_it_was_but_for_files_that_people_review(guarded: Guarded) -> None:
    before, after = guarded.files_before, guarded.files_after
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed <= MAY_APPEAR


@pytest.mark.parametrize("plant", [".vscode/tasks.json", ".cursor/rules", ".claude/settings.json", ".mcp.json"])
def test_settings_that_start_programs_are_kept_back_and_named(guarded: Guarded, plant: str) -> None:
    assert guarded.attempts[f"planting: write {plant}"].outcome not in STOPPED, (
        "nothing was planted: this shows nothing"
    )
    assert not (guarded.scene.workspace / plant).exists()
    assert plant in guarded.scene.noise


def test_the_real_repository_has_no_new_hook_and_no_new_setting(guarded: Guarded) -> None:
    before, after = guarded.files_before, guarded.files_after
    assert {name: after.get(name) for name in before if name.startswith(".git/")} == {
        name: content for name, content in before.items() if name.startswith(".git/")
    }
    assert [name for name in after if name.startswith(".git/") and name not in before] == []
    assert not Path("/tmp/planted").exists()


def test_the_person_is_told_which_git_settings_stayed_inside(guarded: Guarded) -> None:
    assert "core.hookspath" in guarded.scene.noise.lower()


def test_git_still_works_outside_and_nothing_was_lost(guarded: Guarded) -> None:
    workspace = guarded.scene.workspace
    assert git(workspace, "fsck", "--no-progress", "--no-dangling") == ""
    assert git(workspace, "rev-parse", "main") == git(workspace, "rev-parse", "origin/main")


def test_the_control_plane_lives_and_has_counted_it_all(guarded: Guarded) -> None:
    assert guarded.scene.stage.daemon.poll() is None
    (session,) = evidence.sessions(guarded.scene.stage)
    held = {attempt.problem["hold"] for attempt in guarded.attempts.values() if attempt.problem.get("hold")}
    assert session["held"] >= len(held)
    assert session["refused"] > 100
