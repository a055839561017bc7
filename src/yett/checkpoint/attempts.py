"""The identity of an attempt: what a re-send of the same request has in common with the first (law 7)."""

from __future__ import annotations

from yett.model.canonical import digest
from yett.model.effects import Effect
from yett.model.operation import Amount, Attempt

DOMAIN = "yett/attempt/v1"


def attempt_digest(attempt: Attempt) -> str:
    """SHA-256 in hex over who, for which task, with which lease, and exactly what; equal for a re-send only."""
    session = attempt.session
    return digest(
        DOMAIN,
        {
            "agent": session.principal.agent,
            "owner": session.principal.owner,
            "task": session.task.id,
            "lease": attempt.lease,
            "wire": attempt.wire,
            "request": attempt.request_digest,
            "operations": [operation.as_json() for operation in attempt.operations],
        },
    )


def only_reads(attempt: Attempt) -> bool:
    """Whether nothing in it could change anything or bring a secret back."""
    return all(op.effect is Effect.READ and not op.returns_secret for op in attempt.operations)


def total_cost(attempt: Attempt) -> Amount:
    return sum((operation.cost for operation in attempt.operations), Amount())
