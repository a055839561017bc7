"""Ask every question of a plan: host by host, a few hosts at once, each at its own pace."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

from yett.inventory.live.call import Request
from yett.inventory.live.client import NoAnswer
from yett.inventory.live.limits import Clock, Limits, Pace, Stopped, seconds_of
from yett.inventory.live.plan import Plan, Question
from yett.inventory.live.verdict import UNKNOWN, Answer, Verdict, verdict
from yett.inventory.outcome import Unread
from yett.model.errors import UpstreamFailed

BUSY = (429, 503)
"""Too many requests, and unavailable: the two that come with Retry-After (RFC 6585, 4; RFC 9110, 15.6.4)."""


class Asks(Protocol):
    """What sends one request. Raises UpstreamFailed or NoAnswer."""

    def ask(self, request: Request) -> Answer: ...


class GivenUp(Exception):
    """This host is asked no more, for the reason it says."""


class Asking:
    """One round of questions, while it runs: what was answered, and why something was not."""

    def __init__(self, client: Asks, limits: Limits, clock: Clock, answered: Callable[[], None]) -> None:
        """`answered` is called after each question, by one thread at a time."""
        self._client = client
        self._limits = limits
        self._clock = clock
        self._answered = answered
        self._lock = threading.Lock()
        self._reasons: Counter[tuple[str, str]] = Counter()
        self.verdicts: dict[int, Verdict] = {}

    def run(self, plan: Plan) -> None:
        """Return when everything is asked. An interrupt ends every wait, and what was sent is waited for."""
        pool = ThreadPoolExecutor(self._limits.hosts, "yett-live")
        try:
            jobs = [pool.submit(self._host, questions) for questions in _by_host(plan.questions)]
            self._finished(jobs)
        finally:
            self._clock.stop()
            pool.shutdown(cancel_futures=True)

    @property
    def unanswered(self) -> tuple[Unread, ...]:
        """Why credentials stay unknown whose issuers said nothing about them: one line a host and reason."""
        return tuple(
            Unread(host, f"{why}; {'1 credential stays' if number == 1 else f'{number:,} credentials stay'} unknown")
            for (host, why), number in sorted(self._reasons.items())
        )

    def _finished(self, jobs: list[Future[None]]) -> None:
        for job in jobs:
            job.result()

    def _host(self, questions: list[Question]) -> None:
        """All questions to one host, in turn. Once it cannot be reached or is busy for long, the rest stays unknown."""
        pace = Pace(self._limits.gap_s, self._clock)
        given_up = ""
        for question in questions:
            if given_up:
                self._settle(question, Verdict(UNKNOWN), given_up)
                continue
            try:
                self._settle(question, *self._asked(question, pace))
            except GivenUp as why:
                given_up = str(why)
                self._settle(question, Verdict(UNKNOWN), given_up)
            except Stopped:
                return

    def _asked(self, question: Question, pace: Pace) -> tuple[Verdict, str]:
        """Raises GivenUp, Stopped."""
        try:
            answer = self._once(question.request, pace)
            if answer.status in BUSY:
                pace.hold(self._asked_to_wait(answer))
                answer = self._once(question.request, pace)
        except NoAnswer as why:
            return Verdict(UNKNOWN), str(why)
        except UpstreamFailed as why:
            raise GivenUp(why.what) from None
        if answer.status in BUSY:
            pace.hold(self._asked_to_wait(answer))
            return Verdict(UNKNOWN), "was too busy to answer"
        if 300 <= answer.status < 400:
            return Verdict(UNKNOWN), "sends questions on to another place, which is not followed"
        return verdict(question.call, answer, question.request.forms), ""

    def _once(self, request: Request, pace: Pace) -> Answer:
        pace.turn()
        return self._client.ask(request)

    def _asked_to_wait(self, answer: Answer) -> float:
        """Seconds. Raises GivenUp: longer than anybody waits for a scan."""
        said = seconds_of(answer.retry_after, self._clock.today())
        seconds = self._limits.unsaid_s if said is None else said
        if seconds > self._limits.patience_s:
            raise GivenUp(f"wants to be left alone for {seconds:,.0f} seconds")
        return seconds

    def _settle(self, question: Question, found: Verdict, why: str) -> None:
        with self._lock:
            self.verdicts[question.at] = found
            if why:
                self._reasons[question.request.host, why] += 1
            self._answered()


def _by_host(questions: Iterable[Question]) -> Iterable[list[Question]]:
    hosts: dict[str, list[Question]] = {}
    for question in questions:
        hosts.setdefault(question.request.host, []).append(question)
    return hosts.values()
