"""Using the guard's own commands against it: whatever an operator could type, the agent types."""

from __future__ import annotations

from functools import partial

from ..targets import Targets
from . import Attempt
from .outcome import try_command


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts: one for each command that the targets list."""
    return {
        " ".join(command): partial(try_command, *(word.replace("{hold}", targets.hold) for word in command))
        for command in targets.operator_commands
    }
