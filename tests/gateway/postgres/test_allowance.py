"""What a task may be sent: noted before it is sent, never after, and rows beside bytes."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from yett.gateway.postgres.allowance import PIECE, Allowance, Sent
from yett.model.errors import LedgerUnavailable

MOST = Sent(1 << 30, 5_000_000)


class Disk:
    """Notes when it is told to, or at once."""

    def __init__(self, *, at_once: bool = True, fails: bool = False) -> None:
        self.noted = Sent()
        self.at_once, self.fails = at_once, fails
        self.writes = 0

    def write(self, sent: Sent) -> Future[None]:
        self.writes += 1
        made = Done(self, sent)
        if self.fails:
            made.set_exception(LedgerUnavailable("no disk", "wait"))
        elif self.at_once:
            self.noted = sent
            made.set_result(None)
        return made


class Done(Future[None]):
    """Waiting for it makes it durable."""

    def __init__(self, disk: Disk, sent: Sent) -> None:
        super().__init__()
        self._disk, self._sent = disk, sent

    def result(self, timeout: float | None = None) -> None:
        if not self.done():
            self._disk.noted = self._sent
            self.set_result(None)
        return super().result(timeout)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(("size", "rows"), [(200_000, 10), (100, 4_000), (50 << 20, 300_000), (1, 0)])
def test_what_was_sent_is_noted_before(at_once: bool, size: int, rows: int) -> None:
    disk = Disk(at_once=at_once)
    allowance = Allowance(MOST, Sent(), disk.write)
    for _ in range(2_000):
        allowance.spend(size, rows)
        assert allowance.sent.within(disk.noted)
        assert disk.noted.within(allowance.sent + PIECE)
    assert allowance.open is allowance.sent.within(MOST)


def test_few_writes_are_made_for_many_small_answers() -> None:
    disk = Disk()
    allowance = Allowance(MOST, Sent(), disk.write)
    for _ in range(100_000):
        allowance.spend(1_000, 10)
    assert disk.writes < 30


def test_a_disk_that_fails_lets_nothing_more_through_until_it_does_not() -> None:
    disk = Disk(fails=True)
    allowance = Allowance(MOST, Sent(), disk.write)
    allowance.spend(1, 1)
    assert not allowance.open
    assert "could not be noted" in allowance.told().message
    assert not allowance.open
    disk.fails = False
    allowance.told()
    assert allowance.open
    assert allowance.sent.within(disk.noted)


@pytest.mark.parametrize(
    ("size", "rows", "words", "command"),
    [(MOST.size + 1, 0, "1,024 MB", "--mb 1024"), (0, MOST.rows + 1, "5,000,000 rows", "--rows 5000000")],
)
def test_it_says_what_is_used_up_and_how_to_ask(size: int, rows: int, words: str, command: str) -> None:
    allowance = Allowance(MOST, name="saas")
    allowance.spend(size, rows)
    assert not allowance.open
    told = allowance.told()
    assert words in told.message
    assert f"yett database allow saas {command}" in told.hint
    allowance.grant(Sent(1 << 20 if size else 0, 10 if rows else 0))
    assert allowance.open
    allowance.spend(size and 1 << 20, rows and 10)
    assert allowance.open
    allowance.spend(1, 1)
    assert not allowance.open


def test_more_of_the_one_is_not_more_of_the_other() -> None:
    allowance = Allowance(MOST)
    allowance.spend(0, MOST.rows + 1)
    allowance.grant(Sent(1 << 40, 0))
    assert not allowance.open


def test_the_same_grant_told_twice_counts_once() -> None:
    allowance = Allowance(MOST)
    for _ in range(3):
        allowance.grant(Sent(0, 10))
    allowance.spend(0, MOST.rows + 10)
    assert allowance.open
    allowance.spend(0, 1)
    assert not allowance.open


def test_what_was_noted_counts_on() -> None:
    assert not Allowance(MOST, Sent(MOST.size + 1, 0)).open
    assert not Allowance(MOST, Sent(0, MOST.rows + 1)).open
    assert Allowance(MOST, MOST).open


def test_after_the_end_of_a_session_whatever_comes_is_noted_first() -> None:
    disk = Disk()
    allowance = Allowance(MOST, Sent(), disk.write)
    allowance.spend(10, 1)
    assert disk.noted != allowance.sent
    disk.noted = allowance.settled()
    allowance.spend(1, 1)
    assert allowance.sent.within(disk.noted)
