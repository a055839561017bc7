"""The identity of an attempt: equal for a re-send, different for anything else (law 7)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from operations_of_tests import attempt, operation, read_of, session

from yett.checkpoint.attempts import attempt_digest, only_reads, total_cost
from yett.model.effects import Effect
from yett.model.identity import Principal
from yett.model.operation import UNKNOWN_COST, Amount, Attempt, Governed
from yett.model.resource import ResourceRef

BASE = attempt()
TASK = session().task

OTHERS: dict[str, Attempt] = {
    "request": attempt(request_digest="cd" * 32),
    "lease": attempt(lease="l-2"),
    "wire": attempt(wire="git"),
    "agent": attempt(session=replace(session(), principal=Principal("other", "ada", "agent", ("agents",)))),
    "owner": attempt(session=replace(session(), principal=Principal("agent.ada", "bo", "agent", ("agents",)))),
    "task": attempt(session=replace(session(), task=replace(TASK, id="t-2"))),
    "action": attempt(operation(action="railway:volumeDelete")),
    "effect": attempt(operation(Effect.DELETE)),
    "resource": attempt(operation(target=Governed("railway", (ResourceRef("railway", "volume", "v-2"),)))),
    "parameters": attempt(operation(parameters={"name": "x"})),
    "one more": attempt(operation(), operation()),
}


def test_a_re_send_is_the_same() -> None:
    assert attempt_digest(attempt()) == attempt_digest(BASE)


def test_what_is_only_shown_does_not_count() -> None:
    assert attempt_digest(attempt(summary="other words")) == attempt_digest(BASE)


@pytest.mark.parametrize("what", OTHERS)
def test_anything_else_is_another_attempt(what: str) -> None:
    assert attempt_digest(OTHERS[what]) != attempt_digest(BASE)


def test_no_two_of_them_are_the_same() -> None:
    assert len({attempt_digest(one) for one in OTHERS.values()}) == len(OTHERS)


def test_parameters_cannot_move_between_operations() -> None:
    one = attempt(operation(parameters={"a": 1}), operation(parameters={"b": 2}))
    other = attempt(operation(parameters={"b": 2}), operation(parameters={"a": 1}))
    assert attempt_digest(one) != attempt_digest(other)


@pytest.mark.parametrize("effect", [effect for effect in Effect if effect is not Effect.READ])
def test_one_other_effect_among_reads_is_no_read(effect: Effect) -> None:
    assert only_reads(attempt(read_of(), read_of()))
    assert not only_reads(attempt(read_of(), operation(effect)))


def test_a_read_that_returns_a_secret_is_no_read() -> None:
    assert not only_reads(attempt(replace(read_of(), returns_secret=True)))


def test_costs_add_up() -> None:
    costly = operation(cost=Amount(1, 10, 100))
    assert total_cost(attempt(costly, costly)) == Amount(2, 20, 200)
    assert total_cost(attempt(operation(cost=Amount(rows=UNKNOWN_COST)))).rows == UNKNOWN_COST
