"""Requests that are slow to look into, on hundreds of connections: other sessions and lockdown come between them."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

from yett.gateway.ca import ServerContexts
from yett.gateway.floors import Floors
from yett.gateway.gate import SessionTunnels
from yett.gateway.limits import Limits
from yett.model.identity import Principal, Session, Task

SESSION = Session("s-1", Principal("a", "o", "c"), Task("t-1", "", None, False, 0.0, 4e9), "/w")
LARGE = Limits().at_once + 1


def _tunnels() -> SessionTunnels:
    floors = cast(Floors, SimpleNamespace(limits=Limits()))
    return SessionTunnels(SESSION, floors, cast(ServerContexts, None))


def test_large_requests_of_one_session_leave_a_turn_to_everybody_else() -> None:
    done: list[str] = []

    async def rush() -> None:
        tunnels, loop = _tunnels(), asyncio.get_running_loop()
        for number in range(50):
            tunnels.in_turn(LARGE, lambda number=number: done.append(f"large {number}"))
        loop.call_soon(done.append, "lockdown")
        while len(done) < 51:
            await asyncio.sleep(0)

    asyncio.run(rush())
    assert done.index("lockdown") <= 1
    assert [one for one in done if one != "lockdown"] == [f"large {number}" for number in range(50)]


def test_small_requests_wait_for_nothing_but_their_own_session() -> None:
    async def send() -> None:
        busy, other = _tunnels(), _tunnels()
        done: list[str] = []
        busy.in_turn(LARGE, lambda: done.append("large"))
        other.in_turn(100, lambda: done.append("other"))
        busy.in_turn(100, lambda: done.append("small behind it"))
        assert done == ["other"]
        await asyncio.sleep(0.01)
        assert done == ["other", "large", "small behind it"]

    asyncio.run(send())


def test_work_that_fails_does_not_stop_the_next() -> None:
    async def send() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        tunnels, done = _tunnels(), asyncio.Event()
        tunnels.in_turn(LARGE, lambda: [][0])
        tunnels.in_turn(LARGE, done.set)
        async with asyncio.timeout(2):
            await done.wait()

    asyncio.run(send())
