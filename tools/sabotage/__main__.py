"""`python -m tools.sabotage [WORD ...]`: a table, and 1 if one blow was survived."""

from __future__ import annotations

import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tools.sabotage.sabotages import ROOT, Sabotage, Unusable, read_list
from tools.sabotage.trial import DEADLINE_S, GREEN, Result, attempt, copy_of, is_in_front, run_tests

AT_ONCE = 2


def main(words: list[str]) -> int:
    with copy_of(ROOT / "src") as source:  # what others change meanwhile changes nothing here
        try:
            sabotages = read_list(source, words)
        except Unusable as error:
            return _complain(str(error))
        if red := red_without_any(source, sabotages):
            return _complain(f"the tests are red before anything is broken:\n{red}")
        return break_all(source, sabotages)


def break_all(source: Path, sabotages: list[Sabotage]) -> int:
    survived = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for result in pool.map(partial(attempt, source), sabotages):
            survived += not result.caught
            _say(row(result))
    _say(f"\n{len(sabotages) - survived} of {len(sabotages)} caught" + (f"; {survived} SURVIVED" if survived else ""))
    return 1 if survived else 0


def red_without_any(source: Path, sabotages: list[Sabotage]) -> str:
    """What fails on an unbroken copy; a red test proves nothing."""
    if not is_in_front(source):
        return "the copy is not what is imported: check PYTHONPATH"
    words = defaultdict[str, set[str]](set)
    for sabotage in sabotages:
        words[sabotage.path].add(sabotage.words)
    runs = [[path, "-k", " or ".join(sorted(words[path]))] for path in sorted(words)]
    limits = [DEADLINE_S * len(words[path]) for path in sorted(words)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for status, said in pool.map(partial(run_tests, source), runs, limits):
            if status != GREEN:
                return said[-2000:]
    return ""


def row(result: Result) -> str:
    verdict = "caught  " if result.caught else "SURVIVED"
    sabotage = result.sabotage
    return f"law {sabotage.law:>2}  {verdict}  {result.seconds:5.1f} s  {sabotage.name:<58}  {result.told}"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _complain(what: str) -> int:
    sys.stderr.write(f"sabotage: {what}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
