"""What the gateway needs from the floors below it, as protocols: the real parts and the tests' fakes both fit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from yett.gateway.dial import Dialer
from yett.gateway.limits import Limits
from yett.model.credential import Lease
from yett.model.errors import YettError
from yett.model.http import HttpRequest
from yett.model.identity import Session
from yett.model.operation import Attempt, Operation

_log = logging.getLogger("yett.gateway")


class Room(Protocol):
    """A governed host's provider folder."""

    @property
    def name(self) -> str: ...
    @property
    def wire(self) -> str: ...
    @property
    def refusal_status(self) -> int: ...


class Book(Protocol):
    """Which hosts are governed."""

    def room(self, host: str) -> Room | None: ...


class Classified(Protocol):
    """What a request would do, and the form in which it must leave. `body` None: as it came."""

    @property
    def operations(self) -> tuple[Operation, ...]: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def query(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def confirmations_ignored(self) -> tuple[str, ...]: ...
    @property
    def bulk(self) -> bool: ...


class Classify(Protocol):
    """Turn a request into operations. Pure. Raises Unreadable."""

    def __call__(self, request: HttpRequest, book: Book, session: Session) -> Classified: ...


class Filter(Protocol):
    """A byte stream's filter that may hold back a tail: the scrubber of answers, the scan of streamed bodies."""

    def feed(self, data: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class Broker(Protocol):
    """Placeholders in, real credentials out, and back."""

    def examine(self, session: Session, request: HttpRequest, room: Room | None) -> Lease | None: ...
    def inject(self, request: HttpRequest, lease: Lease) -> HttpRequest: ...
    def scrubber(self, session: Session) -> Filter: ...
    def watch_stream(self, session: Session) -> Filter: ...


class Pass(Protocol):
    """The checkpoint's permission for one attempt; opaque to the wires."""


class Checkpoint(Protocol):
    """Decides. May also offer `pass_now` and `finish_now`, the same without waiting (see `Floors`)."""

    async def pass_(self, attempt: Attempt) -> Pass: ...
    async def finish(self, granted: Pass, outcome: str, status: int) -> None: ...


class Floors:
    """Everything below the gateway, and its limits: what one wire is built on.

    A checkpoint that can answer at once has `pass_now(attempt) -> Pass | None` (a cached decision on a read; None: ask
    `pass_`) and `finish_now(granted, outcome, status) -> bool` (False: await `finish`). Both may raise what the slow
    forms raise. They spare a read the making of two tasks.
    """

    def __init__(
        self, checkpoint: Checkpoint, broker: Broker, book: Book, classify: Classify, dialer: Dialer, limits: Limits
    ) -> None:
        self.checkpoint = checkpoint
        self.broker = broker
        self.book = book
        self.classify = classify
        self.dialer = dialer
        self.limits = limits
        self.pass_now: Callable[[Attempt], Pass | None] = getattr(checkpoint, "pass_now", _never)
        self._finish_now: Callable[[Pass, str, int], bool] = getattr(checkpoint, "finish_now", _not_now)
        self._finishing: set[asyncio.Task[None]] = set()

    def finish(self, granted: Pass, outcome: str, status: int) -> None:
        """Record an outcome without keeping the answer waiting; the intent is durable already (law 2)."""
        try:
            if self._finish_now(granted, outcome, status):
                return
        except YettError as error:
            _log.error("an outcome was not recorded: %s", error.what)
            return
        task = asyncio.get_running_loop().create_task(self._finish(granted, outcome, status))
        self._finishing.add(task)
        task.add_done_callback(self._finishing.discard)

    async def settled(self) -> None:
        """Wait until every outcome is recorded: before the daemon closes the ledger."""
        while self._finishing:
            await asyncio.gather(*self._finishing)

    async def _finish(self, granted: Pass, outcome: str, status: int) -> None:
        try:
            await self.checkpoint.finish(granted, outcome, status)
        except YettError as error:
            _log.error("an outcome was not recorded: %s", error.what)


def _never(_attempt: Attempt) -> Pass | None:
    return None


def _not_now(_granted: Pass, _outcome: str, _status: int) -> bool:
    return False
