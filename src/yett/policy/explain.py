"""Why, by which rule, and what would make it less strict. The last is found by deciding again, so it is always true."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from yett.model.decision import Decision
from yett.model.effects import Verdict
from yett.model.operation import Amount
from yett.policy.obligations import COUNTED, KNOWN
from yett.policy.question import Context, Question
from yett.policy.rules import Rule

ENDLESS = Amount(2**62, 2**62, 2**62)


class Decider(Protocol):
    """What decides, and the rules that it decides by."""

    @property
    def rules(self) -> Mapping[str, Rule]: ...

    def decide(self, q: Question) -> Decision: ...


@dataclass(frozen=True, slots=True)
class Explanation:
    """A decision in words. `would_be`: "hold if the agent asks for exactly this (yett ask)"."""

    verdict: Verdict
    obligations: tuple[str, ...]
    because: tuple[str, ...]
    would_be: tuple[str, ...]


def explain(policies: Decider, q: Question) -> Explanation:
    """Decide, say why, and try what would change it."""
    decision = policies.decide(q)
    if decision.errors:
        because = tuple(f"the policy could not be evaluated: {error}" for error in decision.errors)
        return Explanation(decision.verdict, _in_words(decision.obligations), because, ())
    named = _rules_in_words(policies, decision.rules)
    because = tuple(f"{reason} [{named[reason]}]" if reason in named else reason for reason in decision.reasons)
    return Explanation(
        decision.verdict, _in_words(decision.obligations), because, _changes(policies, q, decision.verdict)
    )


def _rules_in_words(policies: Decider, ids: tuple[str, ...]) -> dict[str, str]:
    """Sentence -> the rules that say it."""
    said: dict[str, list[str]] = {}
    for id_ in ids:
        said.setdefault(policies.rules[id_].why, []).append(id_)
    return {why: ", ".join(by) for why, by in said.items() if why}


def _in_words(obligations: frozenset[str]) -> tuple[str, ...]:
    words = []
    for obligation in sorted(obligations):
        name, _, number = obligation.partition(":")
        meaning = f"{COUNTED[name][1]}: {number}" if name in COUNTED else KNOWN[name]
        words.append(f"{obligation} ({meaning})")
    return tuple(words)


def _changes(policies: Decider, q: Question, verdict: Verdict) -> tuple[str, ...]:
    found = []
    for words, change in HYPOTHESES:
        other = change(q)
        if other is None or other == q:
            continue
        tried = policies.decide(other)
        if not tried.errors and tried.verdict.strictness < verdict.strictness:
            found.append(f"{tried.verdict.value} if {words}")
    return tuple(found)


Change = Callable[[Question], Question | None]


def _context(kinds: tuple[str, ...], change: Callable[[Context], Context]) -> Change:
    return lambda q: replace(q, context=change(q.context)) if q.kind in kinds else None


def _place(place: str) -> Change:
    def change(q: Question) -> Question | None:
        if q.kind != "Resource":
            return None
        return replace(q, parents=(*(p for p in q.parents if p[0] != "Place"), ("Place", place)))

    return change


ANY = ("Resource", "Host", "Ref")

HYPOTHESES: tuple[tuple[str, Change], ...] = (
    ("the agent asks for exactly this (`yett ask`)", _context(ANY, lambda c: replace(c, asked=True))),
    ("a Grant covers it", _context(("Resource",), lambda c: replace(c, granted=True))),
    ("a person approves this host and method for the task", _context(("Host",), lambda c: replace(c, remembered=True))),
    ("a verified undo exists", _context(("Resource",), lambda c: replace(c, undo="verified"))),
    ("the task's budget is raised", _context(ANY, lambda c: replace(c, limit=ENDLESS))),
    ("the task is running", _context(ANY, lambda c: replace(c, task=replace(c.task, live=True)))),
    ("the task is granted this environment", _place("production")),
    ("it stands in the task's own environment", _place("task")),
    ("a backup outlives it", _context(("Resource",), lambda c: replace(c, irreversible=False))),
    ("two people are enrolled", _context(ANY, lambda c: replace(c, team=True))),
    ("no workflow file is touched", _context(("Ref",), lambda c: replace(c, workflow=False))),
)
"""One fact changed at a time, in words that complete "... if"."""
