"""Ask the issuers of found credentials whether they still work, and whose they are: `yett scan --live`.

The one part of a scan that sends anything. It promises: only after a person agreed to the number of credentials and
issuers; each credential only to the one host that its kind declares, over verified TLS, at a public address, in the
issuer's own documented identification call; no redirect followed, no proxy but HTTPS_PROXY's; one question a second to
a host, four hosts at once, one repetition at most; no value in any message, error or report; never from inside a
session of `yett run`. The answer is in the finding: live, dead or unknown, where whatever proves neither is unknown.
Where the issuer has a room that can (`inventory.reach`), the same host is then asked what the credential does, in
queries that change nothing.

It will not use a credential for anything else, judge one that other places claim, or ask databases: a login of
PostgreSQL, MySQL or Redis names a host of somebody's own, which is no issuer, and trying it there is an attempt to log
in. It writes into no ledger: the scan is a person's command that works without a daemon, its outcome is its record, and
nothing that it does passes the gate.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from yett.inventory.finding import Finding
from yett.inventory.live.asking import Asking
from yett.inventory.live.authority import LONGEST, MOST, authority_of, can_say
from yett.inventory.live.client import Client
from yett.inventory.live.limits import Clock, Limits, Pace, WallClock
from yett.inventory.live.network import Network
from yett.inventory.live.plan import Plan, Question, planned
from yett.inventory.live.session import refuse_inside
from yett.inventory.live.verdict import DEAD, LIVE, Verdict
from yett.inventory.outcome import Outcome
from yett.inventory.scan import rooms
from yett.inventory.survey import Progress, Step
from yett.providers.book import ProviderBook

__all__ = ["Consent", "Limits", "Network", "Plan", "ask_all", "refuse_inside"]

Consent = Callable[[Plan], bool]
"""Whether a person lets these credentials be shown to these issuers."""


def ask_all(
    outcome: Outcome,
    progress: Progress,
    consent: Consent,
    *,
    network: Network | None = None,
    limits: Limits | None = None,
    clock: Clock | None = None,
    book: ProviderBook | None = None,
) -> Outcome:
    """The outcome with what the issuers say. Without consent, or with nothing to ask, nothing is sent.

    Raises:
        ConfigurationError: this is the inside of a session, or HTTPS_PROXY is wrong.
    """
    refuse_inside()
    limits, network = limits or Limits(), network or Network.of(os.environ)
    client = Client(network, limits)
    plan = planned(outcome, limits.most)
    if not plan.questions or not consent(plan):
        return replace(outcome, unread=(*outcome.unread, *plan.unasked))
    asking = Asking(client, limits, clock or WallClock(), lambda: progress(_step(asking, plan)))
    asking.run(plan)
    findings = tuple(_told(finding, asking.verdicts.get(at)) for at, finding in enumerate(outcome.findings))
    unread = (*outcome.unread, *plan.unasked, *asking.unanswered)
    told = replace(outcome, findings=findings, unread=unread)
    wide = Client(network, replace(limits, body=max(limits.body, LONGEST)))
    pace = Pace(limits.gap_s, clock or WallClock())  # the first clock stopped with the questions
    pace.hold(limits.gap_s)
    return _authorities(told, _answered(plan, asking), book or rooms(), wide, pace, progress)


def _answered(plan: Plan, asking: Asking) -> list[Question]:
    """Questions about those that are not dead, to hosts that answered every time."""
    silent = {each.what for each in asking.unanswered}
    return [
        question
        for question in plan.questions
        if question.request.host not in silent and asking.verdicts[question.at].live != DEAD
    ]


def _authorities(
    outcome: Outcome, questions: Sequence[Question], book: ProviderBook, client: Client, pace: Pace, progress: Progress
) -> Outcome:
    """With what each really does, where its room can ask. One after the other: they are few, and of few hosts."""
    findings = list(outcome.findings)
    chosen = [each for each in questions if can_say(findings[each.at], each, book)][:MOST]
    for number, question in enumerate(chosen):
        progress(Step("asking what they can do", number, len(chosen)))
        found = authority_of(findings[question.at], question, book, client, pace)
        if found is not None:
            known = findings[question.at]
            findings[question.at] = replace(known, live=LIVE, account=known.account or found.identity, authority=found)
    return replace(outcome, findings=tuple(findings))


def _step(asking: Asking, plan: Plan) -> Step:
    return Step("asking issuers", len(asking.verdicts), len(plan.questions))


def _told(finding: Finding, found: Verdict | None) -> Finding:
    if found is None:
        return finding
    return replace(finding, live=found.live, account=finding.account or found.account)
