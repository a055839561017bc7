"""What CI leaves to `make corpus`, so that it is done in time: a test of two servers runs on one of them, by its name,
and of a test's many cases every second one runs. YETT_BOTH_SERVERS=1 runs all."""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from pathlib import Path

import pytest

TWO_SERVERS = ("databases", "operations/sql", "providers/postgres", "gateway/postgres", "faults")
MANY_CASES = ("databases", "providers/postgres", "gateway/postgres")
MANY = 4
_SERVERS = {"15": 0, "pg15": 0, "18": 1, "pg18": 1}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if os.environ.get("YETT_BOTH_SERVERS"):
        return
    left = _other_servers([item for item in items if _within(item, TWO_SERVERS)])
    left |= _second_cases([item for item in items if _within(item, MANY_CASES) and item not in left])
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
    return {both[1 - zlib.crc32(name.encode()) % 2] for name, both in twins.items() if len(both) == 2}


def _second_cases(items: list[pytest.Item]) -> set[pytest.Item]:
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        cases[item.nodeid.partition("[")[0]].append(item)
    return {item for many in cases.values() if len(many) > MANY for item in many[1::2]}
