"""What a hold is about, as one canonical document: the page shows it, the key signs it, the release compares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from yett.approvals.document import Document, part, parts, strings, text
from yett.model.canonical import Json
from yett.model.decision import Decision
from yett.model.operation import UNKNOWN_COST, Amount, Attempt, Operation, Rows
from yett.model.resource import Place, Resource
from yett.model.undo import UndoPlan


class Situation(Protocol):
    """One operation on one resource, or on none, with what Yett itself knows of it. The checkpoint makes these."""

    @property
    def operation(self) -> Operation: ...
    @property
    def resource(self) -> Resource | None: ...
    @property
    def place(self) -> Place: ...
    @property
    def irreversible(self) -> bool: ...
    @property
    def undo(self) -> UndoPlan: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a person is asked to answer for.

    `digest` is what a re-send of the same request has in common with the first. `impact` is what it costs; what leaves
    may cost less, never more than the document's bounds. `asker` is the person who started the task; `reason` is the
    agent's own words, never part of what is signed.
    """

    attempt: Attempt
    digest: str
    situations: Sequence[Situation]
    decision: Decision
    impact: Amount
    asker: str = ""
    reason: str = ""

    def document(self) -> dict[str, Json]:
        """The signed form (law 7): operations, resources, places, principal, task, lease, policy, bounds, undo."""
        session = self.attempt.session
        return {
            "v": 1,
            "summary": self.attempt.summary,
            "request": self.attempt.request_digest,
            "digest": self.digest,
            "wire": self.attempt.wire,
            "operations": [operation.as_json() for operation in self.attempt.operations],
            "situations": [_situation(situation) for situation in self.situations],
            "principal": {
                "agent": session.principal.agent,
                "owner": session.principal.owner,
                "client": session.principal.client,
                "teams": sorted(session.principal.teams),
            },
            "asker": self.asker,
            "session": session.id,
            "task": {
                "id": session.task.id,
                "purpose": session.task.purpose,
                "environment": session.task.environment,
                "production": session.task.production,
            },
            "lease": self.attempt.lease,
            "confirmations_ignored": list(self.attempt.confirmations_ignored),
            "decision": {
                "verdict": self.decision.verdict.value,
                "obligations": sorted(self.decision.obligations),
                "rules": list(self.decision.rules),
                "reasons": list(self.decision.reasons),
                "policy": self.decision.policy_digest,
            },
            "measured": self.impact.as_json(),
            "impact": bounds(self.attempt.operations, self.impact).as_json(),
            "rows": [_bounded(rows) for operation in self.attempt.operations for rows in operation.rows],
        }


def bounds(operations: Sequence[Operation], impact: Amount) -> Amount:
    """The most that a signature covers: of what is known row by row its bounds, else what it costs.

    Of a table of which nobody knows how many rows it may be, it is an unknown number of rows.
    """
    listed = [rows for operation in operations for rows in operation.rows]
    if any(not rows.known for rows in listed):
        return Amount(impact.deletes, UNKNOWN_COST, impact.bytes)
    return Amount(impact.deletes, max(impact.rows, sum(rows.most().total for rows in listed)), impact.bytes)


def exceeded(signed: Document, done: Sequence[Rows], *, others: bool) -> tuple[str, ...]:
    """In which points what was counted goes beyond the bounds of a signed document. Empty: it lies within them.

    `others`: tables that the document does not list may be changed too, because it says that nobody can tell which.
    """
    most = {text(part(one, "most"), "table"): part(one, "most") for one in parts(signed, "rows")}
    found = []
    for rows in done:
        bound = most.get(rows.table)
        if bound is None:
            found += [] if others else [f"it changes {rows.table}, which was not signed for"]
            continue
        for name, count in (("deleted", rows.deleted), ("updated", rows.updated), ("inserted", rows.inserted)):
            signed_for = bound.get(name)
            if isinstance(signed_for, int) and 0 <= signed_for < count:
                found.append(f"{count:,} rows of {rows.table} are {name}, {signed_for:,} were signed for")
    return tuple(found)


def _bounded(rows: Rows) -> dict[str, Json]:
    return {"shown": rows.as_json(), "most": rows.most().counts()}


def _situation(situation: Situation) -> dict[str, Json]:
    resource = situation.resource
    return {
        "action": situation.operation.action,
        "effect": situation.operation.effect.value,
        "place": situation.place.value,
        "irreversible": situation.irreversible,
        "resource": None if resource is None else _resource(resource),
        "undo": {
            "possible": situation.undo.possible,
            "how": situation.undo.how,
            "gaps": list(situation.undo.gaps),
        },
    }


