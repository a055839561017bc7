"""What the agent clients need to work inside: their own sandboxes off (they do not nest), their side traffic off.

Each rule was measured on the client named (see the notes on agent clients in the documentation). A switch is only set
if the person has not set it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from yett.sandbox import beneath


class Adapted(NamedTuple):
    """The command as it will be started, switches for its environment, and one notice for each thing changed."""

    command: tuple[str, ...]
    switches: dict[str, str]
    notices: tuple[str, ...] = ()


_SWITCHES = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "OPENCODE_DISABLE_MODELS_FETCH": "1",
    "OPENCODE_DISABLE_AUTOUPDATE": "1",
    "GEMINI_TELEMETRY_ENABLED": "false",
    "GEMINI_SANDBOX": "false",
    "COPILOT_AUTO_UPDATE": "false",
    "DO_NOT_TRACK": "1",
}

_CODEX_OFF = "codex's own sandbox is switched off for this run: it cannot nest in Yett's, which is stricter."


_CLAUDE_STATE = ".claude.json"
_CLAUDE_SHOWN = 20
"""Claude Code remembers the keys that a person has said yes or no to by their last characters."""
_CLAUDE_KEPT = 8
"""Runs of one project can go on at once, each with a key of its own."""


def adapt(command: tuple[str, ...]) -> Adapted:
    """Change what must change for the client that the command starts; any other command passes as it is."""
    if os.path.basename(command[0]) == "codex" and not _codex_has_mode(command):
        bare = (command[0], "-s", "danger-full-access", *command[1:])
        return Adapted(bare, _SWITCHES, (_CODEX_OFF,))
    return Adapted(command, _SWITCHES)


def prepare(
    command: tuple[str, ...], private: str, home: str, real: Mapping[str, str], given: Mapping[str, str]
) -> None:
    """Spare the person Claude Code's question whether to use a key that it has not seen, with No as its default.

    A placeholder is new in every run. Who has put the key into their environment has answered, unless it is one that
    they said no to outside. `real` is the person's environment, `given` the command's.
    """
    name = "ANTHROPIC_API_KEY"
    if os.path.basename(command[0]) != "claude" or not given.get(name) or given[name] == real.get(name):
        return
    theirs = _answers(_state(beneath.read(home, _CLAUDE_STATE)))
    held = beneath.read(private, _CLAUDE_STATE)
    # empty: a mask lies over it (home.prepare), and replacing a mount point would lift the mount
    if held == b"" or real.get(name, "")[-_CLAUDE_SHOWN:] in theirs.get("rejected", ()):
        return
    state = _state(held)
    answers = _answers(state)
    approved = [*answers.get("approved", ()), given[name][-_CLAUDE_SHOWN:]][-_CLAUDE_KEPT:]
    state["customApiKeyResponses"] = {**answers, "approved": approved}
    beneath.write(private, _CLAUDE_STATE, json.dumps(state, indent=2).encode())


def _state(content: bytes | None) -> dict[str, Any]:  # Any: the client's own, and inside the agent's
    try:
        state = json.loads(content or b"{}")
    except (ValueError, RecursionError):
        return {}
    return state if isinstance(state, dict) else {}


def _answers(state: dict[str, Any]) -> dict[str, list[str]]:
    answers = state.get("customApiKeyResponses")
    lists = answers.items() if isinstance(answers, dict) else ()
    return {key: held for key, held in lists if isinstance(held, list)}


def _codex_has_mode(command: tuple[str, ...]) -> bool:
    """Whether the person already chose a mode that works inside."""
    return "--dangerously-bypass-approvals-and-sandbox" in command or "danger-full-access" in command
