"""The PostgreSQL wire against pgbouncer (session mode) and no proxy at all: statements a second, latency, COPY.

python -m bench.postgres [--seconds 2] [--rounds 5] [--only tps|latency|copy|calls|guarded]     see bench/RESULTS.md

Reads pass by the wire's hot path; its desk here is a table in memory (what the real one costs, policy and ledger, is
another bench's). Rounds are interleaved, medians are told, ratios count. Needs the system's PostgreSQL; without
pgbouncer the rows of pgbouncer are missing, and it says so.
"""

from __future__ import annotations

import argparse
import asyncio
import glob
import hashlib
import os
import pwd
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import uvloop

from yett.broker.plain import Plain, RowScan
from yett.gateway.postgres.desk import Bound, Desk, Look, Masking, Told, Upstream
from yett.gateway.postgres.front import Front
from yett.model.effects import Effect, Recovery
from yett.model.secret import Secret
from yett.operations.sql.statement import Control, Statement, Way
from yett.providers.postgres.guard.executing import Executing

_NUMBER = re.compile(rb"(?<![\w.])\d+(?![\w.])")
PLACEHOLDER = "yett_ph_bench"
SCALE = 10
COPIED = 600_000
KNOWN = 30
"""Secrets that the wire looks for."""

MODES = ("simple", "prepared")
CLIENTS = (1, 8, 32)


@dataclass(frozen=True)
class Peer:
    """One way to the server. `process`: whose processor time is counted."""

    name: str
    port: int
    process: psutil.Process | None


# -- what runs


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def nobody() -> dict[str, object]:
    """Neither PostgreSQL nor pgbouncer runs as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@contextmanager
def server(folder: Path, binaries: Path) -> Iterator[int]:
    data, port, identity = folder / "data", free_port(), nobody()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder, **identity}
    made = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync"]
    subprocess.run(made, check=True, **quiet)
    options = ("fsync=off", "shared_buffers=256MB", "max_connections=100", "autovacuum=off")
    running = [binaries / "postgres", "-D", data, "-k", folder, "-h", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen([*running, *(word for one in options for word in ("-c", one))], **quiet)
    try:
        for _ in range(200):
            try:
                psycopg.connect(f"postgresql://postgres@127.0.0.1:{port}/postgres").close()
                break
            except psycopg.OperationalError:
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def pgbouncer(folder: Path, upstream: int) -> Iterator[Peer]:
    port = free_port()
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={upstream}\n[pgbouncer]\nlisten_addr=127.0.0.1\nlisten_port={port}\n"
        f"auth_type=trust\nauth_file={folder}/users\npool_mode=session\nmax_client_conn=200\ndefault_pool_size=100\n"
        "unix_socket_dir=\nignore_startup_parameters=extra_float_digits\nlog_connections=0\nlog_disconnections=0\n"
    )
    command = [str(shutil.which("pgbouncer")), "-q", str(folder / "pgbouncer.ini")]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, **nobody())
    try:
        wait_for(port)
        yield Peer("pgbouncer", port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


@contextmanager
def gate(upstream: int) -> Iterator[Peer]:
    port = free_port()
    command = [sys.executable, "-m", "bench.postgres", "--serve", str(port), str(upstream)]
    process = subprocess.Popen(command, cwd=Path(__file__).parent.parent)
    try:
        wait_for(port)
        yield Peer("yett", port, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait()


# -- the gate's side


class Rows:
    """What the real desk does with the rows of a COPY."""

    def __init__(self, plain: Plain) -> None:
        self._watched = RowScan(lambda: plain)
        self._digest = hashlib.sha256()

    def feed(self, rows: bytes) -> None:
        self._watched.feed(rows)
        self._digest.update(rows)

    def end(self) -> None:
        self._digest.digest()


class Table:
    """A desk that knows reads by their first word, and writes each down in a ring, as the checkpoint's log does."""

    def __init__(self) -> None:
        self._plain = Plain({str(n): Secret(secrets.token_urlsafe(30).encode()) for n in range(KNOWN)})
        self._reads: set[bytes] = set()
        self._log: deque[bytes] = deque(maxlen=4096)
        self._shapes: dict[bytes, Statement] = {}

    def passes_now(self, sql: bytes) -> bool:
        if sql in self._reads:
            self._log.append(sql)
            return True
        return False

    def alike_now(self, sql: bytes) -> bool:
        return False

    def read_now(self, sql: bytes) -> Look | None:
        if not sql.startswith(b"SELECT"):
            return None
        shape = _NUMBER.sub(b"", sql)
        one = self._shapes.get(shape)
        if one is None:
            one = Statement(shape.decode(), "SELECT", Way.PASS, Effect.READ, Recovery.AUTOMATIC)
            self._shapes[shape] = one
        self._log.append(sql)
        return Look(sql, (one,), Way.PASS)

    def clean(self, message: bytes) -> bool:
        return self._plain.find_one(message) is None

    def watch(self, message: bytes) -> None: ...

    async def look(self, sql: bytes, prepared: Mapping[str, Statement]) -> Look:
        text = sql.decode()
        word = text.split()[0].lower().rstrip(";") if text.strip() else ""
        control = {"begin": Control.BEGIN, "commit": Control.COMMIT, "end": Control.COMMIT}.get(word, Control.NONE)
        way = Way.GUARD if word in ("insert", "update", "delete") else Way.PASS
        copies = "in" if word == "copy" and "from" in text.lower().split() else ""
        if copies:
            way = Way.GUARD
        one = Statement(text, word, way, Effect.READ, Recovery.AUTOMATIC, control=control, copies=copies)
        return Look(sql, (one,), way)

    async def read(self, look: Look) -> None:
        if len(self._reads) > 50_000:
            self._reads.clear()
        self._reads.add(look.sql)

    def transaction(self, agent: Executing) -> Table:
        return self

    async def begin(self) -> None: ...
    async def admit(self, look: Look, bound: Bound) -> None: ...
    def copying(self, statement: Statement) -> Rows:
        return Rows(self._plain)

    async def ran(self) -> None: ...
    async def settle(self) -> None: ...
    async def committed(self) -> None: ...
    async def lost(self) -> None: ...
    async def rolled_back(self) -> None: ...
    async def alone(self, look: Look) -> Table:
        return self

    async def done(self, *, ok: bool) -> None: ...
    def masking(self) -> Masking | None:
        return None

    def defined(self) -> None: ...
    def refused(self, told: Told, what: str) -> None: ...


