"""Reads that come again: where every input is the same, the decision and its log entry are not made anew.

Only reads that were allowed are kept. A decision counts for the grounds on which it was made: what the policy is told
of the operations (`grounds`), and the very policies, session, budget and memory of the session; whatever changes one
of these makes another object. An entry counts for the very operations: the same read, classified, gives the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from yett.checkpoint.judge import Circumstances
from yett.checkpoint.record import read_entry
from yett.checkpoint.state import SessionState
from yett.ledger.entries import Encoded, encode
from yett.model.decision import Decision
from yett.model.identity import Session
from yett.model.operation import Amount, Attempt, Operation
from yett.policy import Policies
from yett.policy.bounded import Bounded

KEPT = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """What a decision rests on besides the operations, and the decision."""

    session: Session
    policies: Policies
    about: Circumstances
    spent: Amount
    limit: Amount
    remembered: frozenset[tuple[str, str]]
    decision: Decision

    def holds(self, attempt: Attempt, state: SessionState, policies: Policies, about: Circumstances) -> bool:
        """Whether everything is still as it was."""
        return (
            self.session is attempt.session
            and self.policies is policies
            and self.about == about
            and self.spent is state.spent
            and self.limit is state.limit
            and self.remembered is state.remembered
        )


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """One read as it was last passed. It holds its attempt, so that no other operations can have their id."""

    attempt: Attempt
    standing: Standing
    entry: Encoded


class Repeats:
    """The reads that were allowed lately. They do not outlive what is asked first: the session, and lockdown."""

    def __init__(self) -> None:
        self._reads: Bounded[tuple[str, int], Repeat] = Bounded(KEPT)
        self._standings: Bounded[tuple[object, ...], Standing] = Bounded(KEPT)

    def find(
        self, attempt: Attempt, state: SessionState, policies: Policies, about: Circumstances
    ) -> tuple[Decision, Encoded] | None:
        """The decision on the very same operations, and the read's log entry."""
        repeat = self._reads.get((attempt.session.id, id(attempt.operations)))
        if repeat is None or repeat.attempt.operations is not attempt.operations:
            return None
        standing, last = repeat.standing, repeat.attempt
        if not standing.holds(attempt, state, policies, about):
            return None
        if last.request_digest == attempt.request_digest and last.summary == attempt.summary:
            return standing.decision, repeat.entry
        return standing.decision, self._keep(attempt, standing)

    def decided(
        self, attempt: Attempt, state: SessionState, policies: Policies, about: Circumstances
    ) -> tuple[Decision, Encoded] | None:
        """The decision on other reads of which the policy is told the same, and this read's log entry."""
        standing = self._standings.get((attempt.session.id, *map(grounds, attempt.operations)))
        if standing is None or not standing.holds(attempt, state, policies, about):
            return None
        return standing.decision, self._keep(attempt, standing)

    def keep(
        self, attempt: Attempt, state: SessionState, policies: Policies, about: Circumstances, decision: Decision
    ) -> Encoded:
        """Remember an allowed read; its entry, encoded. Raises LedgerUnavailable: it cannot be logged."""
        standing = Standing(attempt.session, policies, about, state.spent, state.limit, state.remembered, decision)
        self._standings.put((attempt.session.id, *map(grounds, attempt.operations)), standing)
        return self._keep(attempt, standing)

    def _keep(self, attempt: Attempt, standing: Standing) -> Encoded:
        entry = Encoded(encode(read_entry(attempt, standing.decision)))
        self._reads.put((attempt.session.id, id(attempt.operations)), Repeat(attempt, standing, entry))
        return entry


def grounds(operation: Operation) -> tuple[object, ...]:
    """All of an operation that `judge.question` reads, for one that needs no look at a provider (`facts.at_once`)."""
    return (operation.action, operation.effect, operation.recovery, operation.target, operation.wire, operation.cost)
