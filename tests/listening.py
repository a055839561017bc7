"""How a listener that a thread waits at is closed."""

from __future__ import annotations

import socket
from contextlib import suppress


def close(listener: socket.socket) -> None:
    """Wake the thread that waits in accept(), which then ends with OSError.

    Left asleep, its call begins anew at the next signal with SA_RESTART (any child's end), on whatever has the same
    descriptor by then: it takes another server's connections.
    """
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()
