"""Every bound of the PostgreSQL wire in one place, so that nothing grows or waits without end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WireLimits:
    """Bytes and seconds. `statement`: one Query or Parse; `message`: any other that is read whole, Bind above all.

    `held`: answers that wait for COMMIT; `waiting`: a client's messages behind one that is being decided.
    """

    connections: int = 64
    unauthenticated: int = 16
    startup: int = 10_000
    statement: int = 16 << 20
    message: int = 64 << 20
    small: int = 10_000
    answer: int = 64 << 20
    held: int = 8 << 20
    waiting: int = 256 << 10
    texts: int = 4096
    text_bytes: int = 16 << 20
    """Of all texts that a connection may repeat without a look."""
    named_bytes: int = 32 << 20
    """Of those that were parsed under a name."""
    names: int = 16_384
    login_seconds: float = 20.0
    dial_seconds: float = 10.0
    cancel_seconds: float = 3.0
    goodbye_seconds: float = 0.5
    idle_seconds: float = 300.0
    """How long a client may say nothing in a transaction that has written, and holds locks."""
