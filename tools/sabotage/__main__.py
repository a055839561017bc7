"""`python -m tools.sabotage [WORD ...]`: a table, and 1 if one blow was survived."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from tools.sabotage.sabotages import Sabotage, Unusable, read_list
from tools.sabotage.trial import GREEN, Result, attempt, copied, is_in_front, run_tests

AT_ONCE = 2


def main(words: list[str]) -> int:
    try:
        sabotages = read_list(words)
    except Unusable as error:
        return _complain(str(error))
    if not sabotages:
        return _complain("no law or name has these words")
    if red := red_without_any(sabotages):
        return _complain(f"the tests are red before anything is broken:\n{red}")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        results = []
        for result in pool.map(attempt, sabotages):
            results.append(result)
            _say(row(result))
    survived = sum(not result.caught for result in results)
    _say(f"\n{len(results) - survived} of {len(results)} caught" + (f"; {survived} SURVIVED" if survived else ""))
    return 1 if survived else 0


def red_without_any(sabotages: list[Sabotage]) -> str:
    """What fails on an unbroken copy; a red test proves nothing."""
    with copied() as source:
        if not is_in_front(source):
            return "the copy is not what is imported: check PYTHONPATH"
        selections = sorted({sabotage.tests: sabotage.arguments for sabotage in sabotages}.items())
        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = pool.map(lambda selection: (selection[0], *run_tests(source, selection[1])), selections)
            return "\n".join(f"{tests}: {said[-800:]}" for tests, status, said in done if status != GREEN)


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
