"""Each test of two servers on one of them, by its name, so that CI is done in time: YETT_BOTH_SERVERS=1 runs both."""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from pathlib import Path

import pytest

ROOMS = tuple(
    Path(__file__).parent / room for room in ("operations/sql", "providers/postgres", "gateway/postgres", "faults")
)
_VERSIONS = {"15": 0, "pg15": 0, "18": 1, "pg18": 1}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`make corpus` takes both for all."""
    if os.environ.get("YETT_BOTH_SERVERS"):
        return
    twins: dict[str, dict[int, pytest.Item]] = defaultdict(dict)
    for item in items:
        if (found := _version(item)) is not None:
            version, name = found
            twins[name][version] = item
    left = {both[1 - zlib.crc32(name.encode()) % 2] for name, both in twins.items() if len(both) == 2}
    config.hook.pytest_deselected(items=list(left))
    items[:] = [item for item in items if item not in left]


def _version(item: pytest.Item) -> tuple[int, str] | None:
    """Which server it is for, and its name without that."""
    callspec = getattr(item, "callspec", None)
    if callspec is None or not any(room in item.path.parents for room in ROOMS):
        return None
    parts = callspec.id.split("-")
    versions = [part for part in parts if part in _VERSIONS]
    if len(versions) != 1:
        return None
    rest = "-".join(part for part in parts if part not in _VERSIONS)
    return _VERSIONS[versions[0]], f"{item.path.name} {item.name.partition('[')[0]} {rest}"
