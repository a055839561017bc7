"""Of a test with many cases on a whole control plane or a guarded server, CI takes every second one, so that it is done
in time: YETT_BOTH_SERVERS=1 runs all, as `make corpus` does."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

ROOMS = tuple(Path(__file__).parent / room for room in ("databases", "providers/postgres/guard", "gateway/postgres"))
MANY = 6


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """After each test has got its one server."""
    if os.environ.get("YETT_BOTH_SERVERS"):
        return
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if any(room in item.path.parents for room in ROOMS):
            cases[item.nodeid.partition("[")[0]].append(item)
    left = {item for many in cases.values() if len(many) > MANY for item in many[1::2]}
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]
