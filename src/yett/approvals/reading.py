"""A hold's signed document, read for a person: what happens, where, how bad it is, and what would be left.

Only the document is read, never the store or the request, so that a page cannot show one thing and have another signed.
Both renderers (console, `words.py`) use this reading; escaping is theirs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from yett.approvals.changes import change, sentence
from yett.approvals.document import Document, part, parts, strings, text
from yett.model.canonical import Json
from yett.model.operation import UNKNOWN_COST

_SEVERITY = {"read": 0, "write": 1, "unknown": 2, "admin": 3, "delete": 4}

_AGAIN = "-- a yes lets the task do this again, with these values, until it ends"
_STATEMENT, _BESIDE, _VALUE = 400, 250, 80
"""Characters of a statement that something is said of, of each thing that is, and of one bound value."""
SHOWN = _STATEMENT + 2 * _BESIDE + 20
"""Characters of one of `Reading.statements` that a renderer shows (hold.html, too)."""

_PLACES = {
    "task": "this task's own environment",
    "production": "a key signed this task for it",
    "elsewhere": "outside this task, treated as production",
}


@dataclass(frozen=True, slots=True)
class BackupLine:
    """One copy: `left` says whether it outlives the act; `restored` when a restore from it last worked, "" never."""

    id: str
    made: str
    size: str
    left: bool
    restored: str


@dataclass(frozen=True, slots=True)
class Touched:
    """One operation on one resource."""

    action: str
    effect: str
    irreversible: bool
    place: str
    where: str
    environments: tuple[str, ...]
    kind: str
    name: str
    id: str
    size: str
    dependants: tuple[str, ...]
    backups: tuple[BackupLine, ...]
    copies: tuple[str, ...]
    undo_possible: bool
    undo_how: str
    undo_gaps: tuple[str, ...]

    @property
    def backups_left(self) -> int:
        return sum(backup.left for backup in self.backups)

    @property
    def weight(self) -> tuple[bool, bool, int, bool]:
        """Orders from mild to severe."""
        hopeless = self.irreversible and not self.undo_possible
        return (hopeless, self.irreversible, _SEVERITY.get(self.effect, 2), self.place != "task")


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole hold. `touched` is worst first; `gravity` is grave, serious or plain."""

    touched: tuple[Touched, ...]
    summary: str
    agent: str
    client: str
    owner: str
    asker: str
    purpose: str
    environment: str
    lease: str
    wire: str
    impact: str
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    obligations: tuple[str, ...]
    confirmations_ignored: tuple[str, ...]
    changes: tuple[str, ...] = ()
    """Per table what it does, and the most that the signature covers."""
    sentence: str = ""
    """All of that in one line: "deletes 10 users, cascades to 1,240 bookings"; "" where nothing is known of rows."""
    statements: tuple[str, ...] = ()
    """What the agent wrote, in its order; hostile text."""

    @property
    def worst(self) -> Touched:
        return self.touched[0]

    @property
    def gravity(self) -> str:
        if self.worst.irreversible:
            return "grave"
        mild = self.worst.effect in ("read", "write") and self.worst.place == "task"
        return "plain" if mild else "serious"

    @property
    def headline(self) -> str:
        """What it is in two or three words: "Irreversible delete"."""
        effect = {"unknown": "unknown act", "admin": "admin act"}.get(self.worst.effect, self.worst.effect)
        return f"Irreversible {effect}" if self.worst.irreversible else effect.capitalize()


def read(document: Document) -> Reading:
    """Read a signed document. What is missing reads as unknown, never as harmless."""
    principal, task, decision = (part(document, name) for name in ("principal", "task", "decision"))
    touched = [_touched(situation) for situation in parts(document, "situations")]
    if not touched:
        touched = [_touched(operation) for operation in parts(document, "operations")] or [_touched({})]
    return Reading(
        touched=tuple(sorted(touched, key=lambda one: one.weight, reverse=True)),
        summary=text(document, "summary"),
        agent=text(principal, "agent"),
        client=text(principal, "client"),
        owner=text(principal, "owner"),
        asker=text(document, "asker"),
        purpose=text(task, "purpose"),
        environment=text(task, "environment"),
        lease=text(document, "lease"),
        wire=text(document, "wire"),
        impact=_impact(part(document, "impact")),
        rules=strings(decision, "rules"),
        reasons=strings(decision, "reasons"),
        obligations=strings(decision, "obligations"),
        confirmations_ignored=strings(document, "confirmations_ignored"),
        changes=_changes(document, touched),
        sentence=sentence(parts(document, "rows")),
        statements=tuple(
            statement
            for operation in parts(document, "operations")
            for statement in _statements(part(operation, "parameters"))
        ),
    )


