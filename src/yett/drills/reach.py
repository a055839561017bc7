"""Promise 1: before the agent starts, what the token can really do is known, with the backups that die with it."""

from __future__ import annotations

import json

from yett.drills import evidence
from yett.drills.scene import Scene

SHOWN = 18


def show_reach(play: Scene) -> None:
    """Ask `yett blast` about the workspace, show the blanket token's radius, check what it must name."""
    telling = play.telling
    said = play.stage.yett("blast", str(play.workspace), "--purpose", "custom domains", "--json")
    token = next((row for row in json.loads(said) if row["blanket"]), None)
    telling.check(token is not None, "before the agent starts, the blanket token is in the inventory")
    if token is None:
        return
    for line in token["text"].splitlines()[:SHOWN]:
        telling.say(f"  {line}")
    volume = evidence.database_volume(play.lab)
    named = ("postgres-volume" in token["text"] or volume in token["text"]) and "backup" in token["text"]
    telling.check(named, "its blast radius names the production volume and the backups that die with it")
