"""The supervisor's event loop: poll(2) over a handful of descriptors. Importing asyncio would double a run's start."""

from __future__ import annotations

import gc
import os
import select
import signal
from collections.abc import Callable

READABLE = select.POLLIN | select.POLLHUP | select.POLLERR
WRITABLE = select.POLLOUT


class Loop:
    """Calls what is registered for a descriptor when it is ready, one at a time, until `stop`."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._ready: dict[int, Callable[[], None]] = {}
        self._signals: dict[int, Callable[[int], None]] = {}
        self._running = False
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def watch(self, descriptor: int, ready: Callable[[], None], events: int = READABLE) -> None:
        """Call `ready` when the descriptor is ready; replaces what was registered for it."""
        self._ready[descriptor] = ready
        self._poll.register(descriptor, events)

    def forget(self, descriptor: int) -> None:
        if self._ready.pop(descriptor, None):
            self._poll.unregister(descriptor)

    def on_signal(self, number: int, call: Callable[[int], None]) -> None:
        """Call `call` from the loop, not from the handler."""
        self._signals[number] = call
        signal.signal(number, _nothing)

    def stop(self) -> None:
        self._running = False

    def run(self) -> None:
        gc.enable()
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        self.watch(self._woken, self._dispatch_signals)
        self._running = True
        while self._running:
            for descriptor, _ in self._poll.poll():
                if ready := self._ready.get(descriptor):
                    ready()

    def _dispatch_signals(self) -> None:
        for number in os.read(self._woken, 512):
            if call := self._signals.get(number):
                call(number)


def _nothing(number: int, frame: object) -> None:
    """Python delivers a signal to the wake-up descriptor only if a handler is set."""
