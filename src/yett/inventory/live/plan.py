"""What would be shown to whom: worked out before anything is sent, so that a person can say no."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from yett.inventory.finding import Finding
from yett.inventory.kinds import LiveCall
from yett.inventory.live.call import Request, Unsendable, host_of, request_of
from yett.inventory.live.calls import calls
from yett.inventory.outcome import Outcome, Unread


@dataclass(frozen=True, slots=True)
class Question:
    """One credential and its issuer's call. `at` is the finding's place in the outcome."""

    at: int
    call: LiveCall
    request: Request


@dataclass(frozen=True, slots=True)
class Plan:
    """Every question of one scan, and what is not asked although its kind could be."""

    questions: tuple[Question, ...] = ()
    unasked: tuple[Unread, ...] = ()

    @property
    def issuers(self) -> Mapping[str, int]:
        """Host to number of credentials, most first."""
        return dict(Counter(question.request.host for question in self.questions).most_common())

    def words(self) -> str:
        """ "23 credentials would be shown to 14 issuers"."""
        shown, hosts = len(self.questions), len(self.issuers)
        credentials = "1 credential" if shown == 1 else f"{shown:,} credentials"
        return f"{credentials} would be shown to {'1 issuer' if hosts == 1 else f'{hosts:,} issuers'}"


def planned(outcome: Outcome, most: int) -> Plan:
    """The questions of a scan, the worst findings first, `most` at most. Sends nothing."""
    known = calls()
    questions: list[Question] = []
    elsewhere = odd = 0
    for at, finding in _worst_first(outcome):
        call = known.get((finding.credential.provider, finding.credential.kind))
        if call is None:
            continue
        if not _belongs_to(finding, host_of(call)):
            elsewhere += 1
            continue
        try:
            questions.append(Question(at, call, request_of(call, finding.value.text())))
        except (Unsendable, ValueError):
            odd += 1
    unasked = (
        (elsewhere, "not asked: where they lie says that they are for another host"),
        (odd, "not asked: they do not fit into a request"),
        (len(questions) - most, f"not asked: one scan asks for {most:,} at most"),
    )
    told = tuple(Unread(_credentials(number), why) for number, why in unasked if number > 0)
    return Plan(tuple(questions[:most]), told)


def _worst_first(outcome: Outcome) -> Iterator[tuple[int, Finding]]:
    yield from sorted(enumerate(outcome.findings), key=lambda each: -each[1].severity)


def _belongs_to(finding: Finding, host: str) -> bool:
    """Whether what stands beside it names no other host: a GitHub Enterprise token is not GitHub's to see."""
    named = finding.account.rpartition("@")[2].partition(":")[0].lower()
    if "@" not in finding.account or "." not in named:
        return True
    return host == named or host.endswith(f".{named}") or named.endswith(f".{host}")


def _credentials(number: int) -> str:
    return "1 credential" if number == 1 else f"{number:,} credentials"
