"""Cedar's three answers -> a Decision. Fail closed: anything but three clean answers is a deny with an alarm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import cedarpy

from yett.model.canonical import digest
from yett.model.decision import Decision
from yett.model.effects import Verdict
from yett.policy.obligations import merge
from yett.policy.rules import Rule

DECISION_DOMAIN = "yett/policy/decision/v1"


@dataclass(frozen=True, slots=True)
class Answer:
    """What Cedar says to one question: the policies that decided it, and what went wrong.

    `rules` are all satisfied permits if `allowed`, else all satisfied forbids (none: nothing permitted it).
    """

    allowed: bool
    rules: tuple[str, ...]
    errors: tuple[str, ...]


SILENT = Answer(allowed=False, rules=(), errors=())
"""The answer of an empty policy set: Cedar denies by default."""


def join(one: Answer, other: Answer) -> Answer:
    """The answer of two policy sets as if they were one: a forbid in either beats every permit in both."""
    if one.errors or other.errors:
        return Answer(False, (), one.errors + other.errors)
    forbids = tuple(rule for answer in (one, other) if not answer.allowed for rule in answer.rules)
    if forbids:
        return Answer(False, tuple(sorted(forbids)), ())
    return Answer(one.allowed or other.allowed, tuple(sorted(one.rules + other.rules)), ())


def read_answer(result: cedarpy.AuthzResult) -> Answer:
    """Cedar *skips* a policy that errs, a forbid too; so an answer with errors is no answer."""
    errors = tuple(result.diagnostics.errors)
    if result.decision is cedarpy.Decision.NoDecision:
        errors = errors or ("Cedar gave no decision",)
    if errors:
        return Answer(False, (), errors)
    return Answer(result.allowed, tuple(sorted(result.diagnostics.reasons)), ())


def combine(answers: Mapping[str, Answer], rules: Mapping[str, Rule], effect: str) -> Decision:
    """allow = pass and hold, hold = hold only, else deny; obligations are owed whatever the verdict."""
    if errors := {error for answer in answers.values() for error in answer.errors}:
        return unsound(sorted(errors))  # Cedar names them in no fixed order
    pass_, hold, owe = answers["pass"], answers["hold"], answers["owe"]
    owed = merge(obligation for id_ in owe.rules for obligation in rules[id_].obliges)
    if not hold.allowed:
        words = _words(hold.rules, rules) or (f"no rule lets this {effect} through",)
        return _decision(Verdict.DENY, owed, words, {*hold.rules, *owe.rules}, rules)
    deciding = {*pass_.rules, *hold.rules, *owe.rules}
    if pass_.allowed:
        return _decision(Verdict.ALLOW, owed, _words(pass_.rules, rules), deciding, rules)
    words = _words(pass_.rules, rules) or _words(hold.rules, rules)
    return _decision(Verdict.HOLD, merge([*owed, "sign:1"]), words, deciding, rules)


def unsound(errors: Sequence[str]) -> Decision:
    """The policy could not be evaluated: deny, and somebody should look. No rule decided, so no digest."""
    return Decision(
        verdict=Verdict.DENY,
        obligations=frozenset({"alarm"}),
        rules=(),
        reasons=("the policy could not be evaluated",),
        policy_digest="",
        errors=tuple(errors),
    )


def deciding_digest(ids: Iterable[str], rules: Mapping[str, Rule]) -> str:
    """SHA-256 over the digests of the rules with these ids: what a signature binds to (law 7).

    Over the deciding rules only, so that an unrelated change of policy does not void an approval; at release everything
    is decided again, so a new rule that matters is seen there. Over parsed forms, so that layout does not count.
    """
    return digest(DECISION_DOMAIN, [rules[id_].digest for id_ in sorted(ids)])


def _decision(
    verdict: Verdict, obligations: frozenset[str], words: tuple[str, ...], ids: set[str], rules: Mapping[str, Rule]
) -> Decision:
    return Decision(verdict, obligations, tuple(sorted(ids)), words, deciding_digest(ids, rules))


def _words(ids: Iterable[str], rules: Mapping[str, Rule]) -> tuple[str, ...]:
    """The @why of each rule, its id where it has none; each sentence once."""
    return tuple(dict.fromkeys(rules[id_].why or f"rule {id_}" for id_ in ids))


def strictest(decisions: Sequence[Decision]) -> Decision:
    """One operation on several resources: the strictest verdict with its reasons, the union of obligations and rules.

    Of no decisions at all: a deny.
    """
    if not decisions:
        return Decision(Verdict.DENY, frozenset({"alarm"}), (), ("nothing was decided",), "", ("nothing was decided",))
    if len(decisions) == 1:
        return decisions[0]
    verdict = max((d.verdict for d in decisions), key=lambda v: v.strictness)
    return Decision(
        verdict=verdict,
        obligations=merge(o for d in decisions for o in d.obligations),
        rules=tuple(sorted({rule for d in decisions for rule in d.rules})),
        reasons=tuple(dict.fromkeys(reason for d in decisions if d.verdict is verdict for reason in d.reasons)),
        policy_digest=digest(DECISION_DOMAIN, sorted({d.policy_digest for d in decisions})),
        errors=tuple(dict.fromkeys(error for d in decisions for error in d.errors)),
    )