@dataclass
class Door:
    upstream: Upstream

    def placeholder_verifier(self, user: str, database: str) -> bytes | None:
        return PLACEHOLDER.encode()

    async def open(self, user: str, database: str) -> tuple[Upstream, Desk]:
        return self.upstream, Table()

    def closed(self) -> None: ...


async def serve(port: int, upstream: int) -> None:
    front = Front()
    listener = socket.create_server(("127.0.0.1", port), backlog=128)
    front.listen("bench", listener, Door(Upstream(("127.0.0.1", upstream), "", "disable", "postgres", "bench", "")))
    await asyncio.Event().wait()


# -- what is measured


def pgbench(
    binaries: Path, peer: Peer, mode: str, clients: int, seconds: float, *more: str
) -> tuple[float, float, float]:
    """Transactions a second, milliseconds each, and the proxy's processor time a transaction in microseconds."""
    before = sum(peer.process.cpu_times()[:2]) if peer.process else 0.0
    command = [str(binaries / "pgbench"), "-n", "-M", mode, "-S", "-c", str(clients), "-j", "1", *more]
    if seconds:
        command += ["-T", f"{max(1, round(seconds))}"]
    done = subprocess.run([*command, "bench"], env=environment(peer), capture_output=True, text=True, check=True)
    used = sum(peer.process.cpu_times()[:2]) - before if peer.process else 0.0
    count = int(found(r"actually processed: (\d+)", done.stdout))
    return (
        float(found(r"tps = ([\d.]+)", done.stdout)),
        float(found(r"latency average = ([\d.]+)", done.stdout)),
        used / count * 1e6,
    )