def _statements(parameters: Document) -> list[str]:
    """Each with the settings of its session that are not as usual, since what it selects hangs on them, and with what
    is bound to it; and that a yes counts for more than once."""
    settings, bound = _lists(parameters, "settings"), _lists(parameters, "bound")
    found = []
    for n, statement in enumerate(strings(parameters, "statements")):
        beside = _where(settings[n : n + 1]) + _with(bound[n : n + 1])
        cut = _cut(statement, _STATEMENT) if beside else statement
        found.append("\n".join((cut, *(_cut(one, _BESIDE) for one in beside))))
    return [*found, _AGAIN] if parameters.get("lasting") else found


def _where(settings: Sequence[Json]) -> list[str]:
    said = [one for each in settings for one in strings({"settings": each}, "settings")]
    return [f"-- where {', '.join(said)}"] if said else []


def _with(bound: Sequence[Json]) -> list[str]:
    values = [one for each in bound if isinstance(each, Sequence) and not isinstance(each, str) for one in each]
    said = [f"${n} = {_cut(json.dumps(value, ensure_ascii=False), _VALUE)}" for n, value in enumerate(values, 1)]
    return [f"-- with {', '.join(said)}"] if said else []


def _cut(said: str, most: int) -> str:
    """All of it stands in the document itself."""
    return said if len(said) <= most else f"{said[:most]}..."


def _lists(parameters: Document, name: str) -> Sequence[Json]:
    found = parameters.get(name)
    return found if isinstance(found, Sequence) and not isinstance(found, str) else ()


def _changes(document: Document, touched: list[Touched]) -> tuple[str, ...]:
    """What nobody can read may do more than any list says."""
    listed = tuple(change(rows) for rows in parts(document, "rows"))
    unread = listed and any(one.effect == "unknown" for one in touched)
    return (*listed, "and whatever the parts of it do that nobody can read, to any table") if unread else listed


def human_size(size: Json) -> str:
    """Bytes as a person reads them; "unknown size" for anything that is not a believable number."""
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or size >= UNKNOWN_COST:
        return "unknown size"
    if size < 1000:
        return f"{size} B"
    amount = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        amount /= 1000
        if amount < 1000:
            return f"{amount:.1f} {unit}"
    return f"{amount:.0f} TB"


def _touched(situation: Document) -> Touched:
    resource, undo = part(situation, "resource"), part(situation, "undo")
    place = text(situation, "place")
    return Touched(
        action=text(situation, "action"),
        effect=text(situation, "effect") or "unknown",
        irreversible=situation.get("irreversible") is not False,
        place=place,
        where=_PLACES.get(place, "an unknown place, treated as production"),
        environments=tuple(text(e, "name") or text(e, "id") for e in parts(resource, "environments")),
        kind=text(resource, "kind"),
        name=text(resource, "name"),
        id=text(resource, "id"),
        size=human_size(resource.get("size_bytes")) if resource else "",
        dependants=strings(resource, "dependants"),
        backups=tuple(_backup(backup) for backup in parts(resource, "backups")),
        copies=strings(resource, "copies"),
        undo_possible=undo.get("possible") is True,
        undo_how=text(undo, "how"),
        undo_gaps=strings(undo, "gaps"),
    )


def _backup(backup: Document) -> BackupLine:
    return BackupLine(
        id=text(backup, "id"),
        made=text(backup, "made"),
        size=human_size(backup.get("size_bytes")),
        left=backup.get("dies") is False,
        restored=text(backup, "restored"),
    )


def _impact(impact: Document) -> str:
    parts = []
    for name, unit in (("deletes", "deletion"), ("rows", "row")):
        count = impact.get(name)
        if not isinstance(count, int) or count >= UNKNOWN_COST:
            parts.append(f"unknown number of {unit}s")
        elif count:
            parts.append(f"{count:,} {unit}{'' if count == 1 else 's'}")
    size = impact.get("bytes")
    if size != 0:
        parts.append(human_size(size))
    return "at most " + " · ".join(parts) if parts else "nothing that can be counted"
