"""Listeners that others made: sockets of another network namespace, handed over a Unix socket (SCM_RIGHTS).

A launcher makes listeners inside its namespace, where port 443 of the real host names is free, and passes them here
with one JSON line {"kinds": ["tls", "http"]}. They are served until that connection closes.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

MOST_LISTENERS = 8

Serve = Callable[[socket.socket, str], Awaitable[asyncio.Server]]


class Attachments:
    """Accepts handed-over listeners on a Unix socket that only its owner can reach."""

    def __init__(self, path: Path, serve: Serve) -> None:
        """Bind `path` (0600, owned by whoever runs this now); `serve` starts serving one listener."""
        self._serve = serve
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(16)
        self._listener.setblocking(False)

    async def run(self) -> None:
        """Accept launchers until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            while True:
                connection, _ = await loop.sock_accept(self._listener)
                connection.setblocking(False)
                tasks.create_task(self._hold(connection))

    async def _hold(self, connection: socket.socket) -> None:
        try:
            await self._serve_handed_over(connection)
        except (OSError, ValueError, KeyError) as error:
            print(f"a launcher's listeners were not taken: {error}", file=sys.stderr)

    async def _serve_handed_over(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        servers: list[asyncio.Server] = []
        try:
            with connection:
                await _readable(loop, connection)
                line, descriptors, _, _ = socket.recv_fds(connection, 4096, MOST_LISTENERS)
                listeners = [socket.socket(fileno=descriptor) for descriptor in descriptors]
                for kind, listener in zip(json.loads(line)["kinds"], listeners, strict=True):
                    servers.append(await self._serve(listener, kind))
                await loop.sock_sendall(connection, b'{"ok": true}\n')
                while await loop.sock_recv(connection, 1):
                    pass
        finally:
            for server in servers:
                server.close()


def hand_over(path: Path, listeners: dict[str, socket.socket]) -> socket.socket:
    """Hand listeners to a lab; keep the returned connection open for as long as they are to be served."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    line = json.dumps({"kinds": list(listeners)}).encode() + b"\n"
    socket.send_fds(connection, [line], [listener.fileno() for listener in listeners.values()])
    if not connection.recv(64):
        raise ConnectionError("the lab did not take the listeners")
    return connection


async def _readable(loop: asyncio.AbstractEventLoop, connection: socket.socket) -> None:
    ready = asyncio.Event()
    loop.add_reader(connection, ready.set)
    await ready.wait()
    loop.remove_reader(connection)
