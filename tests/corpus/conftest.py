"""One server of each version a session, and what the classifier needs of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from corpus.ground import Ground, standing
from corpus.judge import load
from postgres_versions import VERSIONS, binaries
from yett.operations.sql.catalog import Catalog

Place = tuple[Ground, Catalog]


@pytest.fixture(scope="session")
def place() -> Iterator[Callable[[int], Place]]:
    """By version: the ground, and the catalog of its world. A version that is not installed is skipped."""
    with ExitStack() as stack:
        places: dict[int, Place] = {}
        grounds: dict[int, Ground] = {}

        def of(version: int) -> Place:
            if binaries(version) is None:
                pytest.skip(f"no PostgreSQL {version}")
            if version not in grounds:  # one server, however often what is asked of it fails
                grounds[version] = stack.enter_context(standing(version))
            if version not in places:
                places[version] = (grounds[version], load(grounds[version]))
            return places[version]

        yield of


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "version" in metafunc.fixturenames and "case" not in metafunc.fixturenames:
        metafunc.parametrize("version", VERSIONS)
