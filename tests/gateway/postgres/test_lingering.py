"""Whether the event loop sleeps: asyncio's own loop says how long it is willing to wait for what comes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable

import pytest

from yett.gateway.postgres import lingering
from yett.gateway.postgres.lingering import ALONE, SMALL, Linger

LONG_S = 0.05
ENOUGH = 2 * ALONE


def sleeps_behind(
    monkeypatch: pytest.MonkeyPatch, of: Iterable[int], gap_s: float = 0.0, processors: int = 2, size: int = 50
) -> list[bool]:
    """For each turn of the loop within a tenth of a second behind what came for these: whether it was to wait."""
    monkeypatch.setattr(lingering, "LINGER_S", LONG_S)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(processors)), raising=False)
    turns: list[bool] = []

    async def run() -> None:
        linger = Linger()
        for one in of:
            await asyncio.sleep(gap_s)
            linger.came(one, size)
        selector = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]  # asyncio's own
        monkeypatch.setattr(selector, "select", noting(selector.select, turns))
        await asyncio.sleep(20 * LONG_S)

    loop = asyncio.SelectorEventLoop()
    try:
        loop.run_until_complete(run())
    finally:
        loop.close()
    return turns


def noting(select: Callable[..., object], turns: list[bool]) -> Callable[..., object]:
    def noted(timeout: float | None = None) -> object:
        turns.append(timeout is None or timeout > 0)
        return select(timeout)

    return noted


def test_behind_a_lone_client_the_loop_polls_and_then_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = sleeps_behind(monkeypatch, [7] * ENOUGH)
    assert not any(turns[:20])
    assert any(turns[20:])


@pytest.mark.parametrize(
    "of", [[7] * ALONE, [7, 8] * ENOUGH, [7] * ENOUGH + [8]], ids=["few", "two in turn", "another since"]
)
def test_for_a_few_messages_or_beside_another_client_it_sleeps(monkeypatch: pytest.MonkeyPatch, of: list[int]) -> None:
    assert len(sleeps_behind(monkeypatch, of)) < 10


def test_behind_a_slow_client_it_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(sleeps_behind(monkeypatch, [7] * (ALONE + 4), gap_s=1.2 * LONG_S)) < 10


def test_with_one_processor_it_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(sleeps_behind(monkeypatch, [7] * ENOUGH, processors=1)) < 10


def test_behind_a_stream_it_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(sleeps_behind(monkeypatch, [7] * ENOUGH, size=SMALL + 1)) < 10
