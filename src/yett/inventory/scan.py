"""find -> identify: every credential that an agent started here could use."""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from yett.inventory.detect import Detector
from yett.inventory.finding import Finding
from yett.inventory.fingerprints import Fingerprints, temporary
from yett.inventory.hit import Hit
from yett.inventory.places import Place, places, places_by_name
from yett.inventory.sources import blob_id, git_folder, git_objects, git_texts, paths_of, read_text, workspace_files
from yett.model.credential import Credential, Location
from yett.model.secret import Secret
from yett.providers.book import ProviderBook
from yett.providers.room import FilePlace, Room

LAST_FOUR_FROM = 20
_TYPED_BY_PEOPLE = ("password", "client-credential")

Progress = Callable[[str], None]


def scan_workspace(
    workspace: Path,
    *,
    environ: Mapping[str, str],
    home: Path,
    history: bool = True,
    keys: Fingerprints | None = None,
    book: ProviderBook | None = None,
    also: Iterable[Path] = (),
    progress: Progress | None = None,
) -> list[Finding]:
    """Findings by value, each with all its places. Read-only; no network, no daemon.

    `keys` makes fingerprints; without it they are good for this scan only. `also` are further files and folders within
    the agent's reach. `progress` is told each stage, one line.
    """
    say = progress or _silent
    made = _Scan(book or _book(), keys or temporary(), history)
    say("reading clients' files and variables")
    made.clients(home)
    made.variables(environ)
    say("reading files")
    for folder in (workspace, *also):
        made.files(workspace_files(folder))
    if history and (repository := git_folder(workspace)) is not None:
        say("reading git history")
        made.git(workspace, repository)
    say(f"{len(made.findings)} credentials found")
    return list(made.findings.values())


@lru_cache(maxsize=1)
def _book() -> ProviderBook:
    return ProviderBook.load()


@lru_cache(maxsize=4)
def _detector(book: ProviderBook) -> Detector:
    return Detector(book)


class _Scan:
    """Findings by value, while they are gathered."""

    def __init__(self, book: ProviderBook, keys: Fingerprints, history: bool) -> None:
        self.findings: dict[bytes, Finding] = {}
        self._book = book
        self._keys = keys
        self._history = history
        self._detector = _detector(book)
        self._blobs: dict[str, tuple[str, list[tuple[Hit, bytes]]]] = {}

    def files(self, files: Iterable[tuple[str, bytes]], source: str = "file", place: Place | None = None) -> None:
        """Look into files. One whose name says what it is, or that lies in a known place, is parsed first."""
        named = places_by_name()
        for path, content in files:
            hits = list(self._hits(content, place or named.get(os.path.basename(path))))
            for hit in hits:
                self._add(hit, content[hit.start : hit.end], _at(source, path, content, hit))
            if self._history:
                self._blobs[blob_id(content)] = (path, [(hit, content[hit.start : hit.end]) for hit in hits])

    def variables(self, environ: Mapping[str, str]) -> None:
        for name, value in environ.items():
            raw = value.encode("utf-8", "surrogateescape")
            hit = self._detector.named(name, raw)
            if hit is not None:
                self._add(hit, raw[hit.start : hit.end], Location("variable", name, start=hit.start, end=hit.end))

    def clients(self, home: Path) -> None:
        """The files of clients: those of providers' folders by their dotted path, then the others."""
        for room in self._book.rooms:
            for kind in room.credentials:
                for file in kind.files:
                    path = str(home / file.path.removeprefix("~/"))
                    content = read_text(path)
                    value = _dotted(content, file.at) if content is not None else None
                    if content is not None and value and kind.value.fullmatch(value):
                        hit = Hit(room.name, kind.id, kind.title, kind.broad, *_span(content, value.encode()))
                        self._add(hit, value.encode(), _at("file", path, content, hit), _position_in(room, file))
        for place in places():
            for path in place.paths(home):
                content = read_text(path)
                if content is not None:
                    self.files([(path, content)], place=place)

    def git(self, workspace: Path, repository: Path) -> None:
        """git's objects and its own files. What a file of the workspace holds as well is not read twice."""
        self.files(git_texts(repository), "client-config")
        found: list[tuple[Hit, bytes, str]] = []
        clean = [oid for oid, (_, hits) in self._blobs.items() if not hits]
        for oid, _, content in git_objects(workspace, clean):
            found += [(hit, content[hit.start : hit.end], oid) for hit in self._detector.hits(content)]
        paths = paths_of(workspace, {oid for _, _, oid in found}) if found else {}
        for hit, value, oid in found:
            self._add(hit, value, Location("history", paths.get(oid, ""), object_id=oid, start=hit.start, end=hit.end))

    def _hits(self, content: bytes, place: Place | None) -> Iterator[Hit]:
        """What the detector knows comes first: it can name a provider."""
        taken = list(self._detector.hits(content))
        yield from taken
        for hit in place.hits(content) if place else ():
            if not any(hit.start < known.end and known.start < hit.end for known in taken):
                yield hit

    def _add(self, hit: Hit, value: bytes, location: Location, position: str | None = None) -> None:
        known = self.findings.get(value)
        if known is not None:
            self.findings[value] = known.also_at((location,))
            return
        credential = Credential(
            self._keys.fingerprint(value), hit.provider, hit.kind, (location,), _last_four(hit.kind, value)
        )
        at = self._position(hit) if position is None else position
        self.findings[value] = Finding(credential, Secret(value), hit.title, hit.broad, at)
        if hit.kind.startswith("client-") and (password := _basic_password(value)):
            inner = Location(location.source, location.path, location.line)
            self._add(Hit("", "password", f"password in {hit.title}", False, -1, -1), password, inner)

    def _position(self, hit: Hit) -> str:
        """Where its placeholder works: in its kind's own header, a login in Authorization, else the room's first."""
        room = self._book.named(hit.provider)
        if room is None or not room.positions:
            return ""
        own = f"header:{hit.kind}-access-token"
        login = "header:authorization" if hit.kind.startswith("login") else own
        return next((position for position in (own, login) if position in room.positions), room.positions[0])


def _silent(_line: str) -> None:
    """Nobody wants to know."""


def _position_in(room: Room, file: FilePlace) -> str | None:
    """A refresh token goes into the body of the login request only: refreshToken is the field refresh_token."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", file.at.rpartition(".")[2]).lower()
    for endpoint in room.token_endpoints:
        for field in endpoint.request:
            if name in (field, field.removesuffix("_token")):
                return f"field:{field}"
    return None


def _last_four(kind: str, value: bytes) -> str:
    """Law 13: of machine tokens of 20 characters or more."""
    if len(value) < LAST_FOUR_FROM or not value[-4:].isalnum() or any(word in kind for word in _TYPED_BY_PEOPLE):
        return ""
    return value[-4:].decode("ascii", "replace")


def _basic_password(value: bytes) -> bytes | None:
    """The password in user:password as Docker and npm keep it, in base64."""
    try:
        _, colon, password = base64.b64decode(value, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return password if colon and len(password) >= 8 and password.isascii() and password.decode().isprintable() else None


def _at(source: str, path: str, content: bytes, hit: Hit) -> Location:
    return Location(source, path, line=content.count(b"\n", 0, hit.start) + 1, start=hit.start, end=hit.end)


def _span(content: bytes, value: bytes) -> tuple[int, int]:
    start = content.find(value)
    return (start, start + len(value)) if start >= 0 else (0, 0)


def _dotted(content: bytes, at: str) -> str | None:
    value = _json(content)
    for key in at.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _json(content: bytes) -> Any:  # Any: whatever the client wrote
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
