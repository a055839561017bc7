"""From situations to one decision: a question for each resource, the strictest verdict, the union of what is owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from yett.checkpoint.facts import Situated
from yett.checkpoint.state import SessionState
from yett.model.decision import Decision
from yett.model.operation import UNKNOWN_COST, Amount, GitRef, Governed, Host
from yett.policy import Context, Policies, Question, TaskState, strictest

SOURCE = "127.0.0.1"
"""Agents of an embedded control plane are on this machine."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What is true of the attempt as a whole."""

    asked: bool
    granted: bool
    team: bool
    live: bool
    now: int


def decide(policies: Policies, state: SessionState, situations: Sequence[Situated], about: Circumstances) -> Decision:
    """The policy's answer on everything that the attempt would do."""
    cost = sum((s.operation.cost for s in situations), Amount())
    return strictest([policies.decide(question(state, s, about, cost)) for s in situations])


def question(state: SessionState, situated: Situated, about: Circumstances, cost: Amount) -> Question:
    session, operation, target = state.session, situated.operation, situated.operation.target
    ref = target if isinstance(target, GitRef) else None
    context = Context(
        action=operation.action,
        wire=operation.wire,
        irreversible=situated.irreversible,
        undo="possible" if situated.undo.possible else "none",
        asked=about.asked,
        granted=about.granted,
        remembered=isinstance(target, Host) and (target.name, operation.action) in state.remembered,
        team=about.team,
        task=TaskState(live=about.live, named=session.task.environment is not None),
        spent=_within(state.spent, state.limit),
        cost=_capped(cost),
        limit=state.limit,
        change=ref.change if ref else "",
        workflow=ref.workflow if ref else False,
        source=SOURCE,
        now=about.now,
    )
    kind, identity, parents, attributes = _thing(situated)
    return Question(
        agent=session.principal.agent,
        teams=session.principal.teams,
        effect=operation.effect,
        kind=kind,
        id=identity,
        parents=parents,
        attributes=attributes,
        context=context,
    )


Thing = tuple[str, str, tuple[tuple[str, str], ...], tuple[tuple[str, bool], ...]]


def _thing(situated: Situated) -> Thing:
    """The policy's entity: kind, id, all ancestors, attributes."""
    target, place = situated.operation.target, ("Place", situated.place.value)
    match target:
        case Host(name, opaque):
            return "Host", name, (), (("opaque", opaque),)
        case GitRef() as ref:
            attributes = (("own", ref.own), ("protected", ref.protected), ("triggers", ref.triggers))
            return "Ref", f"{ref.remote}#{ref.ref}", (place,), attributes
        case Governed(provider):
            resource = situated.resource
            if resource is None:
                return "Resource", f"{provider}:*", (place, ("Provider", provider)), ()
            ids = [f"{provider}:{environment.id}" for environment in resource.environments]
            environments = tuple(("Environment", name) for name in dict.fromkeys([*ids, *situated.labels]))
            above = tuple(("Resource", f"{r.provider}:{r.kind}:{r.id}") for r in resource.parents)
            identity = f"{provider}:{resource.ref.kind}:{resource.ref.id}"
            return "Resource", identity, (place, ("Provider", provider), *environments, *above), ()


def _within(spent: Amount, limit: Amount) -> Amount:
    """What a person approved beyond the budget must not stop acts that cost nothing."""
    return Amount(min(spent.deletes, limit.deletes), min(spent.rows, limit.rows), min(spent.bytes, limit.bytes))


def _capped(cost: Amount) -> Amount:
    """A sum of unknown costs must not overflow Cedar's 64-bit numbers: it is over every budget anyway."""
    return Amount(*(min(value, UNKNOWN_COST) for value in (cost.deletes, cost.rows, cost.bytes)))
