"""Workers that die, hang together, or have nothing to do."""

from __future__ import annotations

import os
import signal

import pytest

from yett.inventory.pool import Pool, batches


def lengths(batch: list[str]) -> list[tuple[str, int]]:
    for name in batch:
        if name == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if name == "raise":
            raise RuntimeError
    return [(name, len(name)) for name in batch]


def run(names: list[str], workers: int = 2, most: int = 8) -> dict[str, int]:
    pool = Pool(lengths, lambda name: [(name, -1)], workers)
    return dict(pair for answer in pool.answers(batches(iter(names), most)) for pair in answer)


def test_every_name_is_answered_once() -> None:
    names = [f"file-{number}" for number in range(5000)]
    assert run(names) == {name: len(name) for name in names}
    assert run([]) == {}


def test_a_name_that_kills_its_worker_is_named_and_its_neighbours_are_answered(capfd: object) -> None:
    names = [f"file-{number}" for number in range(100)]
    names[17] = "kill"
    names[60] = "raise"
    expected = {name: len(name) for name in names} | {"kill": -1, "raise": -1}
    assert run(names) == expected


def test_answers_larger_than_a_pipe_come_through() -> None:
    pool = Pool(lambda batch: [name * 300_000 for name in batch], lambda _name: [], 2)
    answers = list(pool.answers(batches(iter("abcdef"), 1)))
    assert sorted(text[:1] for answer in answers for text in answer) == list("abcdef")
    assert all(len(text) == 300_000 for answer in answers for text in answer)


def test_no_worker_is_left_behind_when_the_reader_stops() -> None:
    pool = Pool(lengths, lambda _name: [], 2)
    reader = pool.answers(batches(iter([f"file-{number}" for number in range(10_000)]), 8))
    next(reader)
    started = list(pool._workers)
    reader.close()
    assert len(started) == 2
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
