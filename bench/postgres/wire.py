"""Statements a second, latency, COPY and system calls: the gate with everything behind it against pgbouncer.

"wire alone" is the same wire before a desk in memory: what policy, catalog and ledger cost is the difference.
"""

from __future__ import annotations

import glob
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg
from bench.postgres.report import Report, line, median, ratio, seconds, table
from bench.postgres.servers import Peer

MODES = ("simple", "prepared")
CLIENTS = (1, 8)
"""A lease's role may have eight connections, which the server counts."""

COPIED = 600_000
OURS, COMPILED, THEIRS = "yett", "compiled", "pgbouncer"
TRACED = 16_000
TRIES = 20
APPROVED_S = 0.7
"""The bench's person looks every half a second."""


@dataclass(frozen=True)
class Load:
    """One run of pgbench -S: transactions a second, the proxy's processor time for each in us."""

    tps: float
    proxy_us: float


def pgbench(binaries: Path, peer: Peer, mode: str, clients: int, length: Sequence[str], *more: str) -> Load:
    before = sum(peer.process.cpu_times()[:2]) if peer.process else 0.0
    command = [str(binaries / "pgbench"), "-n", "-M", mode, "-S", "-c", str(clients), "-j", "1", *length, *more]
    done = subprocess.run(command, env=peer.environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"pgbench by {peer.name}: {done.stderr[-500:]}")
    used = sum(peer.process.cpu_times()[:2]) - before if peer.process else 0.0
    count = int(_found(r"actually processed: (\d+)", done.stdout))
    if not count:
        return Load(0.0, 0.0)  # a second was over before all had connected
    return Load(float(_found(r"tps = ([\d.]+)", done.stdout)), used / count * 1e6)


def throughput(report: Report, binaries: Path, peers: Sequence[Peer], rounds: int, lasting: int) -> None:
    names = [peer.name for peer in peers]
    proxies = [peer.name for peer in peers if peer.process]
    table("statements/s", ["clients", *names, "of pgbouncer", f"us of proxy ({' / '.join(proxies)})"])
    for mode in MODES:
        for clients in CLIENTS:
            seen: dict[str, list[Load]] = {name: [] for name in names}
            for number in range(rounds):  # there and back: whoever comes later finds another machine
                for peer in peers if number % 2 else reversed(peers):
                    seen[peer.name].append(pgbench(binaries, peer, mode, clients, ["-T", str(lasting)]))
            tps = {name: [load.tps for load in some] for name, some in seen.items()}
            cells = [f"{median(tps[name]):,.0f}" for name in names]
            cost = " / ".join(f"{median([load.proxy_us for load in seen[name]]):.0f}" for name in proxies)
            of = ratio(tps[OURS], tps[THEIRS]) if THEIRS in tps else 0.0
            line(mode, [str(clients), *cells, f"{of:.2f}", cost])
            if clients == 8 and of:
                report.target(f"statements/s, 8 clients, {mode}", f"{of:.2f}x pgbouncer", "0.70x", reached=of >= 0.7)
            if clients == 8 and of and COMPILED in tps:
                of = ratio(tps[COMPILED], tps[THEIRS])
                what = f"the same with the compiled parser, {mode}"
                report.target(what, f"{of:.2f}x pgbouncer", "0.80x", reached=of >= 0.8)


