"""A repeated read is decided and logged as if it were the first: whatever the decision rests on may change between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from yett.checkpoint.facts import at_once
from yett.checkpoint.judge import Circumstances, decide
from yett.checkpoint.record import read_entry
from yett.checkpoint.repeats import Repeats
from yett.checkpoint.state import SessionState
from yett.ledger.entries import Encoded, encode
from yett.model.effects import Effect, Recovery, Verdict
from yett.model.identity import Principal, Session, Task
from yett.model.operation import Amount, Attempt, Governed, Host, Operation
from yett.policy import Policies
from yett.policy.layers import Layer, default_layers
from yett.policy.short_form import compile_short

STRICT = """
layer: narrow
rules:
  - rule: no-more-reads
    who: {agent: second}
    effects: [read]
    where: {provider: cloud}
    verdict: deny
    why: the second agent reads nothing here
"""
DEFAULT = Policies(default_layers())
NARROWED = Policies([*default_layers(), Layer("org", *compile_short(STRICT))])


def session_of(name: str) -> Session:
    task = Task("t", "fix a bug", "staging", False, 0.0, 2e9)
    return Session(f"s-{name}", Principal(name, "ada", "scripted"), task, "/")


READS = tuple(
    (Operation(name, Effect.READ, Recovery.AUTOMATIC, target, "http"),)
    for name, target in (
        ("http:GET", Host("example.test")),
        ("cloud:me", Governed("cloud", (), placeless=True)),
        ("cloud:me", Governed("cloud", (), placeless=True)),
        ("cloud:me", Governed("other", (), placeless=True)),
        ("cloud:odd", Governed("cloud", (), placeless=True)),
        ("http:GET", Host("opaque.test", opaque=True)),
    )
)
SESSIONS = tuple(session_of(name) for name in ("first", "second"))


@dataclass(frozen=True)
class Step:
    """One read, and what is true of the world when it comes."""

    session: int
    read: int
    narrowed: bool
    live: bool
    team: bool
    now: int
    spent: int
    remembered: bool
    request: str


STEPS = st.lists(
    st.builds(
        Step,
        st.integers(0, 1),
        st.integers(0, len(READS) - 1),
        *(st.booleans(),) * 3,
        st.integers(1_000, 1_001),
        st.integers(0, 1),
        st.booleans(),
        st.sampled_from(["a" * 64, "b" * 64]),
    ),
    max_size=30,
)


@settings(max_examples=60, deadline=None)
@given(steps=STEPS)
def test_a_repeat_is_decided_and_logged_like_a_first_read(steps: Sequence[Step]) -> None:
    repeats, states = Repeats(), [SessionState(session) for session in SESSIONS]
    for step in steps + steps:
        state = states[step.session]
        if state.spent.deletes != step.spent:
            state.spent = Amount(step.spent)
        if bool(state.remembered) != step.remembered:
            state.remembered = frozenset({("opaque.test", "http:GET")} if step.remembered else ())
        policies = NARROWED if step.narrowed else DEFAULT
        about = Circumstances(False, False, step.team, step.live, step.now)
        attempt = Attempt(state.session, "http", READS[step.read], step.request, "", f"read {step.read}")
        situations = at_once(attempt)
        assert situations is not None
        fresh = decide(policies, state, situations, about)
        found = repeats.find(attempt, state, policies, about)
        alike = repeats.decided(attempt, state, policies, about)
        for known in (found, alike):
            assert known is None or (known[0], known[1].rest) == (fresh, encode(read_entry(attempt, fresh)))
        if found is None and alike is None and fresh.verdict is Verdict.ALLOW:
            entry = repeats.keep(attempt, state, policies, about, fresh)
            assert entry.rest == encode(read_entry(attempt, fresh))
            assert repeats.find(attempt, state, policies, about) == (fresh, entry)


def test_operations_that_are_only_alike_are_no_repeat() -> None:
    repeats, state, about = Repeats(), SessionState(SESSIONS[0]), Circumstances(False, False, False, True, 1)
    attempt = Attempt(state.session, "http", READS[0], "a" * 64, "", "read")
    decision = decide(DEFAULT, state, at_once(attempt) or (), about)
    repeats.keep(attempt, state, DEFAULT, about, decision)
    assert repeats.find(replace(attempt, summary="again"), state, DEFAULT, about) is not None
    alike = replace(attempt, operations=(replace(READS[0][0]),))
    assert alike.operations == attempt.operations
    assert repeats.find(alike, state, DEFAULT, about) is None
    assert repeats.decided(alike, state, DEFAULT, about) == (decision, Encoded(encode(read_entry(alike, decision))))
    worse = replace(attempt, operations=(replace(READS[0][0], recovery=Recovery.NONE),))
    assert repeats.decided(worse, state, DEFAULT, about) is None
    assert repeats.find(replace(attempt, session=session_of("first")), state, DEFAULT, about) is None
