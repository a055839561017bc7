"""A scratch PostgreSQL of Yett's own, to restore an undo beside the real one and compare."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from yett.model.errors import YettError
from yett.providers.postgres.binaries import binaries

START_DEADLINE_S = 60.0


@contextlib.contextmanager
def scratch_server() -> Iterator[dict[str, str]]:
    """Start an empty server that listens on a unix socket only; yields libpq parameters, removes everything after."""
    folder = Path(tempfile.mkdtemp(prefix="yett-undo-"))
    identity = _unprivileged(folder)
    log = (folder / "log").open("wb")
    try:
        data = folder / "data"
        initdb = [
            str(binaries() / "initdb"),
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "--no-sync",
            "-E",
            "UTF8",
            "--no-locale",
        ]
        made = subprocess.run(initdb, cwd=folder, stdout=log, stderr=log, check=False, **identity)
        if made.returncode:
            raise YettError("a scratch PostgreSQL could not be made to verify the undo", _tail(folder / "log"))
        flags = ["-c", "fsync=off", "-c", "listen_addresses=", "-c", "autovacuum=off", "-c", "shared_buffers=64MB"]
        command = [str(binaries() / "postgres"), "-D", str(data), "-k", str(folder), *flags]
        server: subprocess.Popen[bytes] = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, **identity)
        try:
            yield _restorer(_wait(server, folder))
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()
            server.wait()
    finally:
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _unprivileged(folder: Path) -> dict[str, Any]:  # Any: keyword arguments of subprocess
    """PostgreSQL refuses to run as root; give the folder to `nobody` there."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _wait(server: subprocess.Popen[bytes], folder: Path) -> dict[str, str]:
    parameters = {"host": str(folder), "user": "postgres", "dbname": "postgres"}
    end = time.monotonic() + START_DEADLINE_S
    while time.monotonic() < end:
        with contextlib.suppress(psycopg.OperationalError):
            psycopg.connect(**parameters, connect_timeout=2).close()  # type: ignore[arg-type]  # libpq takes strings
            return parameters
        if server.poll() is not None:
            break
        time.sleep(0.05)
    raise YettError("the scratch PostgreSQL that verifies the undo did not start", _tail(folder / "log"))


def _restorer(superuser: dict[str, str]) -> dict[str, str]:
    """A role without superuser's rights: a dump may carry functions that its own indexes call while it is restored."""
    with psycopg.connect(**superuser, autocommit=True) as connection:  # type: ignore[arg-type]  # libpq takes strings
        connection.execute("CREATE ROLE restorer LOGIN")
        connection.execute("CREATE DATABASE restored OWNER restorer")
    with psycopg.connect(**superuser | {"dbname": "restored"}, autocommit=True) as connection:  # type: ignore[arg-type]
        connection.execute("ALTER SCHEMA public OWNER TO restorer")
    return superuser | {"user": "restorer", "dbname": "restored"}


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-400:] if log.exists() else ""
