"""Each law's module gets a fresh plane, settled as an owner would."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from law_plane import LawPlane, law_plane, settle, upstream_context
from law_world import Upstream, World

from yett.drills.authenticator import VirtualKey
from yett.gateway.ca import open_authority
from yett.providers.room import Room


@pytest.fixture(scope="session")
def law_roots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority of the provider's host."""
    folder = tmp_path_factory.mktemp("law-ca")
    open_authority(folder)
    return folder


def play(patch: pytest.MonkeyPatch, world: World) -> None:
    patch.setattr(Room, "inspector", lambda room: world if room.name == "railway" else None)
    patch.setattr(Room, "undoer", lambda room: world if room.name == "railway" else None)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The provider: it stands where its folder's code would be."""
    made = World()
    play(monkeypatch, made)
    return made


@pytest.fixture
def upstream(law_roots: Path) -> Iterator[Upstream]:
    made = Upstream(upstream_context(law_roots))
    yield made
    made.close()


@pytest.fixture(scope="session")
def settled(law_roots: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, VirtualKey]:
    """A home with its first key enrolled and its environments signed, made once; tests work on copies."""
    home, patch, world = tmp_path_factory.mktemp("settled") / "home", pytest.MonkeyPatch(), World()
    play(patch, world)
    host = Upstream(upstream_context(law_roots))
    with law_plane(home, law_roots, host, world) as made:
        settle(made)
        key = made.people["Ada"]
    host.close()
    patch.undo()
    return home, key


@pytest.fixture
def laws(
    tmp_path: Path, law_roots: Path, upstream: Upstream, world: World, settled: tuple[Path, VirtualKey]
) -> Iterator[LawPlane]:
    shutil.copytree(settled[0], tmp_path / "home")
    with law_plane(tmp_path / "home", law_roots, upstream, world) as made:
        made.people["Ada"] = replace(settled[1])
        yield made
