"""The fake address pool of one session: a name gets an address when DNS asks, and listeners before the answer."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import resource
import socket
from collections.abc import Iterable
from typing import Protocol

from yett.daemon.channel import Channel
from yett.gateway.gate import Gate, Kind
from yett.gateway.names import NameRefused, host_name
from yett.model.errors import YettError
from yett.model.identity import Session

FIRST = int(ipaddress.ip_address("198.18.1.1"))
CAPTURED: tuple[tuple[int, Kind], ...] = ((443, "tls"), (80, "http"))
MOST_NAMES = 4096
SHARE = 16
"""Two listeners a name: one session's names take an eighth of the descriptors that the daemon may have, at most."""


class AlsoServed(Protocol):
    """What else is served under a name: the databases on that host."""

    def ports_of(self, name: str) -> Iterable[int]: ...

    def listen(self, listener: socket.socket, name: str, port: int) -> None: ...


class Addresses:
    """Names of one session. The keeper makes listeners inside the session's network namespace."""

    def __init__(self, session: Session, keeper: Channel, gate: Gate, also: AlsoServed | None = None) -> None:
        self._session = session
        self._keeper = keeper
        self._gate = gate
        self._also = also
        self._by_name: dict[str, asyncio.Future[str | None]] = {}
        self._free = iter(range(FIRST, FIRST + most_names()))
        self._asking = asyncio.Lock()

    async def address(self, name: str) -> str | None:
        """The fake address of a name, its listeners serving; None when no more can be made."""
        known = self._by_name.get(name)
        if known is not None:
            return await asyncio.shield(known)
        if not is_host_name(name) or (number := next(self._free, None)) is None:
            return None
        made: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._by_name[name] = made
        address = str(ipaddress.ip_address(number))
        try:
            for port, kind in CAPTURED:
                await self._gate.serve(self._session, await self.listener(address, port), kind, name)
            await self._serve_also(name, address)
        except (YettError, OSError):
            del self._by_name[name]
            return None
        else:
            made.set_result(address)
            return address
        finally:  # whoever asked meanwhile must not wait for ever, whatever happened
            if not made.done():
                made.set_result(None)

    async def _serve_also(self, name: str, address: str) -> None:
        if self._also is not None:
            for port in self._also.ports_of(name):
                self._also.listen(await self.listener(address, port), name, port)

    async def listener(self, address: str, port: int) -> socket.socket:
        """A listening socket inside the session's network namespace. Raises OSError: it could not be made."""
        async with self._asking:
            await self._keeper.send({"listen": [address, port]})
            answer = await self._keeper.receive()
            descriptors = self._keeper.take_descriptors()
        if not answer.get("ok") or len(descriptors) != 1:
            for descriptor in descriptors:
                os.close(descriptor)
            raise OSError(f"no listener on {address}:{port}: {answer.get('error', '')}")
        return socket.socket(fileno=descriptors[0])


def most_names() -> int:
    """How many names one session may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_NAMES if soft == resource.RLIM_INFINITY else min(MOST_NAMES, soft // SHARE)


def is_host_name(name: str) -> bool:
    """Whether the gate would connect to it; else it gets no address, and counts for nothing."""
    try:
        return host_name(name) == name
    except NameRefused:
        return False
