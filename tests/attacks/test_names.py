"""An agent that asks for names by the thousand, or for names that are none: its own session bears it, nobody else."""

from __future__ import annotations

import asyncio
import resource
import socket
import struct
from typing import cast

import pytest

from yett.daemon import addresses, nameserver
from yett.daemon.addresses import Addresses
from yett.daemon.channel import Channel
from yett.daemon.nameserver import NameServer
from yett.gateway.gate import Gate
from yett.model.identity import Principal, Session, Task

SESSION = Session("s-1", Principal("a", "o", "c"), Task("t-1", "", None, False, 0.0, 4e9), "/w")


class _Gate:
    """Takes listeners; what it would serve is not asked here."""

    def __init__(self) -> None:
        self.served: list[tuple[str | None, int]] = []

    async def serve(self, session: Session, sock: socket.socket, kind: str, name: str | None) -> None:
        self.served.append((name, sock.fileno()))
        sock.close()


class _Keeper:
    """Makes listeners; `broken` refuses them."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self.broken = False

    async def send(self, message: dict[str, object]) -> None:
        self.asked.append(message["listen"])

    async def receive(self) -> dict[str, object]:
        return {"error": "no"} if self.broken else {"ok": True}

    def take_descriptors(self) -> list[int]:
        return [] if self.broken else [socket.socket().detach()]


def _made() -> tuple[Addresses, _Keeper, _Gate]:
    keeper, gate = _Keeper(), _Gate()
    return Addresses(SESSION, cast(Channel, keeper), cast(Gate, gate)), keeper, gate


def _query(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


@pytest.mark.parametrize("name", ["1.2.3.4", "-a.example.com", "a.0x7f", "xn--a-.example.com"])
def test_a_name_that_the_gate_refuses_is_answered_at_once_and_takes_no_address(name: str) -> None:
    async def ask() -> None:
        made, keeper, _ = _made()
        async with asyncio.timeout(2):
            assert [await made.address(name) for _ in range(3)] == [None, None, None]
            assert keeper.asked == []
            assert await made.address("example.com") == "198.18.1.1"

    asyncio.run(ask())


def test_a_failure_gives_no_two_names_one_address() -> None:
    async def ask() -> None:
        made, keeper, _ = _made()
        first = await made.address("one.example.com")
        keeper.broken = True
        assert await made.address("two.example.com") is None
        keeper.broken = False
        later = [await made.address(f"n{n}.example.com") for n in range(3)]
        assert len({first, *later}) == 4

    asyncio.run(ask())


def test_the_names_of_one_session_leave_descriptors_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    assert 2 * addresses.most_names() <= 1024 // 8

    async def ask() -> None:
        made, _, _ = _made()
        given = [await made.address(f"n{n}.example.com") for n in range(100)]
        assert sum(address is not None for address in given) == 64

    asyncio.run(ask())


def test_queries_that_wait_do_not_pile_up() -> None:
    async def flood() -> None:
        waiting = 0

        async def never(name: str) -> str | None:
            nonlocal waiting
            waiting += 1
            await asyncio.Event().wait()
            return None

        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        server = NameServer(ours, None, never)
        for number in range(2 * nameserver.MOST_AT_ONCE):
            theirs.send(_query(f"n{number}.example.com"))
            await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert waiting == nameserver.MOST_AT_ONCE
        server.close()
        theirs.close()

    asyncio.run(flood())
