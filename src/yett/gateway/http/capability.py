"""Addresses that a governed host hands out with their own credential in them: redirects and LFS actions (law 3d)."""

from __future__ import annotations

import json
import time
from urllib.parse import urljoin

from yett.gateway.floors import Capabilities
from yett.gateway.http.framing import ResponseHead
from yett.model.http import HttpRequest

LIFE_S = 3600.0
LFS_TYPE = "application/vnd.git-lfs+json"
_MOST_OBJECTS = 1000


def register_redirect(known: Capabilities, session: str, request: HttpRequest, head: ResponseHead) -> None:
    """Let the session follow a redirect to a presigned address."""
    if head.status < 300 or head.status >= 400:
        return
    base = f"{request.scheme}://{request.host}:{request.port}{request.path}"
    for name, value in head.headers:
        if name == "location":
            known.register(session, urljoin(base, value), time.time() + LIFE_S)


def is_lfs(head: ResponseHead) -> bool:
    """Whether an answer is one of LFS's batch API, whose body hands out addresses with headers."""
    return any(name == "content-type" and value.startswith(LFS_TYPE) for name, value in head.headers)


def register_lfs(known: Capabilities, session: str, body: bytes) -> None:
    """Let the session use the actions of an LFS batch answer; a body that is none registers nothing."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return
    objects = answer.get("objects") if isinstance(answer, dict) else None
    for one in objects[:_MOST_OBJECTS] if isinstance(objects, list) else ():
        actions = one.get("actions") if isinstance(one, dict) else None
        for action in actions.values() if isinstance(actions, dict) else ():
            if isinstance(action, dict) and isinstance(action.get("href"), str):
                known.register(session, action["href"], time.time() + LIFE_S, _headers(action.get("header")))


def _headers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if isinstance(name, str) and isinstance(text, str)}
