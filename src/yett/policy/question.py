"""What is asked of the policy: one operation on one resource, and all that is true of it.

The values check themselves when they are made. A mistyped one is not raised but noted in `faults`, and `decide` answers
it with a deny and an alarm: a mistake of a wire must neither reach Cedar nor break the wire.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass, field
from functools import lru_cache
from operator import attrgetter

from yett.model.effects import Effect
from yett.model.operation import Amount
from yett.policy.schema import CONTEXT_FIELDS, KINDS, PLACES, UNDO_STATES, Entity

LONG_MAX = 2**63 - 1
MAX_NAME = 4_096
"""Characters of one id or name. They come from agents' requests, and are kept as keys."""
MAX_ANCESTORS = 256

_PATHS = tuple(path for path in CONTEXT_FIELDS if path != "over_budget")
_TYPES = tuple(CONTEXT_FIELDS[path] for path in _PATHS)
_read_all = attrgetter(*_PATHS)
_read_amounts = attrgetter(*(path for path in _PATHS if CONTEXT_FIELDS[path] is int))
_read_names = attrgetter("action", "wire", "change")
_read_budget = attrgetter("deletes", "rows", "bytes")


@dataclass(frozen=True, slots=True)
class TaskState:
    """`live`: it has not ended. `named`: the person named an environment for it."""

    live: bool
    named: bool


@dataclass(frozen=True, slots=True)
class Context:
    """Cedar's context, field by field as in `yett.cedarschema`. No defaults: whoever asks says everything.

    `action` is the operation's own name, `undo` one of verified, possible, none; `source` an IP address; `now` in whole
    seconds since the epoch. `over_budget` follows from the three amounts.
    """

    action: str
    wire: str
    irreversible: bool
    undo: str
    asked: bool
    granted: bool
    remembered: bool
    team: bool
    task: TaskState
    spent: Amount
    cost: Amount
    limit: Amount
    change: str
    workflow: bool
    source: str
    now: int
    over_budget: bool = field(init=False, compare=False)
    faults: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        faults = _context_faults(self)
        object.__setattr__(self, "faults", faults)
        object.__setattr__(self, "over_budget", True if faults else _over_budget(self))


@dataclass(frozen=True, slots=True)
class Question:
    """One operation on one resource. `kind` is Resource, Host or Ref; `id` is immutable.

    `teams` and `parents` ((type, id) of Place, Environment, Provider and containing resources) are *all* ancestors,
    transitively. A Resource and a Ref stand in exactly one Place.
    """

    agent: str
    teams: tuple[str, ...]
    effect: Effect
    kind: str
    id: str
    parents: tuple[Entity, ...]
    attributes: tuple[tuple[str, bool], ...]
    context: Context
    standing: tuple[object, ...] = field(init=False, compare=False, repr=False)
    """Everything but the context, as one key."""
    faults: tuple[str, ...] = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        standing = (self.effect, self.kind, self.agent, self.id, self.teams, self.parents, self.attributes)
        object.__setattr__(self, "standing", standing)
        object.__setattr__(self, "faults", _question_faults(self))


def _over_budget(context: Context) -> bool:
    amounts = zip(*map(_read_budget, (context.spent, context.cost, context.limit)), strict=True)
    return any(spent + cost > limit for spent, cost, limit in amounts)


def _context_faults(context: Context) -> tuple[str, ...]:
    try:
        values = _read_all(context)
    except AttributeError as error:
        return (f"the context is incomplete: {error}",)
    if tuple(map(type, values)) != _TYPES:
        wrong = [p for p, v, t in zip(_PATHS, values, _TYPES, strict=True) if type(v) is not t]
        return tuple(f"context.{path} is not a {CONTEXT_FIELDS[path].__name__}" for path in wrong)
    numbers = _read_amounts(context)
    if min(numbers) < 0 or max(numbers) > LONG_MAX:
        return ("an amount or the time is out of range",)
    if max(map(len, _read_names(context))) > MAX_NAME:
        return (f"a name in the context has more than {MAX_NAME:,} characters",)
    if context.undo not in UNDO_STATES:
        return (f"context.undo is {context.undo!r}",)
    if not _is_address(context.source):
        return ("context.source is no IP address",)
    return ()


def _question_faults(q: Question) -> tuple[str, ...]:
    if type(q.context) is not Context:
        return ("the context is missing",)
    if q.context.faults:
        return q.context.faults
    if type(q.effect) is not Effect:
        return (f"the effect {str(q.effect)[:40]!r} is not one of {', '.join(Effect)}",)
    if type(q.kind) is not str or q.kind not in KINDS:
        return (f"the kind {str(q.kind)[:40]!r} is not one of {', '.join(KINDS)}",)
    if type(q.agent) is not str or type(q.id) is not str or not _are(str, q.teams):
        return ("agent, id or teams are mistyped",)
    if max(map(len, (q.agent, q.id, *q.teams))) > MAX_NAME or len(q.teams) > MAX_ANCESTORS:
        return ("agent, id or teams are too long",)
    return _parent_faults(q.kind, q.parents) or _attribute_faults(q.kind, q.attributes)


def _parent_faults(kind: str, parents: tuple[Entity, ...]) -> tuple[str, ...]:
    allowed = KINDS[kind][0]
    if not _are(tuple, parents) or any(len(p) != 2 or not _are(str, p) or p[0] not in allowed for p in parents):
        return (f"a {kind} has a parent that it cannot have",)
    if len(parents) > MAX_ANCESTORS or any(len(name) > MAX_NAME for _, name in parents):
        return (f"the parents of a {kind} are too many or too long",)
    places = [name for type_, name in parents if type_ == "Place"]
    if allowed and (len(places) != 1 or places[0] not in PLACES):
        return (f"a {kind} stands in exactly one place",)
    return ()


def _attribute_faults(kind: str, attributes: tuple[tuple[str, bool], ...]) -> tuple[str, ...]:
    if not attributes and not KINDS[kind][1]:
        return ()
    if not _are(tuple, attributes) or any(tuple(map(type, pair)) != (str, bool) for pair in attributes):
        return (f"the attributes of a {kind} are not names with a bool",)
    if sorted(name for name, _ in attributes) != sorted(KINDS[kind][1]):
        return (f"a {kind} has exactly the attributes {', '.join(sorted(KINDS[kind][1]))}",)
    return ()


def _are(wanted: type, values: object) -> bool:
    return type(values) is tuple and all(type(value) is wanted for value in values)


@lru_cache(maxsize=1024)
def _is_address(text: str) -> bool:
    try:
        return getattr(ipaddress.ip_address(text), "scope_id", None) is None
    except ValueError:
        return False
