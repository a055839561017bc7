"""The JSON endpoints under the pages: options for a key, and its answers. Every body and answer is one object."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse

from yett.approvals.acts import Act, ActKind
from yett.approvals.answer import challenge_of
from yett.approvals.challenge import Answer
from yett.approvals.document import Document, text
from yett.approvals.errors import ApprovalError, NotOpen
from yett.approvals.hold import Hold
from yett.approvals.reading import read
from yett.approvals.words import key_words, words_of
from yett.console.plane import ConsolePlane
from yett.model.canonical import Json

T = TypeVar("T")

MAX_BODY = 64 * 1024


class BadRequest(ApprovalError):
    """A body that no page of ours sends."""


class Api:
    """One method an endpoint."""

    def __init__(self, plane: ConsolePlane) -> None:
        self._plane = plane
        self._desk = plane.desk

    # Keys.

    async def first_options(self, request: Request) -> JSONResponse:
        body = await _body(request)
        code, name = _string(body, "code"), _string(body, "name")
        return JSONResponse({"options": await _read(lambda: self._desk.first_key_options(code, name))})

    async def first_key(self, request: Request) -> JSONResponse:
        body = await _body(request)
        code, name, credential = _string(body, "code"), _string(body, "name"), _object(body, "credential")
        enrolled = await self._desk.enrol_first(code, name, credential)
        return JSONResponse({"person": enrolled.person.name, "key": enrolled.key})

    async def key_options(self, request: Request) -> JSONResponse:
        name = _string(await _body(request), "name")
        ticket, options = await _read(lambda: self._desk.key_options(name))
        return JSONResponse({"ticket": ticket, "options": options})

    async def propose_key(self, request: Request) -> JSONResponse:
        body = await _body(request)
        act = await self._desk.propose_key(_string(body, "ticket"), _object(body, "credential"))
        return JSONResponse({"act": act.id, "words": key_words(text(act.body, "public_key"))})

    async def propose_removal(self, request: Request) -> JSONResponse:
        act = await self._desk.propose_removal(_string(await _body(request), "key"), "the page")
        return JSONResponse({"act": act.id})

    # Holds.

    async def holds(self, request: Request) -> JSONResponse:
        waiting = await _read(self._desk.waiting)
        return JSONResponse({"holds": [self._told(hold) for hold in waiting]})

    async def hold(self, request: Request) -> JSONResponse:
        hold = await _read(lambda: self._desk.hold(request.path_params["id"]))
        return JSONResponse(self._told(hold) | self._signed_parts(hold) | {"reason": hold.reason})

    async def hold_options(self, request: Request) -> JSONResponse:
        said = _answer(await _body(request))
        hold_id = request.path_params["id"]
        return JSONResponse({"options": await _read(lambda: self._desk.answer_options(hold_id, said))})

    async def answer(self, request: Request) -> JSONResponse:
        body = await _body(request)
        hold = await self._desk.answer(request.path_params["id"], _answer(body), _object(body, "credential"))
        return JSONResponse(self._told(hold))

    async def deny(self, request: Request) -> JSONResponse:
        await _body(request)
        await self._desk.deny(request.path_params["id"], "someone at the page")
        return JSONResponse(self._told(await _read(lambda: self._desk.hold(request.path_params["id"]))))

    # Acts.

    async def acts(self, request: Request) -> JSONResponse:
        return JSONResponse({"acts": [_told_act(act) for act in await _read(self._desk.waiting_acts)]})

    async def act_options(self, request: Request) -> JSONResponse:
        await _body(request)
        act_id = request.path_params["id"]
        return JSONResponse({"options": await _read(lambda: self._desk.act_options(act_id))})

    async def sign(self, request: Request) -> JSONResponse:
        body = await _body(request)
        return JSONResponse(_told_act(await self._desk.sign(request.path_params["id"], _object(body, "credential"))))

    async def decline(self, request: Request) -> JSONResponse:
        await _body(request)
        await self._desk.decline(request.path_params["id"], "someone at the page")
        return JSONResponse(_told_act(await _read(lambda: self._desk.act(request.path_params["id"]))))

    # Lockdown.

    async def lock(self, request: Request) -> JSONResponse:
        scope = _scope(await _body(request))
        await self._plane.lock(scope, "someone at the page", "")
        return JSONResponse({"scope": scope})

    async def propose_unlock(self, request: Request) -> JSONResponse:
        scope = _scope(await _body(request))
        if scope not in {locked.scope for locked in await _read(self._plane.locked)}:
            raise NotOpen("not-locked", "that is not locked down", "look at the page again")
        act = await self._desk.propose(ActKind.LOCKDOWN_OFF, {"scope": scope}, "the page")
        return JSONResponse({"act": act.id})

    def _signed_parts(self, hold: Hold) -> dict[str, Json]:
        """All that a second renderer needs to compute the challenge by itself."""
        site = self._desk.site
        return {
            "site": {"store": site.store, "port": site.port, "drill": site.drill},
            "nonce": hold.nonce.hex(),
            "checkpoint": hold.note,
            "document": hold.document,
        }

    def _told(self, hold: Hold) -> dict[str, Json]:
        reading = read(hold.document)
        return {
            "id": hold.id,
            "state": hold.state.value,
            "headline": reading.headline,
            "summary": reading.summary,
            "agent": hold.agent,
            "session": hold.session,
            "created": hold.created,
            "expires": hold.expires,
            "approve_after": hold.approve_after,
            "ended": hold.ended,
            "challenge": challenge_of(self._desk.site, hold, Answer.APPROVE).hex(),
            "words": list(words_of(self._desk.site, hold)),
        }


def _told_act(act: Act) -> dict[str, Json]:
    return {
        "id": act.id,
        "kind": act.kind.value,
        "state": act.state.value,
        "body": act.body,
        "expires": act.expires,
        "ended": act.ended,
    }


async def _read(query: Callable[[], T]) -> T:
    """The store is read on another thread: the gate's loop never waits for the page."""
    return await asyncio.to_thread(query)


async def _body(request: Request) -> Document:
    received = bytearray()
    try:
        async for chunk in request.stream():
            received += chunk
            if len(received) > MAX_BODY:
                raise BadRequest("too-large", "that is larger than any answer", "")
        body = json.loads(received)
    except (ValueError, RecursionError, ClientDisconnect) as error:
        raise BadRequest("not-json", "that is not JSON", "") from error
    if not isinstance(body, dict):
        raise BadRequest("not-an-object", "that is not a JSON object", "")
    return body


def _string(body: Document, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or len(value) > 4096 or any("\ud800" <= c <= "\udfff" for c in value):
        raise BadRequest("field", f"{name} is missing or not text", "")
    return value


def _object(body: Document, name: str) -> Document:
    value = body.get(name)
    if not isinstance(value, Mapping):
        raise BadRequest("field", f"{name} is missing or not an object", "")
    return value


def _answer(body: Document) -> Answer:
    value = _string(body, "answer")
    if value not in [answer.value for answer in Answer]:
        raise BadRequest("field", "an answer is approve or deny", "")
    return Answer(value)


def _scope(body: Document) -> str:
    scope = _string(body, "scope")
    kind, _, name = scope.partition(":")
    if scope != "*" and not (kind in ("agent", "session") and name and len(scope) <= 200 and name.isprintable()):
        raise BadRequest("field", "a scope is *, agent:NAME or session:ID", "")
    return scope
