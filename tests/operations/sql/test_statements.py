"""Every statement of cases.txt is judged as the file says, on every PostgreSQL that is here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from yett.operations.sql.statement import Statement


def _cases() -> list[tuple[str, str, str]]:
    found = []
    for line in (Path(__file__).parent / "cases.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            judged, _, sql = line.partition(" | ")
            way, effect = judged.split()
            found.append((way, effect, sql))
    return found


CASES = _cases()


@pytest.mark.parametrize(("way", "effect", "sql"), CASES, ids=[sql[:70] for _, _, sql in CASES])
def test_statement(way: str, effect: str, sql: str, one: Callable[[str], Statement]) -> None:
    statement = one(sql)
    assert (statement.way.value, statement.effect.value) == (way, effect), statement.reasons
    assert statement.reasons or (effect == "read" and way in ("pass", "guard"))


def test_there_are_enough_and_each_is_there_once() -> None:
    texts = [sql for _, _, sql in CASES]
    assert len(texts) >= 250
    assert len(texts) == len(set(texts))