def found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]


def environment(peer: Peer) -> dict[str, str]:
    own = {"PGHOST": "127.0.0.1", "PGPORT": str(peer.port), "PGUSER": "postgres", "PGPASSWORD": PLACEHOLDER}
    return {**os.environ, **own, "PGDATABASE": "bench"}


def throughput(binaries: Path, peers: list[Peer], rounds: int, seconds: float) -> None:
    print("\n| statements/s | clients | " + " | ".join(peer.name for peer in peers) + " | of pgbouncer | us of proxy |")
    print("|---|---|" + "---|" * (len(peers) + 2))
    for mode in MODES:
        for clients in CLIENTS:
            seen: dict[str, list[tuple[float, float, float]]] = {peer.name: [] for peer in peers}
            for _ in range(rounds):
                for peer in peers:
                    seen[peer.name].append(pgbench(binaries, peer, mode, clients, seconds))
            tps = {name: statistics.median(one[0] for one in some) for name, some in seen.items()}
            used = {name: statistics.median(one[2] for one in some) for name, some in seen.items()}
            pairs = zip(seen.get("yett", []), seen.get("pgbouncer", []), strict=False)
            ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
            cells = [f"{tps[peer.name]:.0f}" for peer in peers]
            ratio = f"{statistics.median(ratios):.2f}" if ratios else "-"
            proxies = " / ".join(f"{used[peer.name]:.0f}" for peer in peers if peer.process)
            print(f"| {mode} | {clients} | " + " | ".join(cells) + f" | {ratio} | {proxies} |", flush=True)


