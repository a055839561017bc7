"""The files below a home folder in which people, clients and agents leave credentials: known formats and homes.toml.

Links are followed as the person meant them: within the home, and out of it to a file of the same owner (dotfiles kept
elsewhere). Nothing else out there is read, for a link may be planted.
"""

from __future__ import annotations

import json
import os
import stat
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from yett.inventory.formats import all_formats
from yett.inventory.globbing import Expansion
from yett.inventory.outcome import Unread

HomeFile = tuple[str, str]
"""A real path (no link in its last part), and its kind: file, client-config, transcript or history."""
Tell = Callable[[Unread], None]

_LARGEST_INDEX = 4 << 20


@dataclass(frozen=True, slots=True)
class _Homes:
    """homes.toml."""

    places: tuple[tuple[str, str], ...]
    moved: tuple[tuple[str, str], ...]
    named: tuple[tuple[str, str], ...]
    indexes: tuple[str, ...]
    plugin_files: tuple[str, ...]
    machine: tuple[str, ...]


def home_files(home: Path, environ: Mapping[str, str], unread: Tell) -> Iterator[HomeFile]:
    """Each file once, also where a variable of `environ` moves it. Missing ones are passed over in silence."""
    known = _homes()
    reader = _Reader(os.path.realpath(home), _once(unread))
    wanted: dict[str, str] = {}
    for pattern, kind in _patterns(known):
        for place in _places(pattern, known, environ):
            wanted.setdefault(place, kind)
    for place, kind in wanted.items():
        yield from reader.files(place, kind)
    for variable, kind in known.named:
        for path in environ.get(variable, "").split(":"):
            if os.path.isabs(path):
                yield from reader.one(path, kind)
    for pattern in known.indexes:
        for place in _places(pattern, known, environ):
            yield from _plugins(reader, place, known.plugin_files)


def machine_files(unread: Tell) -> Iterator[HomeFile]:
    """Files that hold credentials of the machine or container itself, as far as this user may read them."""
    for pattern in _homes().machine:
        for path in Expansion(unread).paths("/", pattern):
            try:
                if stat.S_ISREG(os.stat(path).st_mode) and os.access(path, os.R_OK):
                    yield os.path.realpath(path), "file"
            except OSError:
                continue


def unread_keyrings(home: Path, environ: Mapping[str, str]) -> Iterator[Unread]:
    """Stores of the system that may hold credentials: their names only. Nothing is asked of them, nothing unlocked."""
    running = environ.get("XDG_RUNTIME_DIR", "")
    if running and os.path.exists(os.path.join(running, "keyring", "control")):
        yield Unread("the keyring of this login", "not read: a keyring is never asked for its values")
    for folder, ending in _KEYRINGS:
        try:
            names = sorted(os.listdir(home / folder))
        except OSError:
            continue
        for name in names:
            if name.endswith(ending):
                yield Unread(str(home / folder / name), "not read: a keyring is never asked for its values")


_KEYRINGS = (
    (".local/share/keyrings", ".keyring"),
    (".local/share/kwalletd", ".kwl"),
    ("Library/Keychains", ".keychain-db"),
)


def _once(unread: Tell) -> Tell:
    """Several patterns meet at the same closed door."""
    told: set[Unread] = set()

    def tell(one: Unread) -> None:
        if one not in told:
            told.add(one)
            unread(one)

    return tell


@lru_cache(maxsize=1)
def _homes() -> _Homes:
    said = tomllib.loads((Path(__file__).parent / "homes.toml").read_text("utf-8"))
    return _Homes(
        places=tuple((path, row["kind"]) for row in said["place"] for path in row["paths"]),
        moved=tuple((row["variable"], row["home"]) for row in said["moved"]),
        named=tuple((variable, row["kind"]) for row in said["named"] for variable in row["variables"]),
        indexes=tuple(said["plugins"]["indexes"]),
        plugin_files=tuple(said["plugins"]["files"]),
        machine=tuple(said["machine"]["paths"]),
    )


def _patterns(known: _Homes) -> Iterator[tuple[str, str]]:
    """(~/..., kind), those of homes.toml first: they say what is a transcript or a history."""
    yield from known.places
    for form in all_formats():
        for pattern in form.homes:
            yield pattern, "client-config"


def _places(pattern: str, known: _Homes, environ: Mapping[str, str]) -> Iterator[str]:
    """The pattern, and where variables move it: ~/.config/x is $XDG_CONFIG_HOME/x as well."""
    yield pattern
    for variable, folder in known.moved:
        moved = environ.get(variable, "")
        if os.path.isabs(moved) and pattern.startswith(folder + "/"):
            yield os.path.join(_escaped(moved), pattern.removeprefix(folder + "/"))
    moved = environ.get("CLAUDE_CONFIG_DIR", "")
    if pattern == "~/.claude.json" and os.path.isabs(moved):
        yield os.path.join(_escaped(moved), ".claude.json")


def _escaped(folder: str) -> str:
    """A folder's name is no pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in folder)


@dataclass(frozen=True, slots=True)
class _Reader:
    """What was given already, by its real path."""

    home: str
    unread: Tell
    given: set[str] = field(default_factory=set)

    def files(self, pattern: str, kind: str) -> Iterator[HomeFile]:
        """Regular files that the pattern names."""
        base = self.home if pattern.startswith("~/") else "/"
        expansion = Expansion(self.unread)
        for path in expansion.paths(base, pattern.removeprefix("~/")):
            yield from self.one(path, kind)

    def one(self, path: str, kind: str) -> Iterator[HomeFile]:
        """That file, if it is one, is the person's, and was not given yet."""
        real = os.path.realpath(path)
        if real in self.given or real.endswith(".pub"):
            return
        try:
            about = os.stat(real)
        except FileNotFoundError:
            return
        except OSError as error:
            self.unread(Unread(path, error.strerror or "cannot be read"))
            return
        if not stat.S_ISREG(about.st_mode):
            return
        if not self._is_own(path, real, about.st_uid):
            self.unread(Unread(path, "a link to somebody else's file: not followed"))
            return
        self.given.add(real)
        yield real, kind

    def is_own_folder(self, path: str) -> bool:
        real = os.path.realpath(path)
        return os.path.isdir(real) and self._is_own(path, real, os.stat(real).st_uid)

    def _is_own(self, path: str, real: str, owner: int) -> bool:
        """In the home whoever owns it (another's file there is no accident); elsewhere the owner must be the same."""
        if real.startswith(self.home + "/") or real == os.path.abspath(path):
            return True
        return owner == os.stat(self.home).st_uid


def _plugins(reader: _Reader, index: str, files: Iterable[str]) -> Iterator[HomeFile]:
    """The files of every folder that an index names."""
    for path, _ in _Reader(reader.home, reader.unread).files(index, ""):
        for folder in sorted(set(_folders(_json(path)))):
            if os.path.isabs(folder) and reader.is_own_folder(folder):
                for name in files:
                    yield from reader.files(os.path.join(_escaped(folder), name), "client-config")


def _folders(said: Any) -> Iterator[str]:  # Any: whatever the client wrote
    """Values of installPath, wherever they stand: version 1 and 2 of the file nest them differently."""
    left = [said]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            path = value.get("installPath")
            if isinstance(path, str) and "\0" not in path:
                yield path
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _json(path: str) -> Any:  # Any: as above
    try:
        with open(path, "rb") as file:
            return json.loads(file.read(_LARGEST_INDEX))
    except (OSError, ValueError, RecursionError):
        return None
