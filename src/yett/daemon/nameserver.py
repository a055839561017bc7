"""The session's name server: every query is answered by Yett, nothing is asked of the outside (design, section 7)."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections.abc import Awaitable, Callable, Coroutine

from yett.sandbox.dns import MAX_QUERY, answer

AddressOf = Callable[[str], Awaitable[str | None]]
MOST_AT_ONCE = 256
"""Queries in work; a resolver asks again, and an agent that sends more gets no answer to them."""


class NameServer:
    """Serves the session's DNS sockets; a name gets its address, and its listeners, before the answer leaves."""

    def __init__(self, datagrams: socket.socket, streams: socket.socket | None, address_of: AddressOf) -> None:
        self._datagrams = datagrams
        self._streams = streams
        self._address_of = address_of
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        datagrams.setblocking(False)
        self._loop.add_reader(datagrams, self._read)
        if streams is not None:
            streams.setblocking(False)
            self._loop.add_reader(streams, self._accept)

    def close(self) -> None:
        for sock in (self._datagrams, self._streams):
            if sock is not None:
                self._loop.remove_reader(sock)
                sock.close()
        for task in self._tasks:
            task.cancel()

    def _read(self) -> None:
        try:
            query, source = self._datagrams.recvfrom(MAX_QUERY + 1)
        except OSError:
            return
        if len(self._tasks) < MOST_AT_ONCE:
            self._start(self._reply(query, source))

    def _accept(self) -> None:
        assert self._streams is not None
        try:
            connection, _ = self._streams.accept()
        except OSError:
            return
        if len(self._tasks) >= MOST_AT_ONCE:
            connection.close()
            return
        connection.setblocking(False)
        self._start(self._converse(connection))

    async def _reply(self, query: bytes, source: tuple[str, int]) -> None:
        said = await self._answer(query)
        if said is not None:
            try:
                self._datagrams.sendto(said, source)
            except OSError:
                return

    async def _converse(self, connection: socket.socket) -> None:
        """One query over TCP: two bytes of length before each message (RFC 1035, 4.2.2)."""
        with connection:
            try:
                async with asyncio.timeout(5):
                    data = await self._loop.sock_recv(connection, MAX_QUERY + 2)
                    said = await self._answer(data[2:])
                    if said is not None:
                        await self._loop.sock_sendall(connection, struct.pack(">H", len(said)) + said)
            except (OSError, TimeoutError):
                return

    async def _answer(self, query: bytes) -> bytes | None:
        """Ask once to learn the name, make its address, answer."""
        asked: list[str] = []

        def note(name: str) -> bytes | None:
            asked.append(name)
            return None

        said = answer(query, note)
        if not asked:
            return said
        address = await self._address_of(asked[0])
        packed = ipaddress.ip_address(address).packed if address else None
        return answer(query, lambda _: packed)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
