"""Act 3: the agent's deletion is held, people sign it, an undo is made first, it executes, and is undone."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from yett.drills import evidence
from yett.drills.attempting import Attempt, parse
from yett.drills.database import Snapshot, snapshot
from yett.drills.person import VirtualPerson
from yett.drills.scene import TASK, Scene, write_targets
from yett.drills.stage import Stage
from yett.model.errors import YettError

DELETION = "shapes: plain"
"""The plain volumeDelete with the session's own placeholder, as the agent's list names it."""

RESEND_S = 2.0


@dataclass(frozen=True)
class Release:
    """What was seen of one deletion, from its first send to the restored database.

    `sends` are the agent's, in order; `waited` the seconds from the last signature to the release; `survived` is
    whether PostgreSQL lived on after it; `undo` the newest undo's id, "" if there is none; `applied` whether `yett undo
    apply` succeeded; `difference` where the restored database differs from the one before, "" if nowhere.
    """

    sends: tuple[Attempt, ...]
    waited: float
    survived: bool
    undo: str = ""
    applied: bool = False
    said: str = ""
    difference: str = "nothing was restored"

    @property
    def done(self) -> list[int]:
        """Which sends the platform executed."""
        return [number for number, attempt in enumerate(self.sends) if attempt.outcome == "done"]

    @property
    def again(self) -> tuple[Attempt, ...]:
        """The sends after the one that was released."""
        return self.sends[self.done[0] + 1 :] if self.done else ()


@dataclass
class TwoSignatures:
    """What the page said while two people signed. `owner_refused`: the agent's owner could not be the second."""

    after_one: str = ""
    owner_refused: bool = False


def with_a_human(scene: Scene) -> None:
    """The held deletion: solo, restored, then with two people."""
    telling = scene.telling
    telling.act("3. With a human: held, signed, an undo first, then released")
    before = snapshot(scene.database_url())
    check(scene, solo(scene, before))
    enrol_team(scene)
    released, signing = team(scene, before)
    telling.check(signing.after_one == "waiting", "with one signature it stays held")
    telling.check(signing.owner_refused, "the agent's owner may not be the second")
    check(scene, released)


def solo(scene: Scene, before: Snapshot) -> Release:
    """One enrolled person signs; the delay in which anyone may cancel runs out."""

    def sign(hold: str) -> None:
        scene.people[0].approve(hold)
        scene.telling.say(f"Olga read {hold} on the page and signed it; solo waits 60 s in which anyone may cancel")

    return _restored(scene, _approve_while_sending(scene, sign), before)


def enrol_team(scene: Scene) -> None:
    """Two more people, each vouched for by everyone who is there."""
    for name in ("Ana", "Ben"):
        newcomer = VirtualPerson(name, scene.stage.origin)
        sign_by_all(scene.people, newcomer.ask_to_enrol())
        scene.people.append(newcomer)
    people = ", ".join(str(name) for name in json.loads(scene.stage.yett("status", "--json"))["people"])
    scene.telling.say(
        f"enrolled are {people}: the profile is team now; Olga owns the agent, so the two others must sign"
    )


def team(scene: Scene, before: Snapshot) -> tuple[Release, TwoSignatures]:
    """Two people sign who do not own the agent."""
    seen = TwoSignatures()
    owner, second, third = scene.people

    def sign(hold: str) -> None:
        second.approve(hold)
        seen.after_one = str(second.get(f"/api/holds/{hold}")["state"])
        seen.owner_refused = _refuses(lambda: owner.approve(hold))
        third.approve(hold)
        scene.telling.say(f"{second.name} and {third.name} read {hold} on the page and signed it")

    return _restored(scene, _approve_while_sending(scene, sign), before), seen


def check(scene: Scene, release: Release) -> None:
    """Released once, undone to the byte, and the same approval is worth nothing a second time."""
    telling = scene.telling
    count = f"{len(release.done)} times in {len(release.sends)} sends"
    telling.check(len(release.done) == 1, "the signed call was released exactly once", count)
    telling.check(not release.survived, "it really executed: PostgreSQL is dead, its backups with it")
    again = release.again
    telling.check(bool(again) and all(a.problem for a in again), "the same request sent again is not released")
    telling.check(bool(release.undo), "a verified undo had been made before the call left", "there is none")
    telling.check(release.applied, f"yett undo apply: {release.said}")
    claim = "the restored database is equal: schema dump and ordered bytes of every table"
    telling.check(not release.difference, claim, release.difference)


def _refuses(deed: Callable[[], object]) -> bool:
    try:
        deed()
    except YettError:
        return True
    return False


def _approve_while_sending(scene: Scene, sign: Callable[[str], None]) -> tuple[tuple[Attempt, ...], float]:
    """The agent sends the same deletion again and again in one session; people answer meanwhile.

    Its lines up to two after the one that got through, and the seconds that this one took from the last signature.
    """
    send = shlex.join([*scene.rogue(), "attempts", "--targets", str(write_targets(scene)), "--only", DELETION])
    script = f"for i in $(seq 45); do {send}; sleep {RESEND_S}; done"
    agent = scene.stage.run_agent(scene.workspace, ["sh", "-c", script], scene.environ(), *TASK)
    try:
        hold = str(scene.people[0].wait_for_hold("railway:volumeDelete", 30)["id"])
        scene.telling.say(f"the agent's volumeDelete waits as {hold}")
        sign(hold)
        return _until_done(agent, time.monotonic())
    finally:
        agent.terminate()
        agent.wait(20)


def _until_done(agent: Any, signed: float) -> tuple[tuple[Attempt, ...], float]:  # Any: subprocess.Popen[str]
    seen: list[Attempt] = []
    waited, after = 0.0, 0
    for line in agent.stdout:
        seen += parse([line])
        if any(attempt.outcome == "done" for attempt in seen):
            waited = waited or time.monotonic() - signed
            after += 1
        if after > 2:
            break
    return tuple(seen), waited


def _restored(scene: Scene, sent: tuple[tuple[Attempt, ...], float], before: Snapshot) -> Release:
    """Apply the newest undo and compare; the lab's database is where the platform says it is now."""
    sends, waited = sent
    survived = scene.lab.database_alive
    undo = last_undo(scene.stage)
    if not undo:
        return Release(sends, waited, survived)
    applied, said = apply_undo(scene.stage, undo, scene.people)
    if not applied:
        return Release(sends, waited, survived, undo, applied, said)
    scene.lab.handed_out["database_url"] = evidence.database_url(scene.lab)
    difference = before.difference(snapshot(scene.database_url()))
    return Release(sends, waited, survived, undo, applied, said, difference)


def last_undo(stage: Stage) -> str:
    """The id of the newest undo, "" if there is none."""
    undos = json.loads(stage.yett("undo", "list", "--json"))
    return str(undos[-1]["id"]) if undos else ""


def apply_undo(stage: Stage, undo: str, people: Sequence[VirtualPerson]) -> tuple[bool, str]:
    """`yett undo apply` in one process, the signatures that it asks for in this one."""
    command = [sys.executable, "-m", "yett.cli", "undo", "apply", undo]
    applying = subprocess.Popen(
        command, env=stage.environ(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert applying.stdout is not None
    said = applying.stdout.readline()
    sign_by_all(people, stage.act_of(said))
    rest = applying.stdout.read().strip()
    return applying.wait(120) == 0, rest.splitlines()[-1] if rest else "said nothing"


def sign_by_all(people: Sequence[VirtualPerson], act: str) -> None:
    """Everyone who is enrolled signs; one more signature than is needed is refused."""
    for person in people:
        with contextlib.suppress(YettError):
            person.sign(act)
