"""Slices: of a thousand policies, the few whose head can match; and of a thousand facts, the few that these read.

Cedar does not index policies: each costs about 1 us an evaluation, matching or not (measured). Leaving out what cannot
match changes no answer. A slice is by effect and principal; by resource too only where that leaves many, so that there
are few slices. Each question gets a policy set of its own, a third of the work.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter, or_
from typing import Any

import cedarpy

from yett.policy.question import Context
from yett.policy.reads import NOTHING, Reads
from yett.policy.rules import Rule, Scope
from yett.policy.schema import QUESTIONS, Entity, leaf

Values = tuple[str | int | bool, ...]

COARSE = 64
"""Rules that a slice may hold before it is cut by resource as well."""
MOST_SLICES = 512
"""Slices kept; beyond, `Policies` starts over. Ordinary use needs a few dozen."""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """One question of a slice: its parsed policies (None: none can match), and the context paths that they read."""

    question: str
    policies: cedarpy.PolicySet | None
    paths: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class Slice:
    """What can matter for one effect on one kind of resource by one kind of agent. Equal only to itself."""

    effect: str
    inquiries: tuple[Inquiry, ...]
    paths: tuple[str, ...]
    read: Callable[[Context], Values]
    attributes: frozenset[str]
    named: frozenset[Entity]
    size: int


class Slices:
    """Slices of one rule set, made when first asked for."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        self._named = frozenset().union(*(rule.reads.named for rule in self._rules))
        self._made: dict[tuple[object, ...], Slice | None] = {}

    def __len__(self) -> int:
        return len(self._made)

    def clear(self) -> None:
        self._made = {}

    def of(self, effect: str, kind: str, who: frozenset[Entity], what: frozenset[Entity]) -> Slice:
        """The slice for an agent that is or is in `who`, and a resource that is or is in `what`."""
        who, what = who & self._named, what & self._named
        coarse = self._find((effect, kind, who), lambda: self._matching(effect, kind, who, None), COARSE)
        if coarse is not None:
            return coarse
        fine = self._find((effect, kind, who, what), lambda: self._matching(effect, kind, who, what), None)
        assert fine is not None  # without a limit there is always one
        return fine

    def _find(self, key: tuple[object, ...], matching: Callable[[], list[Rule]], limit: int | None) -> Slice | None:
        if key in self._made:
            return self._made[key]
        rules = matching()
        made = None if limit is not None and len(rules) > limit else make_slice(str(key[0]), rules)
        self._made[key] = made
        return made

    def _matching(self, effect: str, kind: str, who: frozenset[Entity], what: frozenset[Entity] | None) -> list[Rule]:
        asked = {leaf(question, effect) for question in QUESTIONS}
        return [
            rule
            for rule in self._rules
            if not asked.isdisjoint(rule.leaves)
            and _fits(rule.principal, "Agent", who)
            and _fits(rule.resource, kind, what)
        ]


def _fits(scope: Scope, kind: str, ancestors: frozenset[Entity] | None) -> bool:
    """Whether the head can match; `ancestors` None: whoever it may be."""
    if scope.entity_type not in (None, kind):
        return False
    return scope.entity is None or ancestors is None or scope.entity in ancestors


def make_slice(effect: str, rules: Iterable[Rule]) -> Slice:
    """Parse the rules into one policy set a question."""
    rules = tuple(rules)
    inquiries = tuple(
        _inquiry(question, [r for r in rules if leaf(question, effect) in r.leaves]) for question in QUESTIONS
    )
    reads = _together(rules)
    paths = tuple(sorted(reads.context))
    return Slice(effect, inquiries, paths, _reader(paths), reads.attributes, reads.named, len(rules))


def _inquiry(question: str, rules: list[Rule]) -> Inquiry:
    if not rules:
        return Inquiry(question, None, ())
    members = ",".join(f"{json.dumps(rule.id)}:{rule.est}" for rule in rules)
    policies = cedarpy.PolicySet.from_json_str(
        f'{{"staticPolicies":{{{members}}},"templates":{{}},"templateLinks":[]}}'
    )
    return Inquiry(question, policies, tuple(sorted(_together(rules).context)))


def _together(rules: Iterable[Rule]) -> Reads:
    return reduce(or_, (rule.reads for rule in rules), NOTHING)


def _reader(paths: tuple[str, ...]) -> Callable[[Context], Values]:
    """A function from a context to the values at `paths`, always as a tuple."""
    if not paths:
        return lambda context: ()
    read: Callable[[Context], Any] = attrgetter(*paths)  # typeshed cannot know how many it reads
    return read if len(paths) > 1 else lambda context: (read(context),)
