"""Slices: of a thousand policies, the few whose head can match; and of a thousand facts, the few that these read.

Cedar does not index policies: each costs about 1 us an evaluation, matching or not (measured). So policies are kept in
small parsed sets, one for each effect, question and principal that heads name, cut by resource as well only where many
are left. A slice is the handful of sets that can matter to a question. Their number grows with the number of policies,
not with the combinations of teams and resources that pass by.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import attrgetter, or_
from typing import Any

import cedarpy

from yett.policy.bounded import Bounded
from yett.policy.question import Context
from yett.policy.reads import NOTHING, Reads
from yett.policy.request import Value, context_writer
from yett.policy.rules import Rule
from yett.policy.schema import EFFECTS, KINDS, QUESTIONS, Entity, leaf

Values = tuple[Value, ...]

COARSE = 64
"""Rules that a set may hold before it is cut by resource as well."""
SLICES_KEPT = 1024


@dataclass(frozen=True, eq=False, slots=True)
class Inquiry:
    """Policies that answer one question, parsed once; `write_context` writes what they read of the context."""

    question: str
    policies: cedarpy.PolicySet
    reads: Reads
    write_context: Callable[[Mapping[str, Value]], str]


@dataclass(frozen=True, eq=False, slots=True)
class Slice:
    """All that can matter for one effect on one kind of resource, by some agent. Equal only to itself.

    `read` takes the values at `paths` from a context: whatever any of the inquiries reads.
    """

    effect: str
    inquiries: tuple[Inquiry, ...]
    paths: tuple[str, ...]
    read: Callable[[Context], Values]
    attributes: frozenset[str]
    named: frozenset[Entity]


class Slices:
    """Slices of one rule set. Policies are parsed when first needed, and then kept."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._groups: dict[tuple[str, str, Entity | None], list[Rule]] = defaultdict(list)
        named: set[Entity] = set()
        for rule in rules:
            named |= rule.reads.named
            for effect, kind in _subjects(rule):
                self._groups[effect, kind, rule.principal.entity].append(rule)
        self._named = frozenset(named)
        self._parsed: dict[tuple[object, ...], tuple[Inquiry, ...]] = {}
        self._slices: Bounded[tuple[object, ...], Slice] = Bounded(SLICES_KEPT)

    def of(self, effect: str, kind: str, who: frozenset[Entity], what: frozenset[Entity]) -> Slice:
        """The slice for an agent that is or is in each of `who`, and a resource that is or is in each of `what`."""
        key = (effect, kind, who & self._named, what & self._named)
        found = self._slices.get(key)
        if found is None:
            found = _together(effect, tuple(self._inquiries(*key)))
            self._slices.put(key, found)
        return found

    def _inquiries(self, effect: str, kind: str, who: frozenset[Entity], what: frozenset[Entity]) -> Iterator[Inquiry]:
        for principal in (None, *sorted(who)):
            rules = self._groups.get((effect, kind, principal), ())
            if len(rules) <= COARSE:
                yield from self._parse((effect, kind, principal), rules)
                continue
            for resource in (None, *sorted(what)):
                chosen = [rule for rule in rules if _cut(rule) == resource]
                yield from self._parse((effect, kind, principal, resource), chosen)

    def _parse(self, key: tuple[object, ...], rules: Iterable[Rule]) -> tuple[Inquiry, ...]:
        parsed = self._parsed.get(key)
        if parsed is None:
            effect = str(key[0])
            by_question = {q: [rule for rule in rules if leaf(q, effect) in rule.leaves] for q in QUESTIONS}
            parsed = tuple(_inquiry(question, chosen) for question, chosen in by_question.items() if chosen)
            self._parsed[key] = parsed
        return parsed


def _cut(rule: Rule) -> Entity | None:
    """The resource that a large set is cut by. Places are three: to keep them apart costs more than it saves."""
    entity = rule.resource.entity
    return None if entity is None or entity[0] == "Place" else entity


def _subjects(rule: Rule) -> Iterator[tuple[str, str]]:
    """Every effect and kind of resource that the head can match."""
    if rule.principal.entity_type not in (None, "Agent"):
        return
    entity = rule.resource.entity
    for kind, (ancestors, _) in KINDS.items():
        if rule.resource.entity_type not in (None, kind) or (entity and entity[0] not in {kind, *ancestors}):
            continue
        for effect in EFFECTS:
            if any(leaf(question, effect) in rule.leaves for question in QUESTIONS):
                yield effect, kind


def _inquiry(question: str, rules: list[Rule]) -> Inquiry:
    members = ", ".join(f"{json.dumps(rule.id)}: {rule.est}" for rule in rules)
    est = f'{{"staticPolicies": {{{members}}}, "templates": {{}}, "templateLinks": []}}'
    policies = cedarpy.PolicySet.from_json_str(est)
    reads = reduce(or_, (rule.reads for rule in rules), NOTHING)
    return Inquiry(question, policies, reads, context_writer(tuple(reads.context)))


def _together(effect: str, inquiries: tuple[Inquiry, ...]) -> Slice:
    reads = reduce(or_, (inquiry.reads for inquiry in inquiries), NOTHING)
    paths = tuple(sorted(reads.context))
    return Slice(effect, inquiries, paths, _reader(paths), reads.attributes, reads.named)


def _reader(paths: tuple[str, ...]) -> Callable[[Context], Values]:
    """A function from a context to the values at `paths`, always as a tuple."""
    if not paths:
        return lambda context: ()
    read: Callable[[Context], Any] = attrgetter(*paths)  # typeshed cannot know how many it reads
    return read if len(paths) > 1 else lambda context: (read(context),)
