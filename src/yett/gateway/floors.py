"""What the gateway needs from the floors below it, as protocols: the real parts and the tests' fakes both fit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from yett.gateway.dial import Dialer
from yett.gateway.limits import Limits
from yett.model.credential import Lease
from yett.model.errors import CredentialRefused, YettError
from yett.model.http import Headers, HttpRequest
from yett.model.identity import Session
from yett.model.operation import Attempt, Operation
from yett.providers.book import ProviderBook
from yett.providers.room import Room, TokenEndpoint

_log = logging.getLogger("yett.gateway")


class Classified(Protocol):
    """What a request would do, and the form in which it must leave. See `yett.operations.classified.Classified`."""

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
    @property
    def seal(self) -> tuple[str, ...]: ...


class Classify(Protocol):
    """Turn a request into operations. Pure. Raises Unreadable."""

    def __call__(self, request: HttpRequest, book: ProviderBook, session: Session) -> Classified: ...


class Filter(Protocol):
    """A byte stream's filter that may hold back a tail."""

    def feed(self, chunk: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class Scrubber(Filter, Protocol):
    """Takes real credentials out of one answer (law 5)."""

    def clean(self, whole: bytes) -> bytes: ...
    def clean_headers(self, headers: Headers) -> Headers: ...


class Capabilities(Protocol):
    """URLs that governed hosts gave to a session (law 3d)."""

    def register(self, session: str, url: str, expires: float, headers: Mapping[str, str] | None = None) -> None: ...


class Broker(Protocol):
    """Placeholders in, real credentials out, and back. See `yett.broker.broker.Broker`."""

    @property
    def capabilities(self) -> Capabilities: ...
    def examine(self, session: Session, request: HttpRequest, room: Room | None) -> Lease | None: ...
    def inject(self, request: HttpRequest, lease: Lease) -> HttpRequest: ...
    def watch_stream(self, session: Session) -> Filter: ...
    def scrubber(self, session: Session, room: Room | None = None) -> Scrubber: ...
    async def seal(
        self,
        session: Session,
        room: Room,
        paths: Sequence[str],
        body: bytes,
        status: int,
        endpoint: TokenEndpoint | None = None,
    ) -> bytes: ...


class Pass(Protocol):
    """The checkpoint's permission for one attempt; opaque to the wires."""


class Checkpoint(Protocol):
    """Decides. See `yett.checkpoint.pipeline.Checkpoint`.

    `pass_now` answers a read without waiting, None: ask `pass_`. `finish_now` is False if `finish` must be awaited.
    """

    def pass_now(self, attempt: Attempt) -> Pass | None: ...
    def finish_now(self, granted: Pass, outcome: str, status: int) -> bool: ...
    def note_refusal(self, session: Session, summary: str, error: YettError, *, alarm: bool) -> None: ...
    async def pass_(self, attempt: Attempt) -> Pass: ...
    async def finish(self, granted: Pass, outcome: str, status: int) -> None: ...


class Service(Protocol):
    """Something of Yett's own that answers requests in an upstream's place: the workspace's git remotes."""

    def __call__(self, session: Session, request: HttpRequest) -> Answering | None:
        """How to answer a request (its body still to come), None: it goes its ordinary way."""
        ...


@dataclass(frozen=True, slots=True)
class OwnAnswer:
    """A whole answer of a `Service`."""

    status: int
    content_type: str
    body: bytes


Answering = Callable[[HttpRequest], Awaitable[OwnAnswer]]


def nothing_served(session: Session, request: HttpRequest) -> Answering | None:
    """No service of our own."""
    return None


class Floors:
    """Everything below the gateway, and its limits: what one wire is built on."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        broker: Broker,
        book: ProviderBook,
        classify: Classify,
        dialer: Dialer,
        limits: Limits,
        service: Service = nothing_served,
    ) -> None:
        self.service = service
        self.checkpoint = checkpoint
        self.broker = broker
        self.book = book
        self.classify = classify
        self.dialer = dialer
        self.limits = limits
        self._finishing: set[asyncio.Task[None]] = set()

    def finish(self, granted: Pass, outcome: str, status: int) -> None:
        """Record an outcome without keeping the answer waiting; the intent is durable already (law 2)."""
        try:
            if self.checkpoint.finish_now(granted, outcome, status):
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

    def note_refusal(self, session: Session, summary: str, error: YettError) -> None:
        """Tell the ledger what the wire refused by itself. A real secret on its way out is an alarm (law 3)."""
        alarm = isinstance(error, CredentialRefused) and bool(error.fingerprint)
        try:
            self.checkpoint.note_refusal(session, summary, error, alarm=alarm)
        except YettError as failure:
            _log.error("a refusal was not recorded: %s", failure.what)
