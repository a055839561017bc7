"""Credentials of real kinds, made at run time, as findings and questions."""

from __future__ import annotations

import random

from yett.inventory.finding import Finding
from yett.inventory.kinds import LiveCall, load_rules
from yett.inventory.live.call import request_of
from yett.inventory.live.plan import Plan, Question
from yett.inventory.outcome import Outcome
from yett.inventory.severity import Severity
from yett.lab.samples import match_of
from yett.model.credential import Credential, Location
from yett.model.secret import Secret

_CHANCE = random.Random(31)
RULES = {rule.id: rule for rule in load_rules()}


def value_of(kind: str) -> str:
    """A value of that kind, never the same twice."""
    rule = RULES[kind]
    return match_of(rule.pattern or rule.value, _CHANCE)


def finding(kind: str, value: str, provider: str | None = None, account: str = "") -> Finding:
    credential = Credential(
        f"{_CHANCE.getrandbits(256):064x}",
        RULES[kind].provider if provider is None else provider,
        kind,
        (Location("file", "/srv/shop/.env", 3),),
    )
    return Finding(credential, Secret(value), "a key", severity=Severity.HIGH, account=account)


def outcome(*findings: Finding) -> Outcome:
    return Outcome(findings)


def plan(*asked: tuple[LiveCall, str]) -> Plan:
    """Questions whose calls no rule declares."""
    return Plan(tuple(Question(at, call, request_of(call, value)) for at, (call, value) in enumerate(asked)))


class FakeClock:
    """Time that passes only where somebody waits."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def today(self) -> float:
        return 1_800_000_000.0

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.time += seconds

    def stop(self) -> None:
        """Nobody waits."""
