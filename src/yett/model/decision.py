"""What the policy answers, and what the checkpoint tells a wire."""

from __future__ import annotations

from dataclasses import dataclass

from yett.model.effects import Verdict
from yett.model.errors import YettError


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, the union of obligations ("mask", "snapshot", "sign:2", "delay:60", "alarm", ...), and the rules.

    `rules` are ids of the policies that decided ("base/read.task"); `policy_digest` hashes their text (law 7).
    `errors` is not empty exactly when the policy could not be evaluated, which is a deny.
    """

    verdict: Verdict
    obligations: frozenset[str]
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    policy_digest: str
    errors: tuple[str, ...] = ()


class Refused(YettError):
    """The checkpoint's no: `verdict` is hold or deny. `ask` is the one sentence that says how to ask for it.

    `hold` is the id of the hold that waits, "" for a plain deny.
    """

    def __init__(self, verdict: Verdict, reason: str, ask: str, hold: str = "", code: str = "denied") -> None:
        super().__init__(reason, ask)
        self.verdict = verdict
        self.reason = reason
        self.ask = ask
        self.hold = hold
        self.code = code
