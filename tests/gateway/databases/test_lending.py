"""What is lent is taken back, whatever becomes of the session: its own steps are slow here, and written down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from yett.gateway.databases import lending


class Slow:
    """Stands for the server."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.own = self

    async def step(self, what: str) -> None:
        await asyncio.sleep(0.02)
        self.did.append(what)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield None

    async def batch(self, statements: list[str]) -> None:
        await self.step(statements[-1])


@pytest.mark.parametrize("after", [0.001, 0.03, 0.05])
def test_a_session_that_is_cancelled_leaves_no_membership(monkeypatch: pytest.MonkeyPatch, after: float) -> None:
    slow = Slow()

    async def owner(*_: object) -> str:
        return "boss"

    monkeypatch.setattr(lending, "_owner", owner)
    monkeypatch.setattr(lending, "elevate", lambda *_, **__: slow.step("lent"))
    monkeypatch.setattr(lending, "lower", lambda *_: slow.step("taken back"))
    place: Any = SimpleNamespace(own=slow, lease="yett_x", owed=set())

    async def run() -> None:
        task = asyncio.ensure_future(lending.lend(place, slow, [1], []))  # type: ignore[arg-type]
        await asyncio.sleep(after)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert slow.did in (["lent", 'SET LOCAL ROLE "boss"', "taken back"], [])
    assert not place.owed
