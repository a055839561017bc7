"""How fast, how often and how long issuers are asked, by a clock of our own."""

from __future__ import annotations

import threading

import pytest

from inventory.live.made import FakeClock, plan
from yett.inventory.kinds import LiveCall
from yett.inventory.live.asking import Asking
from yett.inventory.live.call import Request
from yett.inventory.live.client import NoAnswer
from yett.inventory.live.limits import Clock, Limits, Stopped, WallClock, seconds_of
from yett.inventory.live.verdict import Answer
from yett.inventory.outcome import Unread
from yett.model.errors import UpstreamFailed


def call(host: str = "one.example") -> LiveCall:
    return LiveCall(f"https://{host}/me", "bearer")


class Scripted:
    """Answers in order, then 200; knows when it was asked."""

    def __init__(self, clock: Clock, *answers: Answer | Exception) -> None:
        self.at: list[float] = []
        self._clock = clock
        self._answers = list(answers)

    def ask(self, request: Request) -> Answer:
        self.at.append(self._clock.now())
        said = self._answers.pop(0) if self._answers else Answer(200)
        if isinstance(said, Exception):
            raise said
        return said


def asked(number: int, *answers: Answer | Exception) -> tuple[Asking, list[float]]:
    clock = FakeClock()
    client = Scripted(clock, *answers)
    asking = Asking(client, Limits(), clock, lambda: None)
    asking.run(plan(*[(call(), f"value{n:020}") for n in range(number)]))
    began = client.at[0]
    return asking, [at - began for at in client.at]


def lives(asking: Asking) -> list[str]:
    return [asking.verdicts[at].live for at in sorted(asking.verdicts)]


def test_a_host_is_asked_once_a_second() -> None:
    asking, at = asked(4)
    assert at == [0, 1, 2, 3]
    assert lives(asking) == ["live"] * 4


def test_retry_after_is_honoured_and_one_repetition_is_all() -> None:
    asking, at = asked(2, Answer(429, retry_after="7"))
    assert at == [0, 7, 8]
    assert lives(asking) == ["live", "live"]
    asking, at = asked(2, Answer(429, retry_after="7"), Answer(503, retry_after="9"))
    assert at == [0, 7, 16]
    assert lives(asking) == ["unknown", "live"]
    assert asking.unanswered == (Unread("one.example", "was too busy to answer; 1 credential stays unknown"),)


def test_too_many_requests_without_a_time_waits_ten_seconds() -> None:
    assert asked(1, Answer(429))[1] == [0, 10]


def test_a_host_that_wants_peace_for_long_is_asked_no_more() -> None:
    asking, at = asked(3, Answer(200), Answer(429, retry_after="3600"))
    assert at == [0, 1]
    assert lives(asking) == ["live", "unknown", "unknown"]
    why = "wants to be left alone for 3,600 seconds; 2 credentials stay unknown"
    assert asking.unanswered == (Unread("one.example", why),)


def test_no_answer_is_not_repeated_and_the_next_is_asked() -> None:
    asking, at = asked(2, NoAnswer("did not answer in time"))
    assert at == [0, 1]
    assert lives(asking) == ["unknown", "live"]


def test_a_host_that_cannot_be_reached_is_tried_once() -> None:
    asking, at = asked(3, UpstreamFailed("could not be reached: refused"))
    assert at == [0]
    assert lives(asking) == ["unknown"] * 3
    why = "could not be reached: refused; 3 credentials stay unknown"
    assert asking.unanswered == (Unread("one.example", why),)


def test_four_hosts_at_once() -> None:
    together, most = [0], [0]
    lock, all_in = threading.Lock(), threading.Event()

    class Counting:
        def ask(self, request: Request) -> Answer:
            with lock:
                together[0] += 1
                most[0] = max(most[0], together[0])
                if together[0] == 4:
                    all_in.set()
            assert all_in.wait(10)
            with lock:
                together[0] -= 1
            return Answer(200)

    asking = Asking(Counting(), Limits(), FakeClock(), lambda: None)
    asking.run(plan(*[(call(f"host{n}.example"), f"value{n:020}") for n in range(4)]))
    assert most == [4]
    asking = Asking(Counting(), Limits(), FakeClock(), lambda: None)
    asking.run(plan(*[(call(f"host{n}.example"), f"value{n:020}") for n in range(12)]))
    assert most == [4]
    assert lives(asking) == ["live"] * 12


def test_an_interrupt_ends_every_wait() -> None:
    clock = WallClock()

    def interrupted() -> None:
        raise KeyboardInterrupt

    asking = Asking(Scripted(clock), Limits(gap_s=600), clock, interrupted)
    with pytest.raises(KeyboardInterrupt):
        asking.run(plan(*[(call(), f"value{n:020}") for n in range(3)]))


def test_a_stopped_clock_waits_no_more() -> None:
    clock = WallClock()
    clock.wait(0)
    clock.stop()
    with pytest.raises(Stopped):
        clock.wait(600)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("0", 0.0), ("120", 120.0), (" 5 ", 5.0), ("9" * 400, 999_999_999.0), ("", None), ("-1", None), ("soon", None),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0), ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0), ("٣", None),
        ("Fri, 99 Jan 2027 08:00:30 GMT", None),
    ],
)  # fmt: skip
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float | None) -> None:
    assert seconds_of(said, 1_800_000_000.0) == seconds
