"""Registries and download hosts: rooms that need no folder. Reading passes; all else plants what others will run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from yett.model.effects import Effect, Recovery
from yett.providers.actions import Action, Actions, Route, path_pattern
from yett.providers.room import Room, Wire
from yett.providers.table import Table

READ = Action("read", Effect.READ, Recovery.AUTOMATIC, placeless=True)

PUBLISH = Action("publish", Effect.ADMIN, Recovery.NONE)
"""Recovery none: what was once fetched cannot be called back. Admin: it plants what others will run."""

# Any path: a package's name may hold escapes (`@scope%2Fname`), and the method alone decides here.
_ANY_PATH = re.compile(r"/.*")
_READING = Route(frozenset({"GET", "HEAD", "OPTIONS"}), frozenset(), _ANY_PATH, READ)
_PUBLISHING = Route(frozenset({"POST", "PUT", "PATCH", "DELETE"}), frozenset(), _ANY_PATH, PUBLISH)
_NOTHING: Mapping[str, Action] = MappingProxyType({})


def read_hosts(path: Path) -> tuple[Room, ...]:
    """Read `hosts.toml`: tables `registry` and `download`, each with a name and its hosts.

    `reading` of a registry lists the paths whose POST only asks (an audit, a search, a bulk lookup).

    Raises:
        ConfigurationError: a key that it does not know, or one missing.
    """
    table = Table.of_file(path)
    registries = tuple(_registry(entry) for entry in table.tables("registry"))
    downloads = tuple(_download(entry) for entry in table.tables("download"))
    table.end()
    return registries + downloads


def _registry(table: Table) -> Room:
    asking = tuple(Route(frozenset({"POST"}), frozenset(), path_pattern(p), READ) for p in table.texts("reading"))
    return _room(table, (_READING, *asking, _PUBLISHING), table.texts("positions"))


def _download(table: Table) -> Room:
    return _room(table, (_READING,), ())


def _room(table: Table, routes: tuple[Route, ...], positions: tuple[str, ...]) -> Room:
    room = Room(
        name=table.text("name"),
        title=table.text("title"),
        wire=Wire.REGISTRY,
        hosts=table.texts("hosts", None),
        positions=positions,
        actions=Actions(_NOTHING, _NOTHING, _NOTHING, routes, (), frozenset()),
    )
    table.end()
    return room
