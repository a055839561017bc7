"""How long the statement that was just admitted may take, and what becomes of one that took longer."""

from __future__ import annotations

import time
from collections.abc import Mapping

from yett.checkpoint.attempts import attempt_digest
from yett.gateway.databases.guarded.trial import RELEASED_MS, Limits, Run, guess, limits_now, set_limits, trial
from yett.gateway.databases.place import Place
from yett.gateway.databases.shown.looking import About
from yett.gateway.databases.shown.showing import shown
from yett.gateway.databases.statements.attempts import NO_GUESS, NOTHING, Ran, digest_of, planned, touched_oids
from yett.gateway.databases.telling import stopping, told
from yett.gateway.databases.undos.undo import Later
from yett.gateway.postgres.catalog_inside import Batching
from yett.gateway.postgres.desk import Stopped, Told
from yett.model.errors import YettError
from yett.model.operation import Attempt


class Trying:
    """One guarded statement after the other, in one transaction."""

    def __init__(self, place: Place, agent: Batching) -> None:
        self._place = place
        self._agent = agent
        self._run: Run | None = None
        """The one that was admitted last."""
        self._before: Limits | None = None
        """The session's own limits, where that one has others."""

    @property
    def is_trial(self) -> bool:
        """It runs to be measured, for a person who will be asked."""
        return self._run is not None and self._run.limits is not None

    def nothing(self) -> None:
        """What was admitted last is not guarded."""
        self._run = None

    async def begin(self, ran: list[Ran], *, is_trial: bool, guesses: bool) -> None:
        """Raises Stopped."""
        guessed: Mapping[int, int] = NO_GUESS
        limits = None
        if is_trial:
            guessed = await stopping(guess(self._place, self._agent, ran)) if guesses else NO_GUESS
            limits = await stopping(self._limit(trial()))
        self._run = Run(ran, limits, guessed, time.monotonic())

    async def release(self) -> None:
        """People have signed that it is too slow to be measured. Raises Stopped."""
        await stopping(self._limit(Limits(0, RELEASED_MS), shorter=False))

    async def ran(self) -> None:
        """What was given for it goes back. Raises Stopped."""
        self._run = None
        if self._before is not None:
            limits, self._before = self._before, None
            await stopping(set_limits(self._agent, limits))

    async def failed(self, sqlstate: str) -> Told | None:
        """What the agent is told if it was ended because it took too long: people are asked before it runs again."""
        run, self._run = self._run, None
        if run is None or not await run.overran(self._agent, sqlstate):
            return None
        place = self._place
        place.tried.was_slow(digest_of(run.ran))
        if self.may_be_slow(run.ran):
            return Told("yett: it was approved as too slow to be measured, and runs so from now on", "send it again")
        known = await shown(place, touched_oids(run.ran), count=False)
        try:
            granted = await place.checkpoint.pass_(self._too_slow(run.ran, known, run.guessed))
        except YettError as error:
            return told(error)
        await place.checkpoint.finish(granted, "refused", 0)
        return None

    def may_be_slow(self, ran: list[Ran]) -> bool:
        """Whether people have signed that it may run without being measured before. Raises Stopped."""
        return attempt_digest(self._too_slow(ran)) in self.approved(digest_of(ran))

    def approved(self, request: str) -> frozenset[str]:
        """Raises Stopped."""
        try:
            return self._place.checkpoint.approved(self._place.session, request)
        except YettError as error:
            raise Stopped(told(error)) from None

    def _too_slow(
        self, ran: list[Ran], known: Mapping[int, About] = NOTHING, guessed: Mapping[int, int] = NO_GUESS
    ) -> Attempt:
        """The attempt of a guarded statement that is decided before it runs."""
        place = self._place
        counted = place.tried.counted.get(digest_of(ran), ())
        return planned(place.session, place.database, ran, place.lease, Later(), known, guessed, counted, too_slow=True)

    async def _limit(self, limits: Limits, *, shorter: bool = True) -> Limits:
        """For the statement that comes next; what the session has itself comes back in `ran`."""
        self._before = await limits_now(self._agent)
        given = limits.within(self._before) if shorter else Limits(self._before.lock_ms, limits.statement_ms)
        await set_limits(self._agent, given)
        return given
