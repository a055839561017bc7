"""Where else a value lies that only its place gave away: a password of a .env file in a log, a note, a test.

Such a value has no form by which the engine could tell it elsewhere, so once it is known the files are searched for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping

from ahocorasick_rs import BytesAhoCorasick, MatchKind

from yett.inventory.engine.filters import stands_alone
from yett.inventory.finding import Finding
from yett.inventory.hit import Hit
from yett.inventory.look import Seen
from yett.inventory.telling import is_telling

MOST_FILES = 20_000
"""Of a report: searching a tree of third-party packages once more would double its time for nothing."""
_LARGEST = 8 << 20


def echoes(paths: Iterable[str], findings: Mapping[bytes, Finding]) -> Iterator[Seen]:
    """Every further place of these values in the files. Files of more than 8 MB are data, and passed over."""
    values = [value for value in findings if is_telling(value)]
    if not values:
        return
    search = BytesAhoCorasick(values, MatchKind.Standard)
    known = {(at.path, at.start) for value in values for at in findings[value].credential.locations}
    for path in paths:
        content = _read(path)
        for index, start, end in search.find_matches_as_indexes(content, overlapping=True) if content else ():
            if (path, start) not in known and stands_alone(content, start, end):
                yield _seen(path, content, start, end, findings[values[index]])


def _seen(path: str, content: bytes, start: int, end: int, finding: Finding) -> Seen:
    credential = finding.credential
    hit = Hit(
        credential.provider,
        credential.kind,
        finding.title,
        finding.broad,
        start,
        end,
        finding.severity,
        finding.identity,
    )
    return Seen(path, "file", content.count(b"\n", 0, start) + 1, hit, content[start:end])


def _read(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        if os.fstat(descriptor).st_size > _LARGEST:
            return b""
        return os.read(descriptor, _LARGEST)
    except OSError:
        return b""
    finally:
        os.close(descriptor)
