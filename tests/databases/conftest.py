"""A whole control plane in front of a real PostgreSQL, and agents' clients that come in through its wire."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "laws"))

from law_fixtures import law_roots, laws, settled, upstream, world
from law_plane import LawPlane
from tests.databases.company_of_tests import PLACEHOLDER, Company
from tests.postgres_versions import running

from yett.daemon.verbs import databases, places
from yett.gateway.databases.seat import Doors, Seat
from yett.lab.saas import SCHEMA

__all__ = ["law_roots", "laws", "settled", "upstream", "world"]


@pytest.fixture(scope="session", params=[15, 18])
def server(request: pytest.FixtureRequest) -> Iterator[Any]:
    with running(request.param) as made:
        yield made


@pytest.fixture
def company(laws: LawPlane, server: Any) -> Iterator[Company]:
    """In the task's own environment, staging, with the lab's schema."""
    yield from _company(laws, server, {})


@pytest.fixture
def masked(laws: LawPlane, server: Any) -> Iterator[Company]:
    """The same, with users' addresses kept from agents."""
    yield from _company(laws, server, {"masked": ["users.email"]})


@pytest.fixture
def wide(laws: LawPlane, server: Any) -> Iterator[Company]:
    """Most columns of users are kept from agents."""
    yield from _company(laws, server, {"masked": [f"users.{one}" for one in ("email", "name", "plan", "created")]})


@pytest.fixture
def veiled(laws: LawPlane, server: Any) -> Iterator[Company]:
    """The same, with users' addresses shown masked."""
    yield from _company(laws, server, {"veiled": ["users.email"]})


@pytest.fixture
def metered(laws: LawPlane, server: Any) -> Iterator[Company]:
    """A task may be sent one MB of it."""
    yield from _company(laws, server, {"result_mb": 1})


@pytest.fixture
def metered_veiled(laws: LawPlane, server: Any) -> Iterator[Company]:
    yield from _company(laws, server, {"result_mb": 1, "veiled": ["users.email"]})


@pytest.fixture
def few_rows(laws: LawPlane, server: Any) -> Iterator[Company]:
    """A task may be sent a thousand rows of it."""
    yield from _company(laws, server, {"result_rows": 1000})


@pytest.fixture
def few_rows_veiled(laws: LawPlane, server: Any) -> Iterator[Company]:
    yield from _company(laws, server, {"result_rows": 1000, "veiled": ["users.email"]})


@pytest.fixture
def two_schemas(laws: LawPlane, server: Any) -> Iterator[Company]:
    """A task reaches more than the schema that names are looked up in."""
    yield from _company(laws, server, {"schemas": ["public", "hr"]})


@pytest.fixture
def few_changes(laws: LawPlane, server: Any) -> Iterator[Company]:
    """A task may do little in it without a person."""
    few = {"deleted_rows": 1, "changed_rows": 3, "share_percent": 1, "changed_tables": 1}
    yield from _company(laws, server, few)


@pytest.fixture
def quick(laws: LawPlane, server: Any) -> Iterator[Company]:
    """A statement may take a second."""
    yield from _company(laws, server, {"statement_seconds": 1})


@pytest.fixture
def latin(laws: LawPlane, server: Any) -> Iterator[Company]:
    """A database that is not in UTF-8."""
    yield from _company(laws, server, {}, encoding="LATIN1")


def _company(laws: LawPlane, server: Any, more: dict[str, object], encoding: str = "UTF8") -> Iterator[Company]:
    direct = server.database(encoding, holds=SCHEMA)
    name = direct.rpartition("/")[2]
    plane = laws.plane
    laws.do(databases.add(plane, {"name": "saas", "value": direct, "environment": "staging", **more}))
    act = laws.do(places.set_(plane, {"production": ["production"]}))
    laws.sign(str(act["act"]))
    session = laws.session("staging")
    seat = Seat(plane.databases, session, plane.databases.named("saas"), {"": PLACEHOLDER})
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    laws.call(lambda: plane.front.listen(session.id, listener, Doors([seat])))
    try:
        yield Company(laws, direct, name, int(listener.getsockname()[1]), session, seat)
    finally:
        laws.call(lambda: plane.front.close_session(session.id))
        laws.do(seat.close())
        server.over(direct)
