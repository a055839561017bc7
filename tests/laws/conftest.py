"""Each law's module gets a fresh plane, settled as an owner would."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from law_plane import LawPlane, law_plane, settle, upstream_context
from law_world import Upstream, World

from yett.gateway.ca import open_authority
from yett.providers.room import Room


@pytest.fixture(scope="session")
def law_roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority of the provider's host."""
    folder = tmp_path_factory.mktemp("law-ca")
    open_authority(folder)
    return folder


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The provider: it stands where its folder's code would be."""
    made = World()
    monkeypatch.setattr(Room, "inspector", lambda room: made if room.name == "railway" else None)
    monkeypatch.setattr(Room, "undoer", lambda room: made if room.name == "railway" else None)
    return made


@pytest.fixture
def upstream(law_roots: Path) -> Iterator[Upstream]:
    made = Upstream(upstream_context(law_roots))
    yield made
    made.close()


@pytest.fixture
def laws(tmp_path: Path, law_roots: Path, upstream: Upstream, world: World) -> Iterator[LawPlane]:
    with law_plane(tmp_path / "home", law_roots, upstream, world) as made:
        settle(made)
        yield made
