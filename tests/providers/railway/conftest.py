"""A running Railway of the lab, and Yett's own way to it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from yett.lab.incident import RunningLab, lab_folder, started_lab
from yett.model.http import HttpRequest
from yett.model.provider import ApiResponse
from yett.model.resource import Resource, ResourceRef
from yett.providers.railway.authority import RailwayInspector


@dataclass
class LabApi:
    """Dials the lab under Railway's host names, over TLS with the lab's root; keeps what was asked."""

    lab: RunningLab

    def __post_init__(self) -> None:
        self.asked: list[bytes] = []
        self._context = ssl.create_default_context(cafile=self.lab.announced["ca"])

    async def send(self, request: HttpRequest) -> ApiResponse:
        assert request.body is not None
        self.asked.append(request.body)
        port = self.lab.announced["ports"]["tls"]
        async with httpx.AsyncClient(verify=self._context, trust_env=False) as client:
            answer = await client.request(
                request.method,
                f"https://127.0.0.1:{port}{request.path}",
                headers=[("host", request.host), *request.headers],
                content=request.body,
                extensions={"sni_hostname": request.host},
            )
        return ApiResponse(answer.status_code, dict(answer.headers), answer.content)

    def address(self, host: str, port: int) -> tuple[str, int]:
        return ("127.0.0.1", port)


@dataclass
class Railway:
    """The lab's Railway with its places and tokens, and an inspector."""

    api: LabApi

    @property
    def places(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.lab.announced["places"]
        return found

    def token(self, kind: str) -> str:
        return self.api.lab.handed_out[f"{kind}_token"]

    def resolve(self, kind: str, *ids: str, token: str = "account") -> Resource:
        refs = (ResourceRef("railway", kind, "/".join(ids)),)
        (found,) = asyncio.run(RailwayInspector().resolve(self.api, self.token(token), refs))
        return found


@pytest.fixture(scope="module")
def railway() -> Iterator[Railway]:
    """A lab that all tests of a module share: nothing is changed in it."""
    with lab_folder() as folder, started_lab(folder / "lab") as lab:
        yield Railway(LabApi(lab))
