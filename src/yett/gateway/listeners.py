"""The listening sockets of one session: a session that is full accepts nothing, and its clients wait in the kernel."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from contextlib import suppress

_log = logging.getLogger("yett.gateway")
_A_TURN = 16
_AGAIN_S = 0.5

Take = Callable[[socket.socket], None]
"""Takes what was accepted."""


class Listeners:
    """Accepts on every listener while `is_full` says no; `reopen` is to be called whenever it may say so again."""

    def __init__(self, is_full: Callable[[], bool]) -> None:
        self._loop = asyncio.get_running_loop()
        self._is_full = is_full
        self._accepting: dict[socket.socket, Callable[[], None]] = {}
        self._stopped = False

    def add(self, listener: socket.socket, take: Take) -> None:
        """Accept from `listener`."""
        listener.setblocking(False)

        def accept() -> None:
            self._accept(listener, take)

        self._accepting[listener] = accept
        self._loop.add_reader(listener, accept)

    def reopen(self) -> None:
        """Accept again, if there is room."""
        if not self._stopped or self._is_full():
            return
        self._stopped = False
        for listener, accept in self._accepting.items():
            self._loop.add_reader(listener, accept)

    def close(self) -> None:
        for listener in self._accepting:
            self._loop.remove_reader(listener)
            listener.close()
        self._accepting.clear()

    def _accept(self, listener: socket.socket, take: Take) -> None:
        for _ in range(_A_TURN):
            if self._is_full():
                self._stop()
                return
            try:
                accepted, _ = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                _log.error("a connection could not be accepted: %s", error.strerror)
                self._stop()
                self._loop.call_later(_AGAIN_S, self.reopen)
                return
            accepted.setblocking(False)
            with suppress(OSError):
                accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            take(accepted)

    def _stop(self) -> None:
        self._stopped = True
        for listener in self._accepting:
            self._loop.remove_reader(listener)
