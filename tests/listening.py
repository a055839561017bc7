"""How a listener that a thread waits at is closed, and a port that a server will listen on."""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress

_KEPT: deque[socket.socket] = deque(maxlen=64)


def close(listener: socket.socket) -> None:
    """Wake the thread that waits in accept(), which then ends with OSError.

    Left asleep, its call begins anew at the next signal with SA_RESTART (any child's end), on whatever has the same
    descriptor by then: it takes another server's connections.
    """
    with suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def free_port() -> int:
    """A TCP port of 127.0.0.1 for a server that sets SO_REUSEADDR, as all do. It stays bound here, and nobody listens
    on it: no other process is given it meanwhile."""
    kept = socket.socket()
    kept.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    kept.bind(("127.0.0.1", 0))
    _KEPT.append(kept)
    return int(kept.getsockname()[1])
