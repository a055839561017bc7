"""One question and what varies in it; random layers and questions for the property tests."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import strategies as st

from yett.model.effects import Effect
from yett.model.operation import Amount
from yett.policy import Context, Layer, Policies, Question, TaskState, default_layers
from yett.policy.short_form import compile_short

NOW = 1_795_000_000  # 2026-11-18
TEAMS = ("payments", "search", "billing")
ENVIRONMENTS = ("staging", "prod-eu", "shared-ci")
PROVIDERS = ("railway", "postgres")

PLAIN: dict[str, Any] = {
    "action": "railway:volumeUpdate",
    "wire": "graphql",
    "irreversible": False,
    "undo": "possible",
    "asked": False,
    "granted": False,
    "remembered": False,
    "team": True,
    "task": TaskState(live=True, named=True),
    "spent": Amount(),
    "cost": Amount(),
    "limit": Amount(deletes=100, rows=10_000, bytes=10**9),
    "change": "",
    "workflow": False,
    "source": "10.0.0.5",
    "now": NOW,
}
FLAGS: dict[str, tuple[str, ...]] = {"Resource": (), "Host": ("opaque",), "Ref": ("own", "protected", "triggers")}


def make_question(
    effect: str,
    place: str = "task",
    *,
    kind: str = "Resource",
    environment: str = "staging",
    provider: str = "railway",
    teams: tuple[str, ...] = ("payments",),
    id: str = "vol-1",
    agent: str = "cursor-1",
    flags: tuple[str, ...] = (),
    **context: Any,
) -> Question:
    """An ordinary question; `flags` are the attributes of a host or ref that are true."""
    parents = {
        "Resource": (("Place", place), ("Environment", environment), ("Provider", provider)),
        "Ref": (("Place", place),),
        "Host": (),
    }
    return Question(
        agent=agent,
        teams=teams,
        effect=Effect(effect),
        kind=kind,
        id=id,
        parents=parents[kind],
        attributes=tuple((name, name in flags) for name in FLAGS[kind]),
        context=Context(**{**PLAIN, **context}),
    )


def make_layer(rules: list[dict[str, Any]], kind: str = "narrow", name: str = "org") -> Layer:
    """Short rules as a layer, by way of YAML text."""
    found, cedar = compile_short(json.dumps({"layer": kind, "rules": rules}))
    return Layer(name, found, cedar)


AMOUNTS = st.sampled_from([0, 1, 99, 100, 101, 10_001, 10**15, 2**63 - 1])


@st.composite
def random_questions(draw: st.DrawFn) -> Question:
    kind = draw(st.sampled_from(["Resource", "Resource", "Resource", "Host", "Ref"]))
    return make_question(
        draw(st.sampled_from(list(Effect))).value,
        draw(st.sampled_from(["task", "production", "elsewhere"])),
        kind=kind,
        environment=draw(st.sampled_from(ENVIRONMENTS)),
        provider=draw(st.sampled_from(PROVIDERS)),
        teams=tuple(draw(st.lists(st.sampled_from(TEAMS), unique=True))),
        id=draw(st.sampled_from(["vol-1", "vol-2", "host.example"])),
        agent=draw(st.sampled_from(["cursor-1", "claude-2"])),
        flags=tuple(name for name in FLAGS[kind] if draw(st.booleans())),
        irreversible=draw(st.booleans()),
        undo=draw(st.sampled_from(["none", "possible", "verified"])),
        asked=draw(st.booleans()),
        granted=draw(st.booleans()),
        remembered=draw(st.booleans()),
        team=draw(st.booleans()),
        task=TaskState(live=draw(st.sampled_from([True] * 9 + [False])), named=draw(st.booleans())),
        spent=Amount(draw(AMOUNTS), draw(AMOUNTS), draw(AMOUNTS)),
        cost=Amount(draw(AMOUNTS), draw(AMOUNTS), draw(AMOUNTS)),
        change=draw(st.sampled_from(["", "create", "fast-forward", "force"])),
        workflow=draw(st.booleans()),
        source=draw(st.sampled_from(["10.0.0.5", "8.8.8.8", "::1"])),
        now=NOW + draw(st.integers(min_value=-5, max_value=5)),
    )


CONDITIONS = st.one_of(
    st.sampled_from([0, 100]).map(lambda n: {"rows_over": n}),
    st.sampled_from([0, 100]).map(lambda n: {"task_deletes_over": n}),
    st.booleans().map(lambda flag: {"no_undo": flag, "granted": not flag}),
    st.just({"outside_network": "10.0.0.0/8"}),
    st.just({"after": "2026-11-18T11:06:40Z"}),
    st.sampled_from(["railway:*", "*:volume*", "sql:*"]).map(lambda pattern: {"action": pattern}),
)
WHERE = st.one_of(
    st.sampled_from(ENVIRONMENTS).map(lambda name: {"environment": name}),
    st.sampled_from(PROVIDERS).map(lambda name: {"provider": name}),
    st.sampled_from([{"place": "production"}, {"resource": "vol-1"}, {"host": "host.example"}]),
)
WHO = st.one_of(st.sampled_from(TEAMS).map(lambda name: {"team": name}), st.just({"agent": "claude-2"}))
OBLIGATIONS = st.lists(st.sampled_from(["snapshot", "alarm", "sign:2", "sign:3", "delay:30"]), min_size=1, max_size=2)


@st.composite
def random_rules(draw: st.DrawFn, verdicts: tuple[str, ...], *, obligations: bool) -> list[dict[str, Any]]:
    rules = []
    for number in range(draw(st.integers(min_value=1, max_value=12))):
        rule: dict[str, Any] = {"rule": f"r{number}", "why": f"rule {number}"}
        rule["effects"] = draw(st.lists(st.sampled_from([e.value for e in Effect]), min_size=1, max_size=3))
        for key, values in (("who", WHO), ("where", WHERE), ("when", CONDITIONS)):
            if draw(st.booleans()):
                rule[key] = draw(values)
        if obligations and draw(st.booleans()):
            rule["oblige"] = draw(OBLIGATIONS)
        else:
            rule["verdict"] = draw(st.sampled_from(verdicts))
        rules.append(rule)
    return rules


@st.composite
def random_layers(draw: st.DrawFn) -> tuple[Layer, ...]:
    """The shipped layers, and a random narrowing and widening one or neither."""
    layers = list(default_layers())
    if draw(st.booleans()):
        layers.append(make_layer(draw(random_rules(("may-hold", "may-pass"), obligations=False)), "widen", "wide"))
    if draw(st.booleans()):
        layers.append(make_layer(draw(random_rules(("deny", "hold"), obligations=True)), "narrow", "slim"))
    return tuple(layers)


@pytest.fixture(scope="session")
def ask() -> Callable[..., Question]:
    return make_question


@pytest.fixture(scope="session")
def layer() -> Callable[..., Layer]:
    return make_layer


@pytest.fixture(scope="session")
def shipped() -> Policies:
    return Policies(default_layers())


@pytest.fixture(scope="session")
def questions() -> st.SearchStrategy[Question]:
    return random_questions()


@pytest.fixture(scope="session")
def layers() -> st.SearchStrategy[tuple[Layer, ...]]:
    return random_layers()


@pytest.fixture(scope="session")
def narrowing() -> st.SearchStrategy[list[dict[str, Any]]]:
    return random_rules(("deny", "hold"), obligations=True)
