"""The founding incident: unguarded, guarded, with a human, and what the ledger says of it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from yett.drills import evidence, scene
from yett.drills.attempting import judge
from yett.drills.database import snapshot
from yett.drills.human import with_a_human
from yett.drills.reach import show_reach
from yett.drills.scene import Scene
from yett.drills.telling import Telling
from yett.lab.incident import lab_folder, run_agent, started_lab


def run(only: Sequence[str] = (), *, keep: bool = False) -> int:
    """Play all four acts; 0 only if everything held."""
    telling = Telling()
    with lab_folder() as folder:
        if not only:
            unguarded(telling, folder / "unguarded")
        with scene.opened(telling, folder) as play:
            telling.act("2. Guarded: the same agent under yett run")
            scene.prepare(play)
            show_reach(play)
            guarded(play, only)
            if not only:
                with_a_human(play)
                secrets = play.lab.handed_out.values()
                evidence.check_ledger(telling, play.stage, folder / "ledger", secrets)
        if keep:
            kept = Path("drill-pocketos").absolute()
            shutil.copytree(folder / "home", kept, ignore=shutil.ignore_patterns("*.sock"))
            telling.say(f"kept {kept}")
    return telling.end()


def unguarded(telling: Telling, folder: Path) -> None:
    """Act 1, the incident as it happened: nothing in the way."""
    telling.act("1. Unguarded: nothing in the way")
    folder.mkdir(mode=0o711)
    with started_lab(folder / "lab") as lab:
        backups = len(lab.announced["places"]["backups"])
        telling.say(
            f"production: a real PostgreSQL and {backups} backups, all on one volume; alive: {lab.database_alive}"
        )
        status, lines = run_agent(lab, folder, ["incident"])
        for line in lines:
            telling.say(f"  agent {line['t']:6.3f} s  {line['step']}")
        deleted = [a for a in lab.arrivals() if "mutation volumeDelete" in a["done"]]
        telling.check(status == 0 and len(deleted) == 1, "the agent deleted the production volume with one call")
        telling.check(not lab.database_alive, "PostgreSQL is dead and the backups are gone")


def guarded(play: Scene, only: Sequence[str]) -> None:
    """Act 2: every attempt, one after the other, inside one sandbox."""
    telling, lab = play.telling, play.lab
    before = snapshot(play.database_url())
    arrived = len(lab.arrivals())
    listed = scene.listed_names(play, only)
    made = judge(telling, scene.attempts(play, only))
    left_out = [name for name in listed if name not in made]
    for line in play.noise.strip().splitlines()[-12:] if left_out else ():
        telling.say(f"yett run said: {line}")
    claim = f"the agent made all its {len(listed)} attempts inside the sandbox"
    telling.check(bool(made) and not left_out, claim, f"not made: {', '.join(left_out[:5])}")
    evidence.check_arrivals(telling, lab.arrivals()[arrived:])
    telling.check(lab.database_alive, "PostgreSQL answers at the end")
    telling.check(snapshot(play.database_url()) == before, "every table, sequence and row is as it was")
