"""Ask Railway's GraphQL API with a token, as its customers do."""

from __future__ import annotations

import json
from typing import Any

from yett.model.canonical import Json
from yett.model.errors import UpstreamFailed
from yett.model.http import HttpRequest
from yett.model.provider import ApiClient

HOST = "backboard.railway.app"
PATH = "/graphql/v2"
BEARER = "authorization"
PROJECT = "project-access-token"


async def ask(
    api: ApiClient, secret: str, document: str, variables: dict[str, Json], *, header: str = BEARER
) -> dict[str, Any]:  # Any: the answer's shape is the document's
    """Send one document; the answer's `data`.

    Raises:
        UpstreamFailed: Railway did not answer, or answered with errors. The token is never part of the message.
    """
    value = f"Bearer {secret}" if header == BEARER else secret
    request = HttpRequest(
        method="POST",
        scheme="https",
        host=HOST,
        port=443,
        path=PATH,
        query="",
        headers=(("content-type", "application/json"), (header, value)),
        body=json.dumps({"query": document, "variables": variables}).encode(),
    )
    answer = await api.send(request)
    try:
        parsed = json.loads(answer.body)
    except ValueError:
        raise UpstreamFailed(f"Railway answered {answer.status} with what is not JSON") from None
    if not isinstance(parsed, dict) or parsed.get("errors") or not isinstance(parsed.get("data"), dict):
        raise UpstreamFailed(f"Railway refused Yett's own question: {_messages(parsed)}")
    return dict(parsed["data"])


def _messages(parsed: object) -> str:
    errors = parsed.get("errors") if isinstance(parsed, dict) else None
    if not isinstance(errors, list):
        return "no data in its answer"
    return "; ".join(str(e.get("message", ""))[:200] for e in errors if isinstance(e, dict))
