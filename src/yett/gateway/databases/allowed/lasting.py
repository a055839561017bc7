"""What a person has let a task do until it ends: to set what stays set anyway, to the same as before.

An application that tells row security who is asking does so at the beginning of every transaction. Who let a session
have a value has let it have it for as long as its connection lasts; to be asked for each transaction would say no more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from yett.checkpoint.record import Pass
from yett.gateway.databases.statements.attempts import Ran, digest_of, lasts
from yett.model.identity import Session
from yett.model.operation import Attempt

MOST = 256


class Passing(Protocol):
    """What is asked of the checkpoint. See `yett.checkpoint.pipeline.Checkpoint`."""

    async def pass_(self, attempt: Attempt) -> Pass: ...
    async def also(self, attempt: Attempt, signed: Pass, *, no_more: bool = False) -> Pass: ...
    def set_by_persons(self, session: Session) -> tuple[object, ...] | None: ...
    def stands(self, hold: str) -> bool: ...


class Lasting:
    """Of one session on one database."""

    def __init__(self) -> None:
        self._signed: dict[str, tuple[Pass, object]] = {}

    async def passed(self, attempt: Attempt, ran: Sequence[Ran], checkpoint: Passing) -> Pass:
        """Permission; where a person has let the same be done before and that lasts, without asking once more. It is
        decided and recorded anew; under other policies a person is asked anew. Raises Refused, YettError."""
        if not lasts(ran):
            return await checkpoint.pass_(attempt)
        what = digest_of([replace(one, settings=()) for one in ran])  # no setting changes what it does
        now = checkpoint.set_by_persons(attempt.session)
        signed, then = self._signed.get(what, (None, None))
        if signed is not None and then == now and checkpoint.stands(signed.hold):
            return await checkpoint.also(attempt, signed, no_more=True)
        granted = await checkpoint.pass_(attempt)
        if granted.hold:
            if len(self._signed) >= MOST:
                self._signed.clear()
            self._signed[what] = granted, now
        return granted
