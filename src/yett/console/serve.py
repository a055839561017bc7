"""Serve the console on the loopback addresses of localhost, both families, and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import AsyncIterator

import uvicorn
from starlette.applications import Starlette

from yett.model.errors import ConfigurationError


def listen(port: int) -> list[socket.socket]:
    """Listening sockets on 127.0.0.1 and ::1 (if the machine has it). Port 0: one that is free on both.

    Raises:
        ConfigurationError: the port is taken.
    """
    first = _bind(socket.AF_INET, "127.0.0.1", port)
    try:
        return [first, _bind(socket.AF_INET6, "::1", first.getsockname()[1])]
    except OSError as error:
        if error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return [first]
        first.close()
        raise _taken(port, error) from error


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        if family == socket.AF_INET:
            raise _taken(port, error) from error
        raise
    return listener


def _taken(port: int, error: OSError) -> ConfigurationError:
    return ConfigurationError(
        f"the page cannot listen on localhost:{port}: {error.strerror}",
        "choose another port: yett up --port 7712 (or, to stay, a line `port = 7712` in Yett's config.toml)",
    )


@contextlib.asynccontextmanager
async def serving(app: Starlette, sockets: list[socket.socket]) -> AsyncIterator[None]:
    """Serve while the block runs, in this loop. Signals stay the daemon's."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        http="h11",
        server_header=False,
        proxy_headers=False,
        limit_concurrency=128,
        h11_max_incomplete_event_size=16 * 1024,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets)
    loop = asyncio.create_task(server.main_loop())
    try:
        yield
    finally:
        app.state.events.close()
        server.should_exit = True
        await loop
        await server.shutdown(sockets)
