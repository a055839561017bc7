"""One line of a baseline: a finding that was accepted, or a rule for paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any

from yett.inventory.baseline.globs import matches
from yett.inventory.finding import Acceptance

LONGEST = 1000
"""Characters of one text."""


class BadEntry(ValueError):
    """Why, in a few words: whoever read the file adds where."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One credential at one path. `until` is the last ISO day that it counts, "" for ever; `added` the day it was."""

    fingerprint: str
    rule: str
    path: str
    reason: str
    until: str = ""
    by: str = ""
    audited: bool = False
    added: str = ""

    def __post_init__(self) -> None:
        _say(self.fingerprint and self.rule and self.path, "it needs a fingerprint, a rule and a path")
        _say(self.reason.strip(), "it has no reason")
        day(self.until)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.fingerprint, self.rule, self.path

    @property
    def acceptance(self) -> Acceptance:
        return Acceptance(self.reason, self.until, self.by, self.audited)

    def as_record(self) -> dict[str, Any]:  # Any: JSON
        return {name: value for name, value in asdict(self).items() if value != ""}


@dataclass(frozen=True, slots=True)
class Allow:
    """Paths by a glob and rules by a glob, for one credential or, without `fingerprint`, for every one there.

    The last is the widest thing that a baseline can say, so it must end on a date.
    """

    path: str
    rule: str
    reason: str
    fingerprint: str = ""
    until: str = ""
    by: str = ""

    def __post_init__(self) -> None:
        _say(self.path and self.rule, "it needs a path and a rule")
        _say(self.reason.strip(), "it has no reason")
        _say(self.fingerprint or self.until, "it is for every credential of a path and has no date until when")
        day(self.until)

    @property
    def acceptance(self) -> Acceptance:
        return Acceptance(self.reason, self.until, self.by, audited=True)

    def covers(self, rule: str, path: str) -> bool:
        return matches(self.rule, rule) and matches(self.path, path)

    def as_record(self) -> dict[str, Any]:  # Any: JSON
        return {name: value for name, value in asdict(self).items() if value != ""}


def expired(until: str, today: date) -> bool:
    return bool(until) and day(until) < today


def day(text: str) -> date:
    """An ISO day; "" is the last one there is.

    Raises:
        BadEntry: it is no day.
    """
    if not text:
        return date.max
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadEntry("its date is not a day like 2031-12-31") from None


def entry_of(record: object) -> Entry:
    """Raises BadEntry."""
    return Entry(**_checked(record, Entry))


def allow_of(record: object) -> Allow:
    """Raises BadEntry."""
    return Allow(**_checked(record, Allow))


def _checked(record: object, kind: type[Entry] | type[Allow]) -> dict[str, Any]:  # Any: what the JSON said
    """A misspelt key is an error: with `untill` an entry would hold for ever."""
    _say(isinstance(record, Mapping), "it is not an object")
    assert isinstance(record, Mapping)
    known = {field.name: bool if field.type == "bool" else str for field in fields(kind)}
    for name, value in record.items():
        _say(name in known, f"it has a key that does not exist: {name[:40]!r}")
        _say(isinstance(value, known[name]), f"its {name} is not {'true or false' if known[name] is bool else 'text'}")
        _say(not isinstance(value, str) or len(value) <= LONGEST, f"its {name} is longer than {LONGEST} characters")
    missing = [name for name in ("rule", "path", "reason") if name not in record]
    _say(not missing, f"it has no {' and no '.join(missing)}")
    given = dict(record)
    if kind is Entry:
        given.setdefault("fingerprint", "")
    return given


def _say(good: object, why: str) -> None:
    if not good:
        raise BadEntry(why)
