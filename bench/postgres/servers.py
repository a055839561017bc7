"""The servers of one run: PostgreSQL, pgbouncer, the gate. All are gone when it ends."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from bench.postgres.gate import PLACEHOLDER

DATABASE = "bench"
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Peer:
    """One way to the server. `process`: whose processor time is counted."""

    name: str
    port: int
    process: psutil.Process | None

    @property
    def url(self) -> str:
        return f"postgresql://postgres:{PLACEHOLDER}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def environment(self) -> Mapping[str, str]:
        own = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": "postgres", "PGPASSWORD": PLACEHOLDER}
        return {**os.environ, **own, "PGDATABASE": DATABASE}


def installed() -> Path:
    """The programs of the system's newest PostgreSQL; pgbench is among them."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))
    if not found:
        raise SystemExit("the system's PostgreSQL is missing: apt-get install postgresql")
    return Path(found[-1])


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.05)


def nobody() -> dict[str, object]:
    """Neither PostgreSQL nor pgbouncer runs as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def server(folder: Path, binaries: Path) -> Iterator[Peer]:
    data, port, identity = folder / "data", free_port(), nobody()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **identity}
    made = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    subprocess.run(made, check=True, **quiet)
    options = ("shared_buffers=512MB", "max_wal_size=4GB", "max_connections=100", "autovacuum=off")
    running = [binaries / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen([*running, *(word for one in options for word in ("-c", one))], **quiet)
    try:
        wait_for(port, process)
        peer = Peer("direct", port, None)
        for _ in range(200):
            try:
                with psycopg.connect(peer.url.replace(f"/{DATABASE}", "/postgres"), autocommit=True) as c:
                    c.execute(f"create database {DATABASE}")  # type: ignore[arg-type]  # a constant
                break
            except psycopg.OperationalError:
                time.sleep(0.05)
        yield peer
    finally:
        _end(process)


@contextmanager
def pgbouncer(folder: Path, upstream: Peer) -> Iterator[Peer]:
    port = free_port()
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={upstream.port}\n[pgbouncer]\nlisten_addr=127.0.0.1\n"
        f"listen_port={port}\nauth_type=trust\nauth_file={folder}/users\npool_mode=session\nmax_client_conn=200\n"
        "default_pool_size=100\nunix_socket_dir=\nignore_startup_parameters=extra_float_digits\nlog_connections=0\n"
        "log_disconnections=0\n"
    )
    command = [str(shutil.which("pgbouncer")), "-q", str(folder / "pgbouncer.ini")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **nobody())
    try:
        wait_for(port, process)
        yield Peer("pgbouncer", port, psutil.Process(process.pid))
    finally:
        _end(process)


@contextmanager
def gate(folder: Path, upstream: Peer, *, bare: bool = False, compiled: Path | None = None) -> Iterator[Peer]:
    """The real one; `bare`: its wire alone; `compiled`: where its package with the compiled parser is."""
    name = "wire alone" if bare else "compiled" if compiled else "yett"
    port, home = free_port(), folder / f"home of {name}"
    url = f"postgresql://postgres@127.0.0.1:{upstream.port}/{DATABASE}"
    command = [sys.executable, "-m", "bench.postgres.gate", str(home), str(port), url, *(["--bare"] if bare else [])]
    environ = {**os.environ, "PYTHONPATH": f"{compiled}{os.pathsep}{ROOT}"} if compiled else None
    process = subprocess.Popen(command, cwd=ROOT, env=environ)
    try:
        wait_for(port, process)
        yield Peer(name, port, psutil.Process(process.pid))
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
