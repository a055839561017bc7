"""Every bound of the gateway in one place, so that nothing grows or waits without end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bytes and seconds. The model rooms' wait is the longest that an agent client waits itself (600 s)."""

    governed_body: int = 8 << 20
    own_body: int = 64 << 20
    small_body: int = 64 << 10
    held_by_session: int = 64 << 20
    pipelined: int = 64 << 10
    at_once: int = 4 << 10
    withheld_answer: int = 1 << 20
    tunnels: int = 512
    handshake_seconds: float = 10.0
    request_seconds: float = 30.0
    decision_seconds: float = 900.0
    answer_seconds: float = 120.0
    model_answer_seconds: float = 600.0
    silence_seconds: float = 600.0
    idle_seconds: float = 600.0
    stale_seconds: float = 4.0
    drain_seconds: float = 2.0
    sweep_seconds: float = 0.5
