"""api.anthropic.com: the Messages API with no model behind it, for a real agent client to talk to.

What the model "thinks" stands in the prompt: `<play>[{"tool": ..., "input": {...}}, ..., {"text": ...}]</play>`. Each
call gets the next step as its answer, streamed in small pieces if the client asks for a stream; after the last step, or
without a script, the answer is a short text. A call without the right key is refused as the real API does. Everything
that an accepted call said to the model is kept, one JSON line each, so that a test can see what the model saw.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any, TextIO

from yett.lab.journal import Arrival, Journal
from yett.lab.login import Login
from yett.lab.wire import Reply, Request

HOST = "api.anthropic.com"
SCRIPT = re.compile(r"<play>(.*?)</play>", re.DOTALL)
LAST_WORDS = {"text": "Nothing is left to do."}
PIECE = 24
PAUSE_SECONDS = 0.002
USAGE = {"input_tokens": 10, "output_tokens": 10}

Body = dict[str, Any]  # Any: JSON as the client sent it


class Messages:
    """Answers requests for the API's host."""

    def __init__(self, key: str, login: Login, journal: Journal, heard: TextIO) -> None:
        """Serve whoever shows `key` or is logged in; write what the model is told to `heard`."""
        self._key = key
        self._login = login
        self._journal = journal
        self._heard = heard

    async def handle(self, request: Request, reply: Reply) -> None:
        """Answer one request and write it into the journal, done before the answer leaves."""
        token = self._token(request)
        body = _json(request.payload())
        status, answer = self._answer(request, token, body)
        calls = status == 200 and request.path == "/v1/messages"
        self._journal.record(request, Arrival(token, done=["model call"] if calls else []), status)
        if calls and body.get("stream"):
            await reply.stream(200, _events(answer), "text/event-stream", cache_control="no-cache")
        else:
            await reply.send(status, b"" if request.method == "HEAD" else json.dumps(answer).encode())

    def _answer(self, request: Request, token: str, body: Body) -> tuple[int, Body]:
        if (request.method, request.path) in (("HEAD", "/"), ("GET", "/api/hello")):
            return 200, {"message": "hello"}  # a client's test that there is a way
        if request.method != "POST" or request.path not in ("/v1/messages", "/v1/messages/count_tokens"):
            return 404, _error("not_found_error", "Not found")
        if not token.startswith("model-"):
            return 401, _error("authentication_error", "invalid x-api-key")
        if not isinstance(body.get("messages"), list) or not body.get("model"):
            return 400, _error("invalid_request_error", "model and messages: Field required")
        if request.path.endswith("count_tokens"):
            return 200, {"input_tokens": 10}
        self._heard.write(json.dumps(body) + "\n")
        self._heard.flush()
        return 200, _message(str(body["model"]), next_step(body))

    def _token(self, request: Request) -> str:
        """Say whose credential this is: one in its header, and no second beside it, which would be a leak."""
        given = [(name, request.header(name)) for name in ("x-api-key", "authorization") if request.header(name)]
        known = {
            ("x-api-key", self._key): "model-key",
            ("authorization", f"Bearer {self._login.access}"): "model-login",
        }
        if not given:
            return "none"
        return known.get(given[0], "unknown") if len(given) == 1 else "unknown"


def next_step(body: Body) -> Body:
    """Return what comes next in the newest script of a conversation. Calls that offer no tools play no script."""
    script: list[Body] = []
    done = 0
    for message in body["messages"] if body.get("tools") else ():
        for block in _blocks(message):
            if message["role"] == "user" and (found := SCRIPT.search(block.get("text", ""))):
                script, done = json.loads(found[1]), 0
            elif message["role"] == "assistant" and block.get("type") == "tool_use":
                done += 1
    return script[done] if done < len(script) else LAST_WORDS


def _blocks(message: Body) -> list[Body]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _message(model: str, step: Body) -> Body:
    block = {"type": "text", "text": step["text"]} if "text" in step else _tool_use(step)
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [block],
        "stop_reason": "end_turn" if "text" in step else "tool_use",
        "stop_sequence": None,
        "usage": USAGE,
    }


def _tool_use(step: Body) -> Body:
    return {"type": "tool_use", "id": f"toolu_{secrets.token_hex(12)}", "name": step["tool"], "input": step["input"]}


async def _events(message: Body) -> AsyncIterator[bytes]:
    """Take a message apart into the events of a stream (Messages API, "Streaming messages")."""
    for event in _parts(message):
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
        await asyncio.sleep(PAUSE_SECONDS)


def _parts(message: Body) -> Iterator[Body]:
    yield {"type": "message_start", "message": {**message, "content": [], "stop_reason": None}}
    yield {"type": "ping"}
    for index, block in enumerate(message["content"]):
        kind, key, text = _streamed(block)
        empty = {**block, "text": ""} if "text" in block else {**block, "input": {}}
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for start in range(0, len(text), PIECE):
            delta = {"type": kind, key: text[start : start + PIECE]}
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    ending = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": USAGE["output_tokens"]}}
    yield {"type": "message_stop"}


def _streamed(block: Body) -> tuple[str, str, str]:
    """Return how a block's content goes over the wire: the delta's type, its field, the whole text."""
    if "text" in block:
        return "text_delta", "text", block["text"]
    return "input_json_delta", "partial_json", json.dumps(block["input"])


def _json(payload: bytes) -> Body:
    try:
        body = json.loads(payload or b"{}")
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _error(kind: str, message: str) -> Body:
    return {"type": "error", "error": {"type": kind, "message": message}}
