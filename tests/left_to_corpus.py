"""What CI leaves to YETT_ALL_TESTS=1 (as in `make corpus`), so that a slow machine is done in time, too.

A test of two servers runs on one of them. Of a test's many cases a third runs, and always the first; of the laws, all.
Which, hangs on their names alone: so that it is no other with every run, and no column of a table is left out whole.
"""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from pathlib import Path

import pytest

TWO_SERVERS = ("databases", "operations/sql", "providers/postgres", "gateway/postgres", "faults")
WHOLE = ("laws",)
MANY = 3
ONE_OF = 3
_SERVERS = {"15": 0, "pg15": 0, "18": 1, "pg18": 1}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("YETT_ALL_TESTS"):
        return
    left = _other_servers([item for item in items if _within(item, TWO_SERVERS)])
    left |= _further_cases([item for item in items if not _within(item, WHOLE) and item not in left])
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]


def _within(item: pytest.Item, rooms: tuple[str, ...]) -> bool:
    return any(Path(__file__).parent / room in item.path.parents for room in rooms)


def _other_servers(items: list[pytest.Item]) -> set[pytest.Item]:
    twins: dict[str, dict[int, pytest.Item]] = defaultdict(dict)
    for item in items:
        test, _, case = item.nodeid.rstrip("]").partition("[")
        parts = case.split("-")
        server = next((part for part in parts if part in _SERVERS), None)
        if server is not None:
            parts.remove(server)
            twins[f"{test} {'-'.join(parts)}"][_SERVERS[server]] = item
    return {both[1 - _number(name) % 2] for name, both in twins.items() if len(both) == 2}


def _further_cases(items: list[pytest.Item]) -> set[pytest.Item]:
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    many = (item for found in cases.values() if len(found) > MANY for item in found[1:])
    return {item for item in many if _number(item.nodeid) % ONE_OF}


def _number(name: str) -> int:
    return zlib.crc32(name.encode())
