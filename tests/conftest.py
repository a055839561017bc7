"""Fixtures for every room: a real PostgreSQL, and a fresh store on each database."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from yett.ledger import journal
from yett.store import Store, open_store

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # helpers of the tests, and the repository's tools

settings.register_profile("slow machines", settings.get_profile(settings.get_current_profile_name()), deadline=None)
settings.load_profile("slow machines")
pytest_plugins = ["postgres", "left_to_corpus"]
journal.DEADLINE_S = 60.0  # a machine that tests may stand still for longer than a person would wait for the log


def pytest_collection_finish() -> None:
    """Ten thousand tests are no garbage: whoever collects it need not look at them each time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store: a test that asks for it runs on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/yett.db"
    return str(request.getfixturevalue("postgres").emptied())


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """An open, migrated, empty store."""
    opened = open_store(store_url)
    yield opened
    opened.close()
