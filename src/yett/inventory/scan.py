"""find -> identify: every credential that an agent started here could use."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from yett.inventory.detect import Detector, Hit
from yett.inventory.finding import Finding
from yett.inventory.fingerprints import Fingerprints, temporary
from yett.inventory.sources import git_objects, paths_of, read_text, workspace_files
from yett.model.credential import Credential, Location
from yett.model.secret import Secret
from yett.providers.book import ProviderBook

_PLACES = tomllib.loads((Path(__file__).parent / "places.toml").read_text())["place"]
LAST_FOUR_FROM = 20


def scan_workspace(
    workspace: Path,
    *,
    environ: Mapping[str, str],
    home: Path,
    history: bool = True,
    keys: Fingerprints | None = None,
    book: ProviderBook | None = None,
) -> list[Finding]:
    """Findings by value, each with all its places. Read-only; no network, no daemon.

    `keys` makes fingerprints; without it they are good for this scan only.
    """
    made = _Scan(book or _book(), keys or temporary())
    made.files(workspace_files(workspace), "file")
    made.variables(environ)
    made.places(home)
    if history:
        made.git(workspace)
    return list(made.findings.values())


@lru_cache(maxsize=1)
def _book() -> ProviderBook:
    return ProviderBook.load()


class _Scan:
    def __init__(self, book: ProviderBook, keys: Fingerprints) -> None:
        self.findings: dict[bytes, Finding] = {}
        self._book = book
        self._keys = keys
        self._detector = Detector(book)

    def files(self, files: Iterator[tuple[str, bytes]], source: str) -> None:
        for path, content in files:
            for hit in self._detector.hits(content):
                self._add(hit, content[hit.start : hit.end], _at(source, path, content, hit))

    def variables(self, environ: Mapping[str, str]) -> None:
        for name, value in environ.items():
            raw = value.encode("utf-8", "surrogateescape")
            hit = self._detector.named(name, raw)
            if hit is not None:
                self._add(hit, raw[hit.start : hit.end], Location("variable", name, start=hit.start, end=hit.end))

    def places(self, home: Path) -> None:
        """The files of clients: those of providers' folders by their dotted path, the others by key names."""
        for place in _PLACES:
            path = str(home / place["path"].removeprefix("~/"))
            content = read_text(path)
            if content is not None:
                self.files(iter([(path, content)]), "file")
                self._keyed(path, content, frozenset(place.get("keys", ())))
        for room in self._book.rooms:
            for kind in room.credentials:
                for file in kind.files:
                    path = str(home / file.path.removeprefix("~/"))
                    content = read_text(path)
                    value = _dotted(content, file.at) if content is not None else None
                    if content is not None and value and kind.value.fullmatch(value):
                        hit = Hit(room.name, kind.id, kind.title, kind.broad, *_span(content, value.encode()))
                        self._add(hit, value.encode(), _at("file", path, content, hit))

    def git(self, workspace: Path) -> None:
        found: list[tuple[Hit, bytes, str]] = []
        for oid, _, content in git_objects(workspace):
            found += [(hit, content[hit.start : hit.end], oid) for hit in self._detector.hits(content)]
        paths = paths_of(workspace, {oid for _, _, oid in found}) if found else {}
        for hit, value, oid in found:
            self._add(hit, value, Location("history", paths.get(oid, ""), object_id=oid, start=hit.start, end=hit.end))

    def _keyed(self, path: str, content: bytes, keys: frozenset[str]) -> None:
        if not keys or not path.endswith(".json"):
            return
        for value in _values(_json(content), keys):
            if len(value) >= 8:
                hit = Hit("", "client-login", "login of a client", False, *_span(content, value.encode()))
                self._add(hit, value.encode(), _at("file", path, content, hit))

    def _add(self, hit: Hit, value: bytes, location: Location) -> None:
        known = self.findings.get(value)
        if known is not None:
            self.findings[value] = known.also_at((location,))
            return
        text = value.decode("latin-1")
        last_four = text[-4:] if len(text) >= LAST_FOUR_FROM and text[-4:].isalnum() else ""
        credential = Credential(self._keys.fingerprint(value), hit.provider, hit.kind, (location,), last_four)
        self.findings[value] = Finding(credential, Secret(value), hit.title, hit.broad, self._position(hit))

    def _position(self, hit: Hit) -> str:
        """Where its placeholder works: a kind of its own header's, else the room's first."""
        room = self._book.named(hit.provider)
        if room is None or not room.positions:
            return ""
        own = f"header:{hit.kind}-access-token"
        return own if own in room.positions else room.positions[0]


def _at(source: str, path: str, content: bytes, hit: Hit) -> Location:
    return Location(source, path, line=content.count(b"\n", 0, hit.start) + 1, start=hit.start, end=hit.end)


def _span(content: bytes, value: bytes) -> tuple[int, int]:
    start = content.find(value)
    return (start, start + len(value)) if start >= 0 else (0, 0)


def _json(content: bytes) -> Any:  # Any: whatever the client wrote
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _dotted(content: bytes, at: str) -> str | None:
    value = _json(content)
    for key in at.split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value if isinstance(value, str) else None


def _values(value: Any, keys: frozenset[str]) -> Iterator[str]:  # Any: parsed JSON
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in keys and isinstance(inner, str):
                yield inner
            else:
                yield from _values(inner, keys)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner, keys)
