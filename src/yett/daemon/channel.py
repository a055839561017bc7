"""Newline-delimited JSON over a unix socket, with file descriptors beside it (SCM_RIGHTS).

asyncio transports cannot receive descriptors, so this drives the socket with reader callbacks of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections import deque
from typing import Any

from yett.model.errors import YettError

MAX_LINE = 4 << 20
"""An environment and an argument list fit; a client that sends more is ended."""

Message = dict[str, Any]  # Any: JSON as it stands on the socket, checked by the verb that reads it


class ChannelClosed(YettError):
    """The other side is gone."""


class Channel:
    """One connection. `receive` and `send` may be used by one task each at a time."""

    def __init__(self, sock: socket.socket, longest: int = MAX_LINE) -> None:
        sock.setblocking(False)
        self._socket = sock
        self._longest = longest
        self._buffer = bytearray()
        self._descriptors: deque[int] = deque()
        self._loop = asyncio.get_running_loop()

    @property
    def peer(self) -> tuple[int, int]:
        """(pid, uid) of the process that connected, by SO_PEERCRED."""
        raw = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", raw)
        return pid, uid

    async def receive(self) -> Message:
        """Next message; descriptors that came with it wait in `take_descriptors`.

        Raises:
            ChannelClosed: end of file, a line that is too long, or a line that is not a JSON object.
        """
        while (end := self._buffer.find(b"\n")) < 0:
            if len(self._buffer) > self._longest:
                raise ChannelClosed("a message was longer than the channel takes")
            await self._fill()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):  # a line of brackets is no JSON either
            raise ChannelClosed("a message was not JSON") from None
        if not isinstance(message, dict):
            raise ChannelClosed("a message was not a JSON object")
        return message

    def take_descriptors(self) -> list[int]:
        """Descriptors received so far; the caller owns them."""
        taken = list(self._descriptors)
        self._descriptors.clear()
        return taken

    async def send(self, message: Message, descriptors: tuple[int, ...] = ()) -> None:
        data = json.dumps(message).encode() + b"\n"
        if descriptors:
            sent = socket.send_fds(self._socket, [data], list(descriptors))
            data = data[sent:]
        try:
            await self._loop.sock_sendall(self._socket, data)
        except OSError as error:
            raise ChannelClosed(f"the other side is gone: {error}") from None

    def close(self) -> None:
        for descriptor in self.take_descriptors():
            os.close(descriptor)
        self._socket.close()

    async def _fill(self) -> None:
        await self._readable()
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 16)
        except BlockingIOError:
            return
        except OSError as error:
            raise ChannelClosed(f"the other side is gone: {error}") from None
        self._descriptors.extend(descriptors)
        if not data:
            raise ChannelClosed("the other side closed")
        self._buffer += data

    async def _readable(self) -> None:
        ready: asyncio.Future[None] = self._loop.create_future()
        number = self._socket.fileno()
        self._loop.add_reader(number, lambda: None if ready.done() else ready.set_result(None))
        try:
            await ready
        finally:
            self._loop.remove_reader(number)
