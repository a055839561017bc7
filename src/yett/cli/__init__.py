"""The command line: one module a verb.

`run` and `scan` are dispatched before anything heavy is imported, because every agent's start and every commit pays for
it, and a scan of a folder may be over before typer is there; the other verbs are a typer application that talks to the
daemon over the operator socket. Nothing here decides anything.
"""

from __future__ import annotations

import contextlib
import gc
import os
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
    if sys.argv[1:2] == ["scan"] and not {"--staged", "--pushed"}.isdisjoint(sys.argv[2:]) and not _asks_for_help():
        from yett.cli.scan_staged import main as scan_staged

        return scan_staged(sys.argv[2:])
    if sys.argv[1:2] == ["scan"]:
        _scan(sys.argv[2:])
    from yett.cli.app import run_app

    return run_app()


def _scan(words: list[str]) -> None:
    """A scan whose command line is plain: it ends the process. Others are left to typer."""
    from yett.cli.scan_words import request

    wanted = request(words)
    if wanted is None:
        return
    from yett.cli.failures import status_of
    from yett.cli.scanning import scan

    status = status_of(lambda: scan(wanted))
    with contextlib.suppress(BrokenPipeError):  # whoever read it has seen enough
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(status)  # taking down all that a scan made costs as much as a hundred files


def _asks_for_help() -> bool:
    return not {"--help", "-h"}.isdisjoint(sys.argv)


def _start(home: Path) -> None:
    """Start the daemon of a home; imported only when there is none, so that a warm start pays nothing."""
    from yett.cli.operator import start_daemon

    start_daemon(home)
