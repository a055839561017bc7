"""What a credential really does, asked of its issuer by the provider's own room (`inventory.reach`).

Queries only, of the host to which a person let it be shown, at that host's pace, and only where that host answered.
What cannot be learnt whole is not learnt: a part of an authority would look like all of it.
"""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from yett.inventory.finding import Finding
from yett.inventory.live.asking import BUSY, Asks
from yett.inventory.live.call import Request
from yett.inventory.live.client import NoAnswer
from yett.inventory.live.limits import Pace
from yett.inventory.live.plan import Question
from yett.model.credential import Authority
from yett.model.errors import UpstreamFailed
from yett.model.http import HttpRequest
from yett.model.provider import ApiResponse, Inspector
from yett.providers.book import ProviderBook
from yett.providers.room import Room

MOST = 20
"""Credentials of one scan: each takes many questions."""
MOST_QUESTIONS = 60
"""About one credential, a second each."""
LONGEST = 1 << 20
"""Octets of an answer: it lists what somebody has."""


def can_say(finding: Finding, question: Question, book: ProviderBook) -> bool:
    """Whether the issuer's room can ask what this one does, at the host that it may be shown to."""
    return _inspector(finding, question, book) is not None


def authority_of(
    finding: Finding,
    question: Question,
    book: ProviderBook,
    client: Asks,
    pace: Pace,
    most: int = MOST_QUESTIONS,
) -> Authority | None:
    """What its issuer says; None where it does not say.

    Raises:
        Stopped: the scan was broken off.
    """
    found = _inspector(finding, question, book)
    if found is None:
        return None
    room, inspector = found
    way = _Way(room, question, client, pace, most)
    try:
        authority = _done(inspector.authority(way, finding.value.text()))
    except (UpstreamFailed, ValueError, LookupError, AttributeError, TypeError):  # no answer, or of another shape
        return None
    return authority if authority.known and not way.failed else None


def _inspector(finding: Finding, question: Question, book: ProviderBook) -> tuple[Room, Inspector] | None:
    room = book.named(finding.credential.provider)
    inspector = room.inspector() if room is not None and question.request.host in room.hosts else None
    return None if room is None or inspector is None else (room, inspector)


@dataclass
class _Way:
    """A room's way to its provider: one host, whichever of its names the room's code uses."""

    room: Room
    question: Question
    client: Asks
    pace: Pace
    left: int
    failed: bool = False

    async def send(self, request: HttpRequest) -> ApiResponse:
        """Once something failed nothing more is asked: what a room then put together would be a part."""
        if self.failed or self.left <= 0 or request.scheme != "https" or request.host not in self.room.hosts:
            self.failed = True
            raise UpstreamFailed("is asked no more")
        self.left -= 1
        self.pace.turn()
        try:
            answer = self.client.ask(_request(request, self.question.request))
        except (NoAnswer, UpstreamFailed) as why:
            self.failed = True
            raise UpstreamFailed(str(why)) from None
        if answer.body is None or answer.status in BUSY:
            self.failed = True
            raise UpstreamFailed("gave no answer that can be read")
        return ApiResponse(answer.status, {}, answer.body)

    def address(self, host: str, port: int) -> tuple[str, int]:
        raise UpstreamFailed("no database is asked")


def _request(asked: HttpRequest, agreed: Request) -> Request:
    """To the host of the question that a person agreed to."""
    body = asked.body or b""
    headers = {
        "host": agreed.host if agreed.port == 443 else f"{agreed.host}:{agreed.port}",
        "user-agent": "yett-scan",
        "accept": "application/json",
        "accept-encoding": "identity",
        "connection": "close",
        **dict(asked.headers),
        "content-length": str(len(body)),
    }
    target = f"{asked.path}?{asked.query}" if asked.query else asked.path
    lines = [f"{asked.method} {target} HTTP/1.1", *(f"{name}: {said}" for name, said in headers.items())]
    octets = "\r\n".join((*lines, "", "")).encode("ascii") + body
    return Request(agreed.host, agreed.port, asked.method, octets, agreed.forms)


def _done(work: Coroutine[Any, Any, Authority]) -> Authority:
    """Nothing in it waits for a loop, the client blocks: so that an interrupt ends it at once."""
    try:
        work.send(None)
    except StopIteration as done:
        result: Authority = done.value
        return result
    work.close()
    raise TypeError("a room waited for something else than its provider")
