"""The command line: one module a verb.

`run` is dispatched before anything heavy is imported, because every agent start pays for it; the other verbs are a
typer application that talks to the daemon over the operator socket. Nothing here decides anything.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def main() -> int:
    """Entry point of the `yett` command; the exit status."""
    if len(sys.argv) > 1 and sys.argv[1] == "run" and sys.argv[2:3] not in (["--help"], ["-h"]):
        # a run's start makes no garbage, and looking for it would cost a millisecond; its loop turns this on again
        gc.disable()
        from yett.sandbox.launch import leave
        from yett.sandbox.launch import main as run

        leave(run(sys.argv[2:], _start))
    from yett.cli.app import run_app

    return run_app()


def _start(home: Path) -> None:
    """Start the daemon of a home; imported only when there is none, so that a warm start pays nothing."""
    from yett.cli.operator import start_daemon

    start_daemon(home)
