"""What a commit would add: the credentials in changed files that the files did not hold before. For a commit hook.

Everybody who commits waits for this, so it imports hyperscan and the standard library only, and reads nothing but the
blobs that changed; what they were before only where something was found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from yett.inventory.changes.files import Change, NoRepository, hook_environment
from yett.inventory.engine import Detector, engine
from yett.inventory.git import read_many
from yett.inventory.hit import Hit
from yett.inventory.likely import is_weighty
from yett.inventory.texts import BINARY_HEAD, hits_in, utf16
from yett.model.visible import visible


@dataclass(frozen=True, slots=True)
class Leak:
    """A credential that a change adds. `value` stays in memory."""

    path: str
    line: int
    hit: Hit
    value: bytes
    commit: str = ""


Spots = list[tuple[Hit, bytes, int]]


def leaks(folder: Path, changes: list[Change], detector: Detector | None = None) -> list[Leak]:
    """What the changes add. A credential that stood in the file before is no news, whatever line it moves to.

    Raises:
        NoRepository: git lacks a blob that is to be looked at.
    """
    known = detector or engine(light=True)
    there: dict[int, Spots] = {}
    missing = dict(enumerate(changes))
    for number, content in _contents(folder, {at: (change.after,) for at, change in enumerate(changes)}):
        missing.pop(number, None)
        if spots := list(_look(known, changes[number].path, content)):
            there[number] = spots
    if missing:
        first = next(iter(missing.values())).path
        raise NoRepository(f"git does not have what {visible(first, 160)} becomes", "git fsck says what is broken")
    old: dict[int, set[bytes]] = {number: set() for number in there}
    for number, content in _contents(folder, {number: changes[number].before for number in there}):
        old[number].update(value for _, value, _ in _look(known, changes[number].path, content))
    return [
        Leak(changes[number].path, line, hit, value, changes[number].commit)
        for number, spots in sorted(there.items())
        for hit, value, line in spots
        if value not in old[number]
    ]


def _contents(folder: Path, wanted: Mapping[int, Iterable[str]]) -> Iterator[tuple[int, bytes]]:
    """Each blob once through git, for all the changes that want it."""
    askers: dict[str, list[int]] = {}
    for number, oids in wanted.items():
        for oid in oids:
            askers.setdefault(oid, []).append(number)
    if not askers:
        return
    for oid, _, content in read_many(folder, askers, hook_environment()):
        for number in askers.get(oid, ()):
            yield number, content


def _look(detector: Detector, path: str, content: bytes) -> Iterator[tuple[Hit, bytes, int]]:
    """(hit, value, line) of what is worth stopping a commit for, once under each reading of its bytes."""
    told: set[bytes] = set()
    for text in _texts(content):
        seen = [spot for spot in _weighty(detector, path, text) if spot[1] not in told]
        told.update(value for _, value, _ in seen)
        yield from seen


def _texts(content: bytes) -> Iterator[bytes]:
    """What it may say: as UTF-16, and as it lies, since its first bytes may lie."""
    if encoding := utf16(content[:BINARY_HEAD]):
        yield content.decode(encoding, "replace").encode("utf-8", "replace")
    if content:
        yield content


def _weighty(detector: Detector, path: str, text: bytes) -> Iterator[tuple[Hit, bytes, int]]:
    for hit in _with_format(path, text, hits_in(detector, text)):
        if is_weighty(path, text, hit):
            yield hit, hit.value_in(text), text.count(b"\n", 0, max(hit.start, 0)) + 1


def _with_format(path: str, content: bytes, found: list[Hit]) -> list[Hit]:
    from yett.inventory.formats.names import format_at

    form = format_at(path)
    if form is None:
        return found
    from yett.inventory.joined import joined, parsed

    return joined(found, list(parsed(content, form, lambda _why: None)), len(content))
