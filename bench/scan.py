"""The scan against Kingfisher, detect-secrets and CredSweeper: how fast, how much it finds, how much it takes.

    python -m bench.scan [--rounds 3] [--seeds 20] [--only tree|history|staged|size|accuracy]     see bench/RESULTS.md

Whole processes, as their users start them, in turns; the median counts. Corpora and peers are made once and kept in the
user's cache folder. Peers that take minutes get one round on a part, and the row says so.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench import corpus, scanners
from bench.leaky.home import write_home
from bench.leaky.score import Score, score_home, score_tree
from bench.leaky.tree import write_tree
from bench.scanners import Run

Row = tuple[str, str, str, str]
"""What, seen, target, whether it was reached."""
PART = "litellm-1.57.0"
"""Twenty MB of the tree, for peers that take minutes for all of it."""
_TESTS = re.compile(r"(?:^|[/_.-])(?:tests?|testing|testdata|fixtures)(?:[/_.-]|$)")


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--seeds", type=int, default=20)
    arguments.add_argument("--only", choices=sorted(PARTS))
    given = arguments.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}", flush=True)
    for name, part in PARTS.items():
        if given.only in (None, name):
            for row in part(given.rounds, given.seeds):
                print(f"{row[0]:<62}  {row[1]:<34}  {row[2]:<14}  {row[3]}".rstrip(), flush=True)


def reached(seen: float, bound: float, at_most: bool) -> str:
    return "reached" if (seen <= bound if at_most else seen >= bound) else "MISSED"


# -- files


def tree_rows(rounds: int, _seeds: int) -> Iterator[Row]:
    folder = corpus.tree()
    size = corpus.size_of(folder) / 1e6
    peer = scanners.installed("kingfisher")
    sides: dict[str, Callable[[], Run]] = {"yett": lambda: scanners.yett_tree(folder)}
    if peer is not None:
        sides["kingfisher"] = lambda: scanners.kingfisher(peer, folder)
    runs = in_turns(sides, rounds)
    ours = runs["yett"]
    yield f"tree of {size:.0f} MB, yett", f"{size / middle(ours):.0f} MB/s ({middle(ours):.1f} s)", "", ""
    if peer is not None:
        theirs, ratio = middle(runs["kingfisher"]), ratio_of(runs["kingfisher"], ours)
        yield "the same, kingfisher", f"{size / theirs:.0f} MB/s ({theirs:.1f} s)", "", ""
        yield "yett is faster by", f"{ratio:.1f}x", ">= 3x", reached(ratio, 3, False)
        used = [statistics.median(run.processor for run in runs[name]) for name in ("kingfisher", "yett")]
        yield "processor time, kingfisher against yett", f"{used[0]:.1f} s, {used[1]:.1f} s", "", ""
    peak = max(run.peak_mb for run in ours)
    yield "peak memory of all its processes", f"{peak:.0f} MB", "< 200 MB", reached(peak, 200, True)
    count, tests = findings_of(ours[-1])
    per_gb = count / size * 1000
    yield (
        "findings, medium and worse, distinct",
        f"{count} ({per_gb:.0f} a GB), and {tests} key files under tests",
        "<= 20 a GB",
        reached(per_gb, 20, True),
    )
    if peer is not None:
        yield "the same, kingfisher", str(scanners.kingfisher_count(runs["kingfisher"][-1].output)), "", ""
    yield from slow_rows(folder / PART)


def slow_rows(folder: Path) -> Iterator[Row]:
    """One round each, on a part."""
    size = corpus.size_of(folder) / 1e6
    ours = scanners.yett_tree(folder)
    yield f"{folder.name}, {size:.0f} MB, one round: yett", f"{size / ours.seconds:.1f} MB/s", "", ""
    commands: dict[str, Callable[[Path], Sequence[str | Path]]] = {
        "detect-secrets": lambda program: (program, "scan", "--all-files", "."),
        "credsweeper": lambda program: (program, "--path", ".", "--jobs", "2"),
    }
    for name, command in commands.items():
        program = scanners.installed(name)
        if program is not None:
            took = scanners.run(command(program), folder, watch=False)
            yield f"the same, {name}", f"{size / took.seconds:.1f} MB/s ({took.seconds:.0f} s)", "", ""


def findings_of(run: Run) -> tuple[int, int]:
    """How many findings, and how many more are key files under tests."""
    found = json.loads(run.output)["findings"]
    keys = [each for each in found if each["kind"] == "private-key" and _TESTS.search(each["where"])]
    return len(found) - len(keys), len(keys)


# -- history


def history_rows(rounds: int, _seeds: int) -> Iterator[Row]:
    folder = corpus.history()
    size = corpus.size_of(folder) / 1e6
    peer = scanners.installed("kingfisher")
    sides: dict[str, Callable[[], Run]] = {"yett": lambda: scanners.yett_history(folder)}
    if peer is not None:
        sides["kingfisher"] = lambda: scanners.kingfisher(peer, folder)
    runs = in_turns(sides, rounds)
    ours = runs["yett"]
    yield (
        f"history, {size:.0f} MB packed, yett",
        f"{middle(ours):.1f} s, {max(run.peak_mb for run in ours):.0f} MB",
        "",
        "",
    )
    if peer is not None:
        theirs = runs["kingfisher"]
        ratio = ratio_of(theirs, ours)
        yield "the same, kingfisher", f"{middle(theirs):.1f} s, {max(run.peak_mb for run in theirs):.0f} MB", "", ""
        yield "yett is faster by", f"{ratio:.1f}x", ">= 5x", reached(ratio, 5, False)
        used = [statistics.median(run.processor for run in runs[name]) for name in ("kingfisher", "yett")]
        yield "processor time, kingfisher against yett", f"{used[0]:.1f} s, {used[1]:.1f} s", "", ""
    scanners.run([scanners.YETT, "scan", folder, "--no-baseline", "--json"])
    again = scanners.run([scanners.YETT, "scan", folder, "--no-baseline", "--json"])
    yield "a second time, nothing new", f"{again.seconds:.2f} s", "< 1 s", reached(again.seconds, 1, True)


# -- before a commit


def staged_rows(rounds: int, _seeds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="yett-bench-") as place:
        for count in (1, 50):
            repository = corpus.staged(Path(place), count)
            peer = scanners.installed("kingfisher")
            runs = in_turns(dict(_before_a_commit(repository, peer)), rounds * 5)
            ours = middle(runs["yett"]) * 1000
            bare = middle(runs["git"]) * 1000
            theirs = f"; kingfisher {middle(runs['kingfisher']) * 1000:.0f} ms" if peer is not None else ""
            yield (
                f"{count} staged files, whole process (git diff alone {bare:.0f} ms{theirs})",
                f"{ours:.0f} ms",
                "< 100 ms",
                reached(ours, 100, True),
            )


def _before_a_commit(repository: Path, peer: Path | None) -> Iterator[tuple[str, Callable[[], Run]]]:
    yield "yett", lambda: scanners.run([scanners.YETT, "scan", "--staged"], repository, watch=False)
    yield "git", lambda: scanners.run(["git", "diff", "--cached", "--raw"], repository, watch=False)
    if peer is not None:
        yield "kingfisher", lambda: scanners.kingfisher(peer, repository, "--staged")


# -- the rules


def size_rows(rounds: int, _seeds: int) -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="yett-bench-") as place:
        empty = Path(place) / "empty"
        empty.mkdir()
        words: list[str | Path] = [scanners.YETT, "scan", empty, "--no-history", "--json"]
        first = scanners.run(words, watch=False, YETT_HOME=place)
        later = [scanners.run(words, watch=False, YETT_HOME=place) for _ in range(rounds)]
        (database,) = (Path(place) / "cache").glob("*.hsdb")
        size, load = database.stat().st_size / 1e6, load_ms(database)
    yield "database of all rules", f"{size:.1f} MB", "<= 5 MB", reached(size, 5, True)
    yield "loading it, checked", f"{load:.1f} ms", "< 10 ms", reached(load, 10, True)
    yield "first start ever, of nothing", f"{first.seconds:.1f} s; later {middle(later):.2f} s", "", ""


def load_ms(database: Path) -> float:
    """Read, checked and made ready, as a process does at its start."""
    import hashlib

    from yett.inventory.engine.screen import HyperscanScreen

    times = []
    for _ in range(20):
        begun = time.perf_counter()
        raw = database.read_bytes()
        assert hashlib.sha256(raw[32:]).digest() == raw[:32]
        HyperscanScreen(raw[32:])
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


# -- what is found


def accuracy_rows(_rounds: int, seeds: int) -> Iterator[Row]:
    for name, write, judge, least in (
        ("homes of agents", write_home, score_home, 1.0),
        ("leaky trees", write_tree, score_tree, 0.95),
    ):
        total = Score()
        with tempfile.TemporaryDirectory(prefix="yett-bench-") as place:
            for seed in range(1000, 1000 + seeds):
                folder = Path(place) / str(seed)
                folder.mkdir()
                total.add(judge(folder, *write(folder, seed)))
        recall, extra = total.recall * 100, total.extra_share * 100
        yield (
            f"{seeds} {name}, {total.truth} credentials: found",
            f"{recall:.2f} % ({len(total.missed)} missed)",
            f">= {least:.0%}",
            reached(total.recall, least, False),
        )
        yield "of what is found, no credential", f"{extra:.2f} %", "<= 5 %", reached(extra, 5, True)


PARTS: dict[str, Callable[[int, int], Iterator[Row]]] = {
    "tree": tree_rows,
    "history": history_rows,
    "staged": staged_rows,
    "size": size_rows,
    "accuracy": accuracy_rows,
}


def in_turns(sides: dict[str, Callable[[], Run]], rounds: int) -> dict[str, list[Run]]:
    """One warm-up each, then round by round, so that a busy minute meets all of them."""
    for side in sides.values():
        side()
    runs: dict[str, list[Run]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            runs[name].append(side())
    return runs


def middle(runs: Sequence[Run]) -> float:
    return statistics.median(run.seconds for run in runs)


def ratio_of(theirs: Sequence[Run], ours: Sequence[Run]) -> float:
    """Paired: each round's own ratio."""
    return statistics.median(they.seconds / we.seconds for they, we in zip(theirs, ours, strict=True))


if __name__ == "__main__":
    main()
