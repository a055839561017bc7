"""Claude Code as a person uses it: at a terminal, in a project that it knows."""

from __future__ import annotations

import json
import os
import select
import sys
from pathlib import Path

from agents.person import Person, bash
from sandbox.screen import Screen
from yett.drills.scene import TASK
from yett.drills.stage import COMMAND

QUIET_S = 0.7
STEPS = [bash("id -u"), {"text": "Finished."}]


def know(home: Path, workspace: Path) -> None:
    """Answer what the client asks once in a project: colours, and trust."""
    path = next(home.glob("projects/*/home/.claude.json"))
    state = json.loads(path.read_text())
    state |= {"hasCompletedOnboarding": True, "theme": "dark"}
    state.setdefault("projects", {}).setdefault(str(workspace), {})["hasTrustDialogAccepted"] = True
    path.write_text(json.dumps(state))


def settle(screen: Screen) -> None:
    """Wait until nothing more is drawn: a key that comes earlier may be lost."""
    while select.select([screen.master], [], [], QUIET_S)[0]:
        screen.seen += os.read(screen.master, 65536).decode(errors="replace")


def test_it_works_at_a_terminal_and_asks_nothing_about_its_key(person: Person) -> None:
    workspace = person.workspace()
    assert person.run(workspace, [{"text": "."}], person.key).status == 0
    know(person.play.stage.home, workspace)
    began = len(person.heard())
    environ = person.play.stage.environ({**person.environ, **person.key, "TERM": "xterm-256color"})
    client = ["claude", "--allowedTools", "Bash", "--permission-mode", "acceptEdits"]
    command = [sys.executable, *COMMAND[1:], "run", *TASK, "--", *client]
    screen = Screen(command, str(workspace), environ, (40, 120))
    try:
        screen.expect("shift+tab", 40)
        settle(screen)
        screen.type(f"Fix it. <play>{json.dumps(STEPS)}</play>")
        screen.expect("Fix it.")  # what was typed is drawn: Enter comes by itself then
        settle(screen)
        screen.type("\r")
        screen.expect("Finished", 30)
        settle(screen)
        screen.type("/exit")
        screen.expect("/exit")
        settle(screen)
        screen.type("\r")
        assert screen.exit_status() == 0
    except AssertionError:
        screen.kill()
        raise
    assert "Detected" not in screen.seen
    results = [block for body in person.heard()[began:] for block in body["messages"][-1]["content"]]
    assert "1000" in json.dumps(results)
