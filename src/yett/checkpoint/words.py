"""The sentences that a refusal says: why, and what to ask for and how."""

from __future__ import annotations

from yett.model.decision import Decision

ASK_LOCKDOWN = "a person can open it: yett lockdown off"
ASK_NEW = "start a new one with yett run"


def reason(decision: Decision) -> str:
    """Why, in one line."""
    if decision.errors:
        return "the policy could not be evaluated, so nothing passes: " + "; ".join(decision.errors)[:300]
    return "; ".join(decision.reasons) or "no rule lets this through here"


def ask_for(refusal: str) -> str:
    """How to turn a deny into a question to a person."""
    return f"If the task needs it, ask a person: yett ask {refusal} 'why', then send the same request again."


ASK_AGAIN = "Nobody need be asked: send the same request again then."


def ask_hold(hold: str, url: str) -> str:
    """How a held request goes on."""
    return f"It waits for a person at {url} (tell them why: yett ask {hold} 'why'); then send the same request again."
