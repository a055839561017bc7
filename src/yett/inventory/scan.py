"""find -> identify, for whoever starts an agent: every credential within its reach, to be masked and lent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yett.inventory.echoes import echoes
from yett.inventory.engine import Detector, engine
from yett.inventory.finding import Finding
from yett.inventory.fingerprints import Fingerprints, temporary
from yett.inventory.gather import Gathering
from yett.inventory.hit import Hit
from yett.inventory.homes import home_files
from yett.inventory.likely import severity_of
from yett.inventory.look import Look, Seen
from yett.inventory.outcome import Unread
from yett.inventory.severity import Severity
from yett.inventory.sources import git_folder, git_texts, paths_of, read_text
from yett.inventory.tree import Tree
from yett.model.credential import Location

if TYPE_CHECKING:
    from yett.inventory.history.screening import HistoryOutcome
    from yett.providers.book import ProviderBook
    from yett.providers.room import FilePlace, Room

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
    detector, known = engine(), book or rooms()
    made = Gathering(detector, lambda: known, keys or temporary(), encodings=True)
    say("reading clients' files and variables")
    clients(made, known, home, environ)
    made.variables(environ)
    say("reading files")
    roots = [*map(str, (workspace, *also))]
    for seen in Tree(detector, _unheard, named=True).seen(roots):
        made.add(seen)
    if history and (repository := git_folder(workspace)) is not None:
        say("reading git history")
        git_history(made, detector, workspace, repository)
    for seen in [*echoes(Tree(detector, _unheard, named=True).files(roots), made.findings)]:
        made.add(seen)  # also what only the past or a variable says is a credential
    say(f"{len(made.findings)} credentials found")
    return list(made.findings.values())


def clients(made: Gathering, book: ProviderBook, home: Path, environ: Mapping[str, str]) -> None:
    """The files of clients: those of providers' folders by their dotted path, then the others by their form."""
    room_files(made, book, home)
    look = Look(engine())
    for place, of in home_files(home, environ, _unheard):
        if of != "transcript":
            for seen in look.file(place, _unheard):
                made.add(seen)


def room_files(made: Gathering, book: ProviderBook, home: Path) -> None:
    """What providers' own tools keep, and where in it: only a room knows where a placeholder for it works."""
    for room in book.rooms:
        for kind in room.credentials:
            for file in kind.files:
                path = str(home / file.path.removeprefix("~/"))
                content = read_text(path)
                value = _dotted(content, file.at) if content is not None else None
                if content is not None and value and kind.value.fullmatch(value):
                    severity = Severity.CRITICAL if kind.broad else Severity.HIGH
                    span = _span(content, value.encode())
                    hit = Hit(room.name, kind.id, kind.title, kind.broad, *span, severity, "oauth-token")
                    line = content.count(b"\n", 0, hit.start) + 1
                    made.add(Seen(path, "file", line, hit, value.encode()), _position_in(room, file))


def git_history(made: Gathering, detector: Detector, workspace: Path, repository: Path) -> None:
    """git's objects and its own files."""
    from yett.inventory.history.scan import scan_history  # most scans of files need none of it

    look = Look(detector)
    for path, content in git_texts(repository):
        for seen in look.text(path, content, "client-config", _unheard):
            made.add(seen)
    record(made, workspace, scan_history(workspace, detector, workers=1))


def record(made: Gathering, workspace: Path, outcome: HistoryOutcome) -> None:
    """What history holds, each with a path that it had there."""
    from yett.inventory.named_past import named_past

    paths = paths_of(workspace, {found.oid for found in outcome.found}) if outcome.found else {}
    rows = [(found.oid, paths.get(found.oid, ""), found.spots) for found in outcome.found]
    for oid, path, spots in (*rows, *named_past(workspace)):
        for spot in spots:
            at = Location("history", path, spot.line, object_id=oid, start=spot.hit.start, end=spot.hit.end)
            made.put(spot.hit, spot.value, at, 0.0, severity_of(path, spot.hit, spot.value))


@lru_cache(maxsize=1)
def rooms() -> ProviderBook:
    """The providers' rooms, read once, and not before somebody needs them."""
    from yett.providers.book import ProviderBook

    return ProviderBook.load()


def _silent(_line: str) -> None:
    """Nobody wants to know."""


def _unheard(_unread: Unread) -> None:
    """What an agent's start cannot read, the agent cannot read either."""


def _position_in(room: Room, file: FilePlace) -> str | None:
    """A refresh token goes into the body of the login request only: refreshToken is the field refresh_token."""
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", file.at.rpartition(".")[2]).lower()
    for endpoint in room.token_endpoints:
        for field in endpoint.request:
            if name in (field, field.removesuffix("_token")):
                return f"field:{field}"
    return None


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
