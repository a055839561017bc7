"""Requests that a service of Yett's own answers in an upstream's place: the workspace's git remotes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from yett.gateway.http.coding import decode
from yett.gateway.http.serialise import response_head

if TYPE_CHECKING:
    from yett.gateway.floors import Answering
    from yett.gateway.http.exchange import Exchange


async def answer(exchange: Exchange, answering: Answering, body: bytes) -> None:
    """Nothing leaves here: the service asks the checkpoint itself, with what only it knows."""
    request = exchange.request
    assert request is not None
    coding = request.header("content-encoding") if body else None
    if coding is not None:
        body = decode(coding, body, exchange.client.floors.limits.own_body)
    plain = tuple(field for field in request.headers if field[0] != "content-encoding")
    said = await answering(replace(request, headers=plain, body=body))
    headers = (("content-type", said.content_type), ("cache-control", "no-cache"))
    content = b"" if request.method == "HEAD" else said.body
    exchange.client.write(response_head(said.status, headers, len(said.body), closes=exchange.closes) + content)
    exchange.finished()
