"""A client that keeps locks and says nothing: a session may set the server's own timeouts to nothing, not this one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_LOOKS = 4
"""So often it is looked at within the time that a client may say nothing."""


class Idleness:
    """One connection's. `heard` counts what the client has said; while it is `busy` it waits, and is not waited for.

    The timer holds the connection with all that its transaction said: whoever began a watch ends it.
    """

    def __init__(self, seconds: float, heard: Callable[[], int], busy: Callable[[], bool]) -> None:
        self.idle: Callable[[], None] = _nobody
        self._seconds = seconds
        self._heard = heard
        self._busy = busy
        self._quiet = self._then = 0
        self._timer: asyncio.TimerHandle | None = None

    def watch(self) -> None:
        """From now on, until `end`."""
        self.end()
        self._begin_anew()

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin_anew(self) -> None:
        self._quiet, self._then = 0, self._heard()
        self._wait()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds / _LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._busy() or self._heard() != self._then:
            self._begin_anew()
            return
        self._quiet += 1
        if self._quiet < _LOOKS:
            self._wait()
        else:
            self.idle()


def _nobody() -> None:
    """Until somebody is told."""