def _resource(resource: Resource) -> dict[str, Json]:
    return {
        "provider": resource.ref.provider,
        "kind": resource.ref.kind,
        "id": resource.ref.id,
        "name": resource.name,
        "environments": [{"id": e.id, "name": e.name} for e in resource.environments],
        "size_bytes": resource.size_bytes,
        "dependants": list(resource.dependants),
        "copies": list(resource.copies),
        "backups": [
            {
                "id": b.id,
                "made": b.made,
                "size_bytes": b.size_bytes,
                "dies": b.dies_with_resource,
                "restored": b.restored,
            }
            for b in resource.backups
        ],
    }


def drift(signed: Document, fresh: Document) -> tuple[str, ...]:
    """Say in which points `fresh` goes beyond what was signed. Empty: the signature still covers it (law 7).

    Sizes that only describe (a database that grew) may move; the bounds in `impact` may only be kept or undercut.
    """
    found = [f"the {name} changed" for name in _EXACT if signed.get(name) != fresh.get(name)]
    found += _decision_drift(part(signed, "decision"), part(fresh, "decision"))
    found += [
        f"more {unit} than were signed for"
        for unit, bound in part(signed, "impact").items()
        if _integer(part(fresh, "measured").get(unit)) > _integer(bound)
    ]
    found += _rows_drift(parts(signed, "rows"), parts(fresh, "rows"))
    old, new = parts(signed, "situations"), parts(fresh, "situations")
    if len(old) != len(new):
        return (*found, "it touches another number of resources")
    for before, after in zip(old, new, strict=True):
        found += _situation_drift(before, after)
    return tuple(found)


_EXACT = ("v", "request", "digest", "wire", "operations", "principal", "asker", "session", "task", "lease")


def _decision_drift(signed: Document, fresh: Document) -> list[str]:
    found = []
    if signed.get("policy") != fresh.get("policy"):
        found.append("the policy changed")
    if signed.get("verdict") != fresh.get("verdict"):
        found.append("the verdict changed")
    if not set(strings(fresh, "obligations")) <= set(strings(signed, "obligations")):
        found.append("more is owed than was signed for")
    return found


def _situation_drift(signed: Document, fresh: Document) -> list[str]:
    found = [
        f"the {name} of {signed.get('action')} changed"
        for name in ("action", "effect", "place")
        if signed.get(name) != fresh.get(name)
    ]
    if fresh.get("irreversible") is not False and signed.get("irreversible") is False:
        found.append("it became irreversible")
    found += _undo_drift(part(signed, "undo"), part(fresh, "undo"))
    if (signed.get("resource") is None) != (fresh.get("resource") is None):
        return [*found, "the resource changed"]
    if signed.get("resource") is not None:
        found += _resource_drift(part(signed, "resource"), part(fresh, "resource"))
    return found


def _rows_drift(signed: Sequence[Document], fresh: Sequence[Document]) -> list[str]:
    """The same tables exactly, and of each no more than was signed for."""
    bounds = {text(part(one, "most"), "table"): part(one, "most") for one in signed}
    now = {text(part(one, "shown"), "table"): part(one, "shown") for one in fresh}
    if bounds.keys() != now.keys() or len(bounds) != len(signed) or len(now) != len(fresh):
        return ["it changes other tables"]
    return [
        f"more rows of {table} are {verb} than were signed for"
        for table, shown in now.items()
        for verb in ("deleted", "updated", "inserted")
        if not _at_most(shown.get(verb), bounds[table].get(verb))
    ]


def _at_most(shown: Json, bound: Json) -> bool:
    """-1, what nobody counted, is within -1 only."""
    if _integer(bound) < 0 or _integer(shown) < 0:
        return shown == bound
    return _integer(shown) <= _integer(bound)


def _undo_drift(signed: Document, fresh: Document) -> list[str]:
    if signed.get("possible") is True and fresh.get("possible") is not True:
        return ["an undo is no longer possible"]
    if signed.get("how") != fresh.get("how"):
        return ["the undo is made in another way"]
    if not set(strings(fresh, "gaps")) <= set(strings(signed, "gaps")):
        return ["the undo covers less"]
    return []


def _resource_drift(signed: Document, fresh: Document) -> list[str]:
    found = [
        f"the resource's {name} changed"
        for name in ("provider", "kind", "id", "name", "environments")
        if signed.get(name) != fresh.get(name)
    ]
    if not set(strings(fresh, "dependants")) <= set(strings(signed, "dependants")):
        found.append("more depends on it")
    if not surviving(signed) <= surviving(fresh):
        found.append("a backup that would have been left is gone")
    return found


def surviving(resource: Document) -> set[str]:
    """Ids of the backups that outlive the resource."""
    return {str(backup.get("id")) for backup in parts(resource, "backups") if backup.get("dies") is False}


def _integer(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else UNKNOWN_COST
