"""Reads that come again: where every input is the same, the decision and its log entry are not made anew.

Only reads that were allowed are kept. A repeat is found by identity, never by likeness: the very operations (classify
gives the same objects for the same read), the same policies, circumstances, budget and memory of the session. Whatever
changes one of them makes another object, and the decision is made again.
"""

from __future__ import annotations

from dataclasses import dataclass

from yett.checkpoint.judge import Circumstances
from yett.checkpoint.record import read_entry
from yett.checkpoint.state import SessionState
from yett.ledger.entries import Encoded, encode
from yett.model.decision import Decision
from yett.model.operation import Attempt
from yett.policy import Policies
from yett.policy.bounded import Bounded

KEPT = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """One read as it was last decided: `basis` is everything that the decision rests on."""

    basis: tuple[object, ...]
    decision: Decision
    attempt: Attempt
    entry: Encoded


class Repeats:
    """The reads that were allowed lately. They do not outlive what is asked first: the session, and lockdown."""

    def __init__(self) -> None:
        self._kept: Bounded[tuple[str, int], Repeat] = Bounded(KEPT)

    def find(
        self, attempt: Attempt, state: SessionState, policies: Policies, about: Circumstances
    ) -> tuple[Decision, Encoded] | None:
        """The decision on this read and its log entry, if it was made on the same grounds."""
        repeat = self._kept.get((attempt.session.id, id(attempt.operations)))
        if repeat is None:
            return None
        operations, session, known_policies, known_about, spent, limit, remembered = repeat.basis
        if (
            operations is not attempt.operations  # the repeat holds them, so no other object has their id
            or session is not attempt.session
            or known_policies is not policies
            or known_about != about
            or spent is not state.spent
            or limit is not state.limit
            or remembered is not state.remembered
        ):
            return None
        last = repeat.attempt
        if last.request_digest == attempt.request_digest and last.summary == attempt.summary:
            return repeat.decision, repeat.entry
        return repeat.decision, self.keep(attempt, state, policies, about, repeat.decision)

    def keep(
        self, attempt: Attempt, state: SessionState, policies: Policies, about: Circumstances, decision: Decision
    ) -> Encoded:
        """Remember an allowed read; its entry, encoded. Raises LedgerUnavailable: it cannot be logged."""
        entry = Encoded(encode(read_entry(attempt, decision)))
        basis = (attempt.operations, attempt.session, policies, about, state.spent, state.limit, state.remembered)
        self._kept.put((attempt.session.id, id(attempt.operations)), Repeat(basis, decision, attempt, entry))
        return entry
