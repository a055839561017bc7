"""What is true of an attempt now: how it stands, who has granted it, what the policy says of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from yett.approvals.desk import Desk
from yett.approvals.facts import Facts
from yett.approvals.grants import Grant, covering_grant
from yett.approvals.people import active_persons
from yett.approvals.quorum import Person, is_team
from yett.checkpoint.attempts import total_cost
from yett.checkpoint.facts import Facts as Eyes
from yett.checkpoint.facts import Situated, situate
from yett.checkpoint.judge import Circumstances, decide
from yett.checkpoint.state import SessionState
from yett.model.decision import Decision
from yett.model.effects import Verdict
from yett.model.operation import Attempt
from yett.policy import Policies

TEAM_FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class Judged:
    """An attempt with everything that was found out about it just now."""

    facts: Facts
    situations: Sequence[Situated]
    decision: Decision
    grant: Grant | None

    @property
    def passes(self) -> bool:
        return self.decision.verdict is Verdict.ALLOW or self.only_observed

    @property
    def only_observed(self) -> bool:
        """`yett run --observe` stops what cannot be undone, and nothing else."""
        return self.facts.attempt.session.observe and not any(s.irreversible for s in self.situations)

    @property
    def denied(self) -> bool:
        return self.decision.verdict is Verdict.DENY and not self.only_observed


class Judging:
    """Reads what a decision rests on, and asks the policies."""

    def __init__(self, policies: Callable[[], Policies], desk: Desk, eyes: Eyes) -> None:
        self._policies = policies
        self._desk = desk
        self._eyes = eyes
        self._team_then, self._team_since = False, -TEAM_FRESH_S

    def policies_of(self, state: SessionState) -> Policies:
        return state.policies or self._policies()

    def people(self) -> tuple[Person, ...]:
        return self._desk.read(active_persons)

    def team(self) -> bool:
        return is_team(self.people())

    def recent_team(self) -> bool:
        """The profile as of the last second: enough for reads that wait for nobody."""
        now = time.monotonic()
        if now - self._team_since > TEAM_FRESH_S:
            self._team_then, self._team_since = self.team(), now
        return self._team_then

    def about(self, attempt: Attempt, team: bool, *, asked: bool, granted: bool) -> Circumstances:
        now = self._desk.clock() // 10**9
        task = attempt.session.task
        return Circumstances(asked, granted, team, task.started <= now + 1 and now < task.expires, now)

    async def judge(
        self,
        attempt: Attempt,
        state: SessionState,
        digest: str,
        *,
        fresh: bool,
        people: tuple[Person, ...] | None = None,
    ) -> Judged:
        """Everything that is true of the attempt now. `people`: who is enrolled, if that was read just now."""
        situations = await situate(self._eyes, attempt.session.task, attempt, fresh=fresh)
        now = self._desk.clock()
        grant = None
        if people is None:
            grant, people = self._desk.read(
                lambda reader: (covering_grant(reader, attempt.session.id, situations, now), active_persons(reader))
            )
        asked = state.asks.asked(digest)
        about = self.about(attempt, is_team(people), asked=asked, granted=grant is not None)
        decision = decide(self.policies_of(state), state, situations, about)
        facts = Facts(
            attempt=attempt,
            digest=digest,
            situations=situations,
            decision=decision,
            impact=total_cost(attempt),
            asker=attempt.session.principal.owner,
            reason=state.asks.reason(digest),
        )
        return Judged(facts, situations, decision, grant if decision.verdict is Verdict.ALLOW else None)
