"""`yett up`: build the plane, serve the sockets and the page, until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import uvloop

from yett.console.app import make_app
from yett.console.plane import StorePlane
from yett.console.serve import listen, serving
from yett.daemon import logs
from yett.daemon.channel import MAX_LINE
from yett.daemon.housework import housework
from yett.daemon.leftovers import clear
from yett.daemon.lines import LineServer
from yett.daemon.operator import Operator
from yett.daemon.plane import Plane, build
from yett.daemon.runs import end_run
from yett.daemon.settings import Settings, load_settings
from yett.daemon.verbs import HELD, PROGRESS, VERBS
from yett.model.errors import ConfigurationError, YettError

TIDY_EVERY_S = 0.5
"""Half of the second within which the end of a task closes what it opened (law 10)."""

_DESCRIPTORS = 1 << 16
YOUNG, MIDDLE, OLD = 2_000, 20, 50
"""Objects and rounds after which garbage is looked for: with Python's 700 and 10, reading a catalog and deciding a
COPY of a second spent a fifth of a second going through what a daemon keeps anyway."""

_log = logging.getLogger("yett.daemon")


def serve(home: Path, port: int | None, *, quiet: bool = False) -> None:
    """Run the control plane of `home` in this process until SIGTERM or SIGINT.

    Raises:
        YettError: it cannot start; the message says why and what to do.
    """
    os.umask(0o077)
    logs.configure()
    _take_descriptors()
    keep_more()
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _only_one(home):
            uvloop.run(_serve(load_settings(home, port), quiet))
    except OSError as error:
        _log.debug("the daemon stopped", exc_info=True)
        place = error.filename or home
        raise ConfigurationError(
            f"{place} cannot be used: {error.strerror}", "check the disk and who owns it"
        ) from None


def keep_more() -> None:
    """Look for garbage less often: most of what is made here ends without being looked for."""
    gc.set_threshold(YOUNG, MIDDLE, OLD)


def _take_descriptors() -> None:
    """As many as this user may have: a shell's usual 1024 are gone after one session that looks up many names."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


@contextlib.contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One daemon a home, by a lock that its end releases."""
    with (home / "daemon.pid").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise ConfigurationError(f"a daemon serves {home} already", "yett status shows it") from None
        _write_pid(file)
        yield


def _write_pid(file: TextIO) -> None:
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()


async def _serve(settings: Settings, quiet: bool) -> None:
    sockets = listen(settings.port)
    plane = await build(settings, sockets[0].getsockname()[1])
    stop = plane.stop
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(logs.report)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    pages = make_app(StorePlane(plane.desk, plane.journal, plane.lockdown.lock))
    try:
        await clear(plane)  # before anyone can open a run
        async with serving(pages, sockets):
            serve_operator = Operator(plane, VERBS, PROGRESS, HELD).serve
            operator = LineServer(settings.operator_socket, serve_operator, longest=MAX_LINE)
            tidying = asyncio.create_task(_tidy(plane))
            chores = [asyncio.create_task(chore) for chore in housework(plane)]
            await _greet(plane, quiet)
            await stop.wait()
            for task in (tidying, *chores):
                task.cancel()
            operator.close()
            for run in list(plane.runs.values()):
                await end_run(run, "the daemon stopped")
    finally:
        await plane.close()


async def _tidy(plane: Plane) -> None:
    """Expire what is due and end tasks whose time is up."""
    while True:
        await asyncio.sleep(TIDY_EVERY_S)
        now = plane.desk.clock() / 1e9
        for run in [run for run in plane.runs.values() if run.session.task.expires <= now]:
            await end_run(run, "its task's time was up")
        try:
            await plane.desk.expire()
        except YettError as error:  # the store may come back; tasks end on time meanwhile
            _log.error("what was due could not be marked: %s", error.what)


async def _greet(plane: Plane, quiet: bool) -> None:
    """Where things are; on a terminal of its own also the code for the first key."""
    if quiet:
        return
    lines = [f"yett is up: {plane.page()}", f"  state in {plane.settings.home}"]
    if os.environ.get("SSH_CONNECTION"):
        port = plane.desk.site.port
        lines.append(f"  from your own machine: ssh -L {port}:localhost:{port} {os.uname().nodename}")
    code = await plane.desk.first_code()
    if code is not None:
        lines.append(f"  enrol your first key at {plane.page('/enrol')}")
        lines.append(f"  with the code {code} (15 minutes, one use)")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()
