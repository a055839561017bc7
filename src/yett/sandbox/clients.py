"""What the agent clients need to work inside: their own sandboxes off (they do not nest), their side traffic off.

Each rule was measured on the client named (see the notes on agent clients in the documentation). A switch is only set
if the person has not set it.
"""

from __future__ import annotations

import os
from typing import NamedTuple


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


def adapt(command: tuple[str, ...]) -> Adapted:
    """Change what must change for the client that the command starts; any other command passes as it is."""
    if os.path.basename(command[0]) == "codex" and not _codex_has_mode(command):
        bare = (command[0], "-s", "danger-full-access", *command[1:])
        return Adapted(bare, _SWITCHES, (_CODEX_OFF,))
    return Adapted(command, _SWITCHES)


def _codex_has_mode(command: tuple[str, ...]) -> bool:
    """Whether the person already chose a mode that works inside."""
    return "--dangerously-bypass-approvals-and-sandbox" in command or "danger-full-access" in command
