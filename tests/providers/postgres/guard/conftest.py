"""Every test that asks for `server` or `database` runs on PostgreSQL 15 (the system's) and on 18 (the wheel's)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from guarded import VERSIONS, Cluster, Database, cluster


@pytest.fixture(scope="session", params=VERSIONS, ids=lambda version: f"pg{version}")
def server(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    with cluster(request.param) as made:
        yield made


@pytest.fixture
def database(server: Cluster) -> Database:
    return server.emptied()
