"""What is known of a part of a statement, and how parts add up: the worst of each counts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from yett.model.effects import Effect, Recovery
from yett.operations.sql.statement import Touched, Way

_LOSS = {
    Recovery.AUTOMATIC: 0,
    Recovery.FROM_UNDO: 1,
    Recovery.FROM_BACKUP: 2,
    Recovery.UNKNOWN: 3,
    Recovery.NONE: 4,
}

ABSENT = ("which is not known", "which the catalog does not know")
"""How a reason ends that is only about a name: it may stand for something once the statements before it have run."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a statement does. `reason` is a sentence for a person, without a full stop. `lasts`: as
    `Statement.lasts`."""

    way: Way
    effect: Effect
    recovery: Recovery
    reason: str
    defines: bool = False
    lasts: bool = False


class Ref(NamedTuple):
    """Something in the catalog that runs or is reached. `kind`: a verb, or what `Reach` looks up by that name."""

    kind: str
    oid: int


@dataclass(frozen=True, slots=True)
class Known:
    """What a part does by itself, and what it reaches."""

    facts: tuple[Fact, ...] = ()
    refs: frozenset[Ref] = frozenset()
    touched: tuple[Touched, ...] = ()


HARMLESS = Known()


def unknown(reason: str) -> Fact:
    """Nobody knows what it does."""
    return Fact(Way.ASK, Effect.UNKNOWN, Recovery.UNKNOWN, reason, defines=True)


def refused(reason: str, effect: Effect = Effect.ADMIN) -> Fact:
    """Never, whoever asks."""
    return Fact(Way.REFUSE, effect, Recovery.NONE, reason)


def ask(effect: Effect, recovery: Recovery, reason: str) -> Fact:
    """Known, but out of the guard's sight."""
    return Fact(Way.ASK, effect, recovery, reason)


def guard(effect: Effect, recovery: Recovery, reason: str) -> Fact:
    """Known, and measured by the guard."""
    return Fact(Way.GUARD, effect, recovery, reason)


def dump(effect: Effect, recovery: Recovery, reason: str) -> Fact:
    """Changes the catalog, or more than rows."""
    return Fact(Way.DUMP, effect, recovery, reason, defines=True)


def alone(effect: Effect, recovery: Recovery, reason: str) -> Fact:
    """Cannot run in a transaction block."""
    return Fact(Way.ALONE, effect, recovery, reason, defines=True)


def way_of(facts: Iterable[Fact], floor: Way = Way.PASS) -> Way:
    return max((floor, *(fact.way for fact in facts)), key=lambda way: way.strictness)


def effect_of(facts: Iterable[Fact]) -> Effect:
    return max((Effect.READ, *(fact.effect for fact in facts)), key=lambda effect: effect.harm)


def recovery_of(facts: Iterable[Fact], effect: Effect) -> Recovery:
    """The worst; `unknown` only beside an unknown effect, else none."""
    worst = max((Recovery.AUTOMATIC, *(fact.recovery for fact in facts)), key=_LOSS.__getitem__)
    if worst is Recovery.UNKNOWN and effect is not Effect.UNKNOWN:
        return Recovery.NONE
    return worst


def reasons_of(facts: Iterable[Fact]) -> tuple[str, ...]:
    """Each reason once, the strictest first."""
    kept = [fact for fact in facts if fact.way is not Way.PASS or fact.effect is not Effect.READ]
    ranked = sorted(kept, key=lambda fact: (-fact.way.strictness, -fact.effect.harm))
    return tuple(dict.fromkeys(fact.reason for fact in ranked))
