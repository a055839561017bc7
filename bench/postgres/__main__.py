"""The PostgreSQL gateway against pgbouncer (session mode), the server itself, sqlglot and a plain disk.

python -m bench.postgres [--seconds 1] [--rounds 5] [--only tps,latency,copy,calls,guarded,undo,deciding,keep,ceph]
[--smoke]     see bench/RESULTS.md

The gate is the daemon's: its policy, ledger, catalog, lease role and keep, with everything on disk (gate.py). Rounds
are interleaved, medians are told, ratios count. What is not installed is named and left out.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from bench.postgres import deciding, keeping, undo, wire
from bench.postgres.report import Report
from bench.postgres.servers import Peer, gate, installed, pgbouncer, server
from tools.compiled import NotCompiled, unpacked, wheel

WIRE = ("tps", "latency", "copy", "calls", "guarded")
PARTS = (*WIRE, "undo", "deciding", "keep", "ceph")
SCALE = 10


def main() -> int:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=int, default=1)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--only", default=",".join(PARTS))
    options.add_argument("--smoke", action="store_true", help="one round of each: whether it runs, not how fast")
    chosen = options.parse_args()
    parts, rounds, lasting = chosen.only.split(","), chosen.rounds, chosen.seconds
    if unknown := set(parts) - set(PARTS):
        options.error(f"no part is called {', '.join(unknown)}: {', '.join(PARTS)}")
    if chosen.smoke:
        rounds = lasting = 1
    report = Report()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="yett-bench-")))
        folder.chmod(0o777)
        if set(parts) & {*WIRE, "undo", "deciding"}:
            _with_server(report, stack, folder, parts, rounds, lasting)
        if "keep" in parts:
            keeping.folder(report, folder, rounds)
        if "ceph" in parts:
            keeping.object_lock(report, rounds)
    report.print()
    return 0


def _with_server(report: Report, stack: ExitStack, folder: Path, parts: list[str], rounds: int, lasting: int) -> None:
    binaries = installed()
    direct = stack.enter_context(server(folder, binaries))
    if "deciding" in parts:
        deciding.deciding(report, direct, folder, rounds)
    if not set(parts) & {*WIRE, "undo"}:
        return
    _fill(binaries, direct)
    undo.make(direct)
    peers = [direct]
    if shutil.which("pgbouncer"):
        peers.append(stack.enter_context(pgbouncer(folder, direct)))
    else:
        print("pgbouncer is missing: apt-get install pgbouncer")
    ours = stack.enter_context(gate(folder, direct))
    peers += [stack.enter_context(gate(folder, direct, bare=True)), ours]
    if set(parts) & {"tps", "latency"} and (compiled := _compiled(folder)):
        peers.append(stack.enter_context(gate(folder, direct, compiled=compiled)))
    for peer in peers:  # the first statement reads the whole catalog
        wire.pgbench(binaries, peer, "simple", 1, ["-t", "100"])
    if "tps" in parts:
        wire.throughput(report, binaries, peers, rounds, lasting)
    if "latency" in parts:
        wire.latency(report, binaries, peers, rounds, lasting)
    if "calls" in parts:
        wire.calls(report, binaries, peers)
    if "guarded" in parts:
        wire.guarded(peers, rounds)
    if "copy" in parts:
        wire.copying(report, peers, rounds, folder)
    if "undo" in parts:
        undo.undo(report, direct, ours, rounds)


def _compiled(folder: Path) -> Path | None:
    """The package with the compiled parser, made now from these very sources."""
    try:
        return unpacked(wheel(folder), folder / "compiled")
    except NotCompiled as error:
        print(f"no compiled parser, so no column of it: {str(error).splitlines()[-1]}")
        return None


def _fill(binaries: Path, direct: Peer) -> None:
    made = [binaries / "pgbench", "-qi", "-s", str(SCALE)]
    subprocess.run(made, env=direct.environment, check=True, capture_output=True)
    shape = "(id int primary key, n int, filler text)"
    wire.directly(direct, f"create table copied {shape}; create table copied_in {shape}")
    rows = f"select n, n % 100, repeat('x', 84) from generate_series(1, {wire.COPIED}) n"
    wire.directly(direct, f"insert into copied {rows}")
    wire.directly(direct, "vacuum analyze")


if __name__ == "__main__":
    sys.exit(main())
