"""The engine that stands in for the real one."""

from __future__ import annotations

import pytest

from inventory.history.standin import StandIn, stand_in


@pytest.fixture(scope="session")
def engine() -> StandIn:
    return stand_in()
