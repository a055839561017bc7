"""How a report is to look, apart from what it says."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from yett.inventory.history import LeakRate

PIPE_WIDTH = 10_000
"""A pipe has no width: what is folded there is found by no grep."""


@dataclass(frozen=True, slots=True)
class Layout:
    """`root` is what paths are relative to (SARIF, markdown), `now` what ages are counted from (unix seconds).

    `remarks` are lines about the baseline (`Applied.remarks`); `compared` says that one was applied. `pages` gives the
    issuer's documentation page by the rule's id (`Credential.kind`), for formats that link to it. `rates` are shown
    where there are any.
    """

    root: Path = field(default_factory=Path.cwd)
    now: float = field(default_factory=time.time)
    width: int = PIPE_WIDTH
    colour: bool = False
    remarks: tuple[str, ...] = ()
    compared: bool = False
    pages: Mapping[str, str] = field(default_factory=dict)
    rates: tuple[LeakRate, ...] = ()


def terminal(stream: TextIO) -> tuple[int, bool]:
    """(width, colour) of where it will be printed. NO_COLOR, when set to anything, means none (no-color.org)."""
    if not stream.isatty():
        return PIPE_WIDTH, False
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        width = 80
    return width or 80, not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
