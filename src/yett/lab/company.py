"""A company's PostgreSQL in a process of its own: as an ordinary user, and never longer than its starter.

`python -m yett.lab company --dir DIR` prints one line of JSON, {"url": ...}, and serves until SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from yett.lab import postgres, process
from yett.lab.saas import SCHEMA

STOP_SECONDS = 20


def serve(folder: Path, parent: int) -> None:
    """Raises LabFailed, PostgresFailed."""
    account = process.choose_user(None)
    folder.mkdir(parents=True, exist_ok=True)
    process.open_to(account, folder)
    data = process.own_folder(account, folder / "server")
    binaries = postgres.reachable_binaries(postgres.find_binaries(), account.pw_uid, folder / "postgresql")
    process.become(account)
    login = postgres.Login("company", secrets.token_urlsafe(18), "saas")
    cluster = postgres.Cluster(binaries, data / "pgdata", login)
    cluster.create()
    cluster.start()
    try:
        cluster.run_sql(SCHEMA)
        print(json.dumps({"url": cluster.url}), flush=True)
        asyncio.run(_until_told(parent))
    finally:
        cluster.stop()


@contextmanager
def started_company(folder: Path) -> Iterator[str]:
    """Start one, filled; gives its superuser's connection string, and ends it."""
    command = [sys.executable, "-m", "yett.lab", "company", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        line = running.stdout.readline()
        if not line:
            raise process.LabFailed(f"the company's database did not start: {running.stderr.read()[-600:]}")
        try:
            yield str(json.loads(line)["url"])
        finally:
            running.terminate()
            try:
                running.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                running.kill()


async def _until_told(parent: int) -> None:
    ended, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    process.watch_parent(loop, parent, ended.set)
    await ended.wait()