def latency(binaries: Path, peers: list[Peer], rounds: int, seconds: float) -> None:
    """One client: every transaction's own time, from pgbench's log."""
    print("\n| one client, us | " + " | ".join(f"{peer.name} p50 / p99" for peer in peers) + " |")
    print("|---|" + "---|" * len(peers))
    for mode in MODES:
        times: dict[str, list[tuple[float, float]]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                with tempfile.TemporaryDirectory() as folder:
                    pgbench(binaries, peer, mode, 1, seconds, "-l", f"--log-prefix={folder}/log")
                    lines = "".join(Path(one).read_text() for one in glob.glob(f"{folder}/log.*"))
                us = sorted(int(line.split()[2]) for line in lines.splitlines())
                times[peer.name].append((us[len(us) // 2], us[len(us) * 99 // 100]))
        cells = [
            f"{statistics.median(one[0] for one in times[peer.name]):.0f} /"
            f" {statistics.median(one[1] for one in times[peer.name]):.0f}"
            for peer in peers
        ]
        print(f"| {mode} | " + " | ".join(cells) + " |", flush=True)


def copying(peers: list[Peer], rounds: int, folder: Path) -> None:
    rows = folder / "rows"
    rows.write_text("".join(f"{n}\t{n % 100}\t{'x' * 84}\n" for n in range(COPIED)))
    print(f"\n| COPY of {COPIED} rows, ms | " + " | ".join(peer.name for peer in peers) + " | of pgbouncer |")
    print("|---|" + "---|" * (len(peers) + 1))
    for what, sql in (("out", "copy copied to stdout"), ("in", f"\\copy copied from '{rows}'")):
        took: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                if what == "in":
                    with psycopg.connect(
                        f"postgresql://postgres@127.0.0.1:{peers[0].port}/bench", autocommit=True
                    ) as c:
                        c.execute("truncate copied")
                began = time.perf_counter()
                with open(os.devnull, "w") as nowhere:
                    subprocess.run(["psql", "-Xqc", sql], env=environment(peer), stdout=nowhere, check=True)
                took[peer.name].append((time.perf_counter() - began) * 1000)
        medians = {name: statistics.median(some) for name, some in took.items()}
        ratio = f"{medians['yett'] / medians['pgbouncer']:.2f}" if "pgbouncer" in medians else "-"
        print(f"| {what} | " + " | ".join(f"{medians[peer.name]:.0f}" for peer in peers) + f" | {ratio} |", flush=True)


def calls(binaries: Path, peers: list[Peer]) -> None:
    """System calls of the proxy a transaction, by strace: a count that noise does not move."""
    if shutil.which("strace") is None:
        print("\nsystem calls: strace is missing")
        return
    print("\n| system calls a transaction | one client | eight |")
    print("|---|---|---|")
    for peer in peers:
        if peer.process is None:
            continue
        cells = []
        for clients in (1, 8):
            with tempfile.NamedTemporaryFile("r") as out:
                tracer = subprocess.Popen(
                    ["strace", "-c", "-f", "-o", out.name, "-p", str(peer.process.pid)], stderr=subprocess.DEVNULL
                )
                time.sleep(0.5)
                pgbench(binaries, peer, "simple", clients, 0, "-t", str(8000 // clients))
                tracer.send_signal(2)
                tracer.wait()
                total = out.read()
            rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)(?:\s+\d+)?\s+(\w+)$", total, re.MULTILINE)
            counted = sum(int(count) for count, name in rows if name != "total")
            cells.append(f"{counted / 8000:.2f}")
        print(f"| {peer.name} | " + " | ".join(cells) + " |", flush=True)


def guarded(peers: list[Peer], rounds: int) -> None:
    """What the wire's own transaction costs around one UPDATE, before anything is measured, decided or kept."""
    print("\n| one UPDATE, us (p50) | " + " | ".join(peer.name for peer in peers) + " |")
    print("|---|" + "---|" * len(peers))
    for what, prepare in (("simple", False), ("extended", True)):
        cells = []
        for peer in peers:
            url = f"postgresql://postgres:{PLACEHOLDER}@127.0.0.1:{peer.port}/bench"
            with psycopg.connect(url, autocommit=True) as c:
                took = []
                for n in range(200 * rounds):
                    began = time.perf_counter()
                    if prepare:
                        c.execute("update pgbench_accounts set abalance = %s where aid = 1", (n,))
                    else:
                        c.execute("update pgbench_accounts set abalance = 1 where aid = 1")
                    took.append((time.perf_counter() - began) * 1e6)
            cells.append(f"{statistics.median(took):.0f}")
        print(f"| {what} | " + " | ".join(cells) + " |", flush=True)


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=2)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", default="")
    options.add_argument("--serve", nargs=2, type=int)
    chosen = options.parse_args()
    if chosen.serve:
        uvloop.run(serve(*chosen.serve))
        return 0
    system = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not system:
        print("the system's PostgreSQL is missing")
        return 1
    binaries = Path(system[-1])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yett-bench-")))
        folder.chmod(0o777)
        upstream = stack.enter_context(server(folder, binaries))
        direct = Peer("direct", upstream, None)
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{upstream}/postgres", autocommit=True) as c:
            c.execute("create database bench")
        subprocess.run(
            [binaries / "pgbench", "-qi", "-s", str(SCALE)], env=environment(direct), check=True, capture_output=True
        )
        with psycopg.connect(f"postgresql://postgres@127.0.0.1:{upstream}/bench", autocommit=True) as c:
            c.execute("create table copied (id int, n int, filler text)")
            c.execute(f"insert into copied select n, n % 100, repeat('x', 84) from generate_series(1, {COPIED}) n")
        peers = [direct]
        if shutil.which("pgbouncer"):
            peers.append(stack.enter_context(pgbouncer(folder, upstream)))
        else:
            print("pgbouncer is missing: apt-get install pgbouncer")
        peers.append(stack.enter_context(gate(upstream)))
        if chosen.only in ("", "tps"):
            throughput(binaries, peers, chosen.rounds, chosen.seconds)
        if chosen.only in ("", "latency"):
            latency(binaries, peers, chosen.rounds, chosen.seconds)
        if chosen.only in ("", "copy"):
            copying(peers, chosen.rounds, folder)
        if chosen.only in ("", "calls"):
            calls(binaries, peers)
        if chosen.only in ("", "guarded"):
            guarded(peers, chosen.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