def latency(report: Report, binaries: Path, peers: Sequence[Peer], rounds: int, lasting: int) -> None:
    """One client: every transaction's own time, from pgbench's log. Its statements a second are one over the mean."""
    table("one client, us", [f"{peer.name}: p50 / mean / p99" for peer in peers])
    for mode in MODES:
        times: dict[str, list[tuple[float, float, float]]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                us = _times(binaries, peer, mode, lasting)
                times[peer.name].append((us[len(us) // 2], sum(us) / len(us), us[len(us) * 99 // 100]))
        cells = [
            " / ".join(f"{median(column):.0f}" for column in zip(*times[peer.name], strict=True)) for peer in peers
        ]
        line(mode, cells)
        for name in (OURS, COMPILED):
            if name in times:
                added = median([one[0] - direct[0] for one, direct in zip(times[name], times["direct"], strict=True)])
                what = f"added p50, 1 client, {mode}, {name}"
                report.target(what, f"{added:.0f} us", "40 us", reached=added <= 40)


def _times(binaries: Path, peer: Peer, mode: str, lasting: int) -> list[int]:
    with tempfile.TemporaryDirectory() as folder:
        pgbench(binaries, peer, mode, 1, ["-T", str(lasting)], "-l", f"--log-prefix={folder}/log")
        lines = "".join(Path(one).read_text() for one in glob.glob(f"{folder}/log.*"))
    return sorted(int(line.split()[2]) for line in lines.splitlines())


def copying(report: Report, peers: Sequence[Peer], rounds: int, folder: Path) -> None:
    """Out is a read. In, through the real desk, is guarded: measured, digested, its undo kept before COMMIT. All begin
    with the same table: what was rolled back before, as the try was that a person was asked about, leaves dead rows and
    entries of the index behind, and they cost whoever comes next."""
    rows, direct = folder / "rows", peers[0]
    rows.write_text("".join(f"{n}\t{n % 100}\t{'x' * 84}\n" for n in range(COPIED)))
    copy = f"\\copy copied_in from '{rows}'"

    def emptied() -> None:
        directly(direct, "truncate copied_in")

    def left() -> None:
        emptied()
        _psql(direct, copy, lambda: None, rolled_back=True)

    table(f"COPY of {COPIED:,} rows, ms", [*(peer.name for peer in peers), "of pgbouncer", "wire alone of pgbouncer"])
    for what, sql, ready in (
        ("out", "copy copied to stdout", lambda: None),
        ("in", copy, emptied),
        ("in, behind one that was rolled back", copy, left),
    ):
        took: dict[str, list[float]] = {peer.name: [] for peer in peers}
        for _ in range(rounds):
            for peer in peers:
                took[peer.name].append(_psql(peer, sql, ready) * 1000)
        cells = [f"{median(took[peer.name]):.0f}" for peer in peers]
        of = {name: ratio(took[name], took[THEIRS]) if THEIRS in took else 0.0 for name in took}
        line(what, [*cells, f"{of[OURS]:.2f}", f"{of.get('wire alone', 0):.2f}"])
        report.target(f"COPY {what}", f"{of[OURS]:.2f}x pgbouncer", "1.2x", reached=0 < of[OURS] <= 1.2)
    emptied()


def _psql(peer: Peer, sql: str, ready: Callable[[], None], *, rolled_back: bool = False) -> float:
    """Seconds that it took. More rows than a task's budget are held first: then it is the one that was approved."""
    texts = ["begin", sql, "rollback"] if rolled_back else [sql]
    command = ["psql", "-Xqv", "ON_ERROR_STOP=1", *(word for text in texts for word in ("-c", text))]
    for _ in range(TRIES):
        ready()
        with open(os.devnull, "w") as nowhere:
            began = time.perf_counter()
            done = subprocess.run(command, env=peer.environment, stdout=nowhere, stderr=subprocess.PIPE, text=True)
            took = time.perf_counter() - began
        if not done.returncode:
            return took
        if "(hold " not in done.stderr:
            break
        time.sleep(APPROVED_S)
    raise SystemExit(f"psql by {peer.name}: {done.stderr[-500:]}")


def directly(peer: Peer, sql: str) -> None:
    with psycopg.connect(peer.url, autocommit=True) as connection:
        connection.execute(sql.encode())


def calls(report: Report, binaries: Path, peers: Sequence[Peer]) -> None:
    """System calls of the proxy a transaction: a count that noise hardly moves."""
    table("system calls a transaction", ["one client", "eight"])
    for peer in peers:
        if peer.process is None:
            continue
        counts = {clients: _traced(binaries, peer, clients) for clients in (1, 8)}
        line(peer.name, [f"{count:.2f}" for count in counts.values()])
        if peer.name == OURS:
            report.target("system calls a transaction, 8", f"{counts[8]:.2f}", "5.5", reached=0 < counts[8] <= 5.5)


def _traced(binaries: Path, peer: Peer, clients: int) -> float:
    """By perf, which slows nothing down. 0: not allowed here (strace would, and what happens by the clock would be
    spread over a tenth of the transactions)."""
    assert peer.process is not None
    if shutil.which("perf") is None:
        return 0.0
    with tempfile.NamedTemporaryFile("r") as out:
        command = ["perf", "stat", "-x", ",", "-o", out.name, "-e", "raw_syscalls:sys_enter"]
        tracer = subprocess.Popen([*command, "-p", str(peer.process.pid)], stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.3)
            pgbench(binaries, peer, "simple", clients, ["-t", str(TRACED // clients)])
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait(10)
        counted = re.search(r"^(\d+),", out.read(), re.MULTILINE)
    return int(counted[1]) / TRACED if counted else 0.0


def guarded(peers: Sequence[Peer], rounds: int) -> None:
    """One UPDATE of one row: "wire alone" is its transaction without anything measured, decided or kept."""
    table("one UPDATE, us (p50)", [peer.name for peer in peers])
    for what in MODES:
        line(what, [f"{median(_updates(peer, 10 * rounds, bound=what != 'simple')):.0f}" for peer in peers])


def _updates(peer: Peer, count: int, *, bound: bool) -> list[float]:
    took, values = [], {True: "%s", False: "1"}
    sql = f"update pgbench_accounts set abalance = {values[bound]} where aid = 1".encode()
    with psycopg.connect(peer.url, autocommit=True) as connection:
        for n in range(count):
            parameters = (n,) if bound else None
            took.append(seconds(lambda given=parameters: connection.execute(sql, given)) * 1e6)  # type: ignore[misc]
    return took


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match is not None, text
    return match[1]
