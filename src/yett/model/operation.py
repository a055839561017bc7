"""One normalised act, and the attempt that gathers the acts of one request."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from yett.model.canonical import Json
from yett.model.effects import Effect, Recovery
from yett.model.identity import Session
from yett.model.resource import Resource, ResourceRef
from yett.model.undo import OwnUndo

UNKNOWN_COST = 10**15
"""Cost of an act whose size nobody knows: over every budget, far from a 64-bit overflow."""


@dataclass(frozen=True, slots=True)
class Amount:
    """Deletes, rows and bytes: what an act costs, what a task has spent, what it may spend."""

    deletes: int = 0
    rows: int = 0
    bytes: int = 0

    def __add__(self, other: Amount) -> Amount:
        return Amount(self.deletes + other.deletes, self.rows + other.rows, self.bytes + other.bytes)

    def as_json(self) -> dict[str, Json]:
        return {"deletes": self.deletes, "rows": self.rows, "bytes": self.bytes}


@dataclass(frozen=True, slots=True)
class Governed:
    """The act is on resources of a provider that Yett knows. Empty `resources`: the account as a whole.

    `placeless`: the provider's folder declares that the act stands in no environment (a model call, "who am I"), so it
    counts as the task's own place.
    """

    provider: str
    resources: tuple[ResourceRef, ...] = ()
    placeless: bool = False


@dataclass(frozen=True, slots=True)
class Host:
    """The act is on a host that no provider names. `opaque`: Yett cannot read the protocol."""

    name: str
    opaque: bool = False


@dataclass(frozen=True, slots=True)
class GitRef:
    """The act moves a ref of a git remote. `change`: create, fast-forward, force, delete, tag; "" for a fetch."""

    remote: str
    ref: str
    change: str = ""
    own: bool = False
    protected: bool = False
    triggers: bool = False
    workflow: bool = False


Target = Governed | Host | GitRef


class Via(StrEnum):
    """How an act comes to a table."""

    NAMED = ""
    """Its own text names it, or nobody knows better."""
    CASCADE = "cascade"
    """A foreign key deletes, or updates, with the row that it refers to."""
    DETACH = "detach"
    """A foreign key is set to null, or to its default."""
    OTHER = "other"
    """A trigger, a rule, a function."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What an act did to one table, counted inside its own open transaction; or -1 each: nobody knows yet.

    `estimated`: nobody counted; the server's own guess from before it ran. `before`: rows of this table that the task
    has deleted or changed already without a person, in acts too small for one.
    """

    table: str
    deleted: int = 0
    updated: int = 0
    inserted: int = 0
    estimated: bool = False
    via: Via = Via.NAMED
    before: int = 0

    @property
    def known(self) -> bool:
        return min(self.deleted, self.updated, self.inserted) >= 0

    @property
    def total(self) -> int:
        return self.deleted + self.updated + self.inserted

    def as_json(self) -> dict[str, Json]:
        return {**self.counts(), "estimated": self.estimated, "via": self.via.value, "before": self.before}

    def counts(self) -> dict[str, Json]:
        return {"table": self.table, "deleted": self.deleted, "updated": self.updated, "inserted": self.inserted}

    def most(self) -> Rows:
        """The bounds that a person signs: what was counted plus 5 %, at least ten rows; twice an estimate plus ten.

        None stays none. An estimate is off by what it is off: twice of it is what the page states, and what is counted
        when the act has run must lie within that.
        """
        most = _most_of_estimate if self.estimated else _most
        return Rows(self.table, most(self.deleted), most(self.updated), most(self.inserted))


def _most(shown: int) -> int:
    return shown + max(10, shown // 20) if shown > 0 else shown


def _most_of_estimate(shown: int) -> int:
    return 2 * shown + 10 if shown > 0 else shown


@dataclass(frozen=True, slots=True)
class Operation:
    """One normalised act (design, section 2).

    `action` is namespaced ("railway:volumeDelete", "http:POST", "git:push"); `parameters` is a JSON object of all that
    the act carries, as the upstream will read it; `cascade` names what goes down with the resource; `returns_secret`
    marks an answer that holds a credential (sealed, or withheld: law 5). `rows` is measured anew whenever the act is
    tried, so it is no part of the act's identity: a person signs bounds on it.
    """

    action: str
    effect: Effect
    recovery: Recovery
    target: Target
    wire: str
    parameters: dict[str, Json] = field(default_factory=dict, hash=False)
    cascade: tuple[str, ...] = ()
    returns_secret: bool = False
    cost: Amount = Amount()
    rows: tuple[Rows, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """The form that is digested, signed and shown."""
        match self.target:
            case Governed(provider, resources):
                on: dict[str, Json] = {"provider": provider, "resources": [[r.kind, r.id] for r in resources]}
            case Host(name, opaque):
                on = {"host": name, "opaque": opaque}
            case GitRef() as ref:
                on = {"remote": ref.remote, "ref": ref.ref, "change": ref.change, "own": ref.own}
        return {
            "action": self.action,
            "effect": self.effect.value,
            "recovery": self.recovery.value,
            "on": on,
            "wire": self.wire,
            "parameters": self.parameters,
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything that one request on a wire would do, if it left.

    `request_digest` covers the canonical request before injection, volatile fields out; `lease` is the id of the lease
    whose placeholder it carries, "" if none; `summary` is one redacted line for people. `undo` is the wire's own; None:
    the provider's room is asked for one. So are `resources`: what the wire knows at first hand, and now, of every
    resource that the operations name.
    """

    session: Session
    wire: str
    operations: tuple[Operation, ...]
    request_digest: str
    lease: str
    summary: str
    confirmations_ignored: tuple[str, ...] = ()
    undo: OwnUndo | None = field(default=None, compare=False, repr=False)
    resources: tuple[Resource, ...] | None = field(default=None, compare=False, repr=False)
