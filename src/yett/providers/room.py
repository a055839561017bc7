"""A provider's room: its hosts, where credentials stand on the wire and at rest, and the code that asks and undoes."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import ModuleType

from yett.model.errors import ConfigurationError
from yett.model.provider import Inspector, Undoer
from yett.providers.actions import Actions

HERE = Path(__file__).parent


class Wire(StrEnum):
    """How requests to the room's hosts are read."""

    GRAPHQL = "graphql"
    REST = "rest"
    MODEL = "model"
    REGISTRY = "registry"


class Side(StrEnum):
    """What the gate does with a client's side call, before any decision and outside every quota."""

    ANSWER = "answer"
    """Answer in the upstream's place, with `status` and `body`."""
    STRIP = "strip"
    """Let it pass without the credential that it carries and does not need."""


@dataclass(frozen=True, slots=True)
class FilePlace:
    """Where a provider's own tools keep a credential: `at` is the dotted path of the value in a JSON or TOML file."""

    path: str
    format: str
    at: str


@dataclass(frozen=True, slots=True)
class CredentialKind:
    """One kind of credential. `value` is the form of the whole value.

    `distinctive`: the form alone identifies it. Otherwise it counts only in its place: a variable whose name matches
    one of `names` (shell patterns, any case), or one of `files`. `broad`: with it one can do all that its owner can.
    """

    id: str
    title: str
    value: re.Pattern[str]
    distinctive: bool
    broad: bool
    names: tuple[str, ...] = ()
    files: tuple[FilePlace, ...] = ()


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """A login or token endpoint: `request` fields are credential positions, `answer` fields become placeholders."""

    host: str
    path: str
    request: tuple[str, ...]
    answer: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SideCall:
    """A call that a client makes besides its work. `path` matches whole."""

    methods: frozenset[str]
    host: str
    path: re.Pattern[str]
    do: Side
    status: int
    body: str


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """One provider, equal only to itself: it is a cache key.

    `paths` are the GraphQL endpoints (wire graphql); `positions` are where a placeholder works.

    A position is "header:NAME", "basic" or "field:NAME". `upgrade_status` answers an upgrade in the upstream's place,
    0: it is an operation like any other. `code` is None where there is none to load.
    """

    name: str
    title: str
    wire: Wire
    hosts: tuple[str, ...]
    actions: Actions
    paths: frozenset[str] = frozenset()
    positions: tuple[str, ...] = ()
    credentials: tuple[CredentialKind, ...] = ()
    token_endpoints: tuple[TokenEndpoint, ...] = ()
    side_calls: tuple[SideCall, ...] = ()
    upgrade_status: int = 0
    refusal_status: int = 403
    code: Path | None = None
    can: frozenset[str] = field(default=frozenset())

    @property
    def minting(self) -> Mapping[str, tuple[str, ...]]:
        """Per act that mints or returns a credential, the fields of its answer to seal; none named: every string."""
        found = (self.actions.mutations, self.actions.queries)
        return {f"{self.name}:{name}": () for table in found for name, action in table.items() if action.returns_secret}

    def token_endpoint(self, host: str, path: str) -> TokenEndpoint | None:
        return next((e for e in self.token_endpoints if e.host == host and e.path == path), None)

    def side_call(self, method: str, host: str, path: str) -> SideCall | None:
        """The side call that a request is. A model call or an act of `operations.toml` is none."""
        for call in self.side_calls:
            if method in call.methods and host == call.host and call.path.fullmatch(path):
                return call
        return None

    def inspector(self) -> Inspector | None:
        """The room's eyes: the one class of `authority.py` whose name ends in Inspector; None without that file."""
        made = self._make("authority", "Inspector")
        return made  # type: ignore[return-value]  # a protocol: what the file holds is checked by its own tests

    def undoer(self) -> Undoer | None:
        """The room's undo: the one class of `undo.py` whose name ends in Undoer; None without that file."""
        made = self._make("undo", "Undoer")
        return made  # type: ignore[return-value]  # see inspector()

    def _make(self, part: str, suffix: str) -> object | None:
        if self.code is None or not (self.code / f"{part}.py").is_file():
            return None
        module = _load(self.code, part)
        found = [
            value
            for name, value in vars(module).items()
            if name.endswith(suffix) and isinstance(value, type) and value.__module__ == module.__name__
        ]
        if len(found) != 1:
            raise ConfigurationError(f"{self.name}/{part}.py holds {len(found)} classes named ...{suffix}, not one")
        made: object = found[0]()
        return made


def _load(folder: Path, part: str) -> ModuleType:
    """Import a code part: the package's own folders by their name, a folder elsewhere (given by hand) by its path."""
    if folder.parent == HERE:
        return importlib.import_module(f"yett.providers.{folder.name}.{part}")
    name = f"yett_provider_{folder.name}_{part}"
    spec = importlib.util.spec_from_file_location(name, folder / f"{part}.py")
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"{folder.name}/{part}.py cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
