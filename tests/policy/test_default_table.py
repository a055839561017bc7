"""The table of decisions out of the box (design, section 5), cell by cell, for teams and for one person alone."""

from __future__ import annotations

from typing import Any

import pytest

from yett.model.operation import UNKNOWN_COST, Amount
from yett.policy import Policies, TaskState

NO_UNDO: dict[str, Any] = {"undo": "none"}
SOLO: dict[str, Any] = {"team": False}
FOREVER: dict[str, Any] = {"irreversible": True}
GRANT: dict[str, Any] = {"granted": True}
ASKED: dict[str, Any] = {"asked": True}
UNNAMED: dict[str, Any] = {"task": TaskState(live=True, named=False)}
OVER: dict[str, Any] = {"spent": Amount(deletes=100), "cost": Amount(deletes=1)}

Cell = tuple[str, str, dict[str, Any], str, str]

READ: list[Cell] = [
    ("read", "task", {}, "allow", "mask"),
    ("read", "task", UNNAMED, "allow", "mask"),
    ("read", "production", {}, "allow", "mask"),
    ("read", "elsewhere", {}, "deny", "mask"),
    ("read", "elsewhere", ASKED, "deny", "mask"),
    ("read", "elsewhere", GRANT, "deny", "mask"),
    ("read", "elsewhere", UNNAMED, "hold", "mask sign:1"),
]
WRITE: list[Cell] = [
    ("write", "task", {}, "allow", "snapshot"),
    ("write", "task", NO_UNDO, "allow", ""),
    ("write", "production", {}, "hold", "sign:1"),
    ("write", "production", NO_UNDO, "hold", "sign:1"),
    ("write", "production", GRANT, "allow", ""),
    ("write", "elsewhere", {}, "deny", ""),
    ("write", "elsewhere", GRANT, "deny", ""),
    ("write", "elsewhere", ASKED, "deny", ""),
    ("write", "elsewhere", UNNAMED, "deny", ""),
]
DELETE: list[Cell] = [
    ("delete", "task", {}, "allow", "snapshot"),
    ("delete", "task", NO_UNDO, "hold", "sign:1 say-no-undo"),
    ("delete", "task", NO_UNDO | SOLO, "hold", "sign:1 say-no-undo"),
    ("delete", "production", {}, "hold", "sign:1 snapshot"),
    ("delete", "production", SOLO, "hold", "sign:1 snapshot"),
    ("delete", "production", GRANT, "hold", "sign:1 snapshot"),
    ("delete", "production", NO_UNDO, "hold", "sign:2 say-no-undo"),
    ("delete", "production", NO_UNDO | SOLO, "deny", "say-no-undo"),
    ("delete", "elsewhere", {}, "deny", "snapshot"),
    ("delete", "elsewhere", GRANT, "deny", "snapshot"),
    ("delete", "elsewhere", UNNAMED, "deny", "snapshot"),
    ("delete", "elsewhere", ASKED, "hold", "sign:1 snapshot"),
    ("delete", "elsewhere", ASKED | SOLO, "hold", "sign:1 snapshot"),
]
ADMIN_AND_UNKNOWN: list[Cell] = [
    (effect, place, context, "hold", "sign:1 alarm" if place == "elsewhere" else "sign:1")
    for effect in ("admin", "unknown")
    for place in ("task", "production", "elsewhere")
    for context in ({}, SOLO, GRANT, NO_UNDO)
]
IRREVERSIBLE: list[Cell] = [
    ("delete", "task", FOREVER, "hold", "sign:1 snapshot"),
    ("delete", "production", FOREVER, "hold", "sign:2 snapshot"),
    ("delete", "elsewhere", FOREVER, "hold", "sign:2 snapshot alarm"),
    ("delete", "elsewhere", FOREVER | GRANT, "hold", "sign:2 snapshot alarm"),
    ("delete", "elsewhere", FOREVER | NO_UNDO, "hold", "sign:2 say-no-undo alarm"),
    ("delete", "task", FOREVER | NO_UNDO, "hold", "sign:2 say-no-undo"),
    ("delete", "task", FOREVER | SOLO, "hold", "sign:1 snapshot verified-undo delay:60"),
    ("delete", "production", FOREVER | SOLO, "hold", "sign:1 snapshot verified-undo delay:60"),
    ("delete", "elsewhere", FOREVER | SOLO, "hold", "sign:1 snapshot verified-undo delay:60 alarm"),
    ("delete", "task", FOREVER | SOLO | NO_UNDO, "deny", "say-no-undo verified-undo delay:60"),
    ("delete", "elsewhere", FOREVER | SOLO | NO_UNDO, "deny", "say-no-undo verified-undo delay:60 alarm"),
    ("write", "task", FOREVER, "hold", "sign:1 snapshot"),
    ("write", "production", FOREVER | GRANT, "hold", "sign:2 snapshot"),
    ("write", "elsewhere", FOREVER, "hold", "sign:2 snapshot alarm"),
    ("read", "task", FOREVER, "hold", "sign:1 snapshot mask"),
    ("admin", "task", FOREVER, "hold", "sign:1 snapshot"),
    ("admin", "elsewhere", FOREVER, "hold", "sign:2 snapshot alarm"),
    ("unknown", "production", FOREVER | SOLO | NO_UNDO, "deny", "verified-undo delay:60"),
]
BUDGETS: list[Cell] = [
    ("delete", "task", OVER, "hold", "sign:1 snapshot"),
    ("delete", "task", {"spent": Amount(deletes=99), "cost": Amount(deletes=1)}, "allow", "snapshot"),
    ("write", "task", {"cost": Amount(rows=UNKNOWN_COST)}, "hold", "sign:1 snapshot"),
    ("write", "task", {"cost": Amount(bytes=10**9 + 1)}, "hold", "sign:1 snapshot"),
    ("write", "task", {"spent": Amount(rows=2**63 - 1), "cost": Amount(rows=2**63 - 1)}, "hold", "sign:1 snapshot"),
    ("write", "production", OVER | GRANT, "hold", "sign:1"),
    ("read", "task", OVER, "hold", "sign:1 mask"),
]
ENDED: list[Cell] = [
    (effect, "task", {"task": TaskState(live=False, named=True)}, "deny", owed)
    for effect, owed in (("read", "mask"), ("write", "snapshot"), ("delete", "snapshot"), ("admin", ""))
]


@pytest.mark.parametrize("cell", READ + WRITE + DELETE + ADMIN_AND_UNKNOWN + IRREVERSIBLE + BUDGETS + ENDED, ids=str)
def test_a_governed_resource(shipped: Policies, ask: Any, cell: Cell) -> None:
    effect, place, context, verdict, obligations = cell
    decision = shipped.decide(ask(effect, place, **context))
    assert (decision.verdict, decision.obligations) == (verdict, frozenset(obligations.split()))
    assert decision.reasons
    assert not decision.errors


HOSTS: list[tuple[str, tuple[str, ...], dict[str, Any], str]] = [
    ("read", (), {}, "allow"),
    ("write", (), {}, "hold"),
    ("write", (), {"remembered": True}, "allow"),
    ("write", (), {"remembered": True, "irreversible": True, "undo": "none", "team": False}, "allow"),
    ("delete", (), {}, "hold"),
    ("delete", (), {"remembered": True}, "allow"),
    ("unknown", (), {"remembered": True}, "hold"),
    ("admin", (), {"remembered": True}, "hold"),
    ("read", ("opaque",), {}, "hold"),
    ("read", ("opaque",), {"remembered": True}, "allow"),
    ("write", ("opaque",), {"remembered": True}, "allow"),
    ("write", (), {"remembered": True} | OVER, "hold"),
]


@pytest.mark.parametrize("case", HOSTS, ids=str)
def test_an_ungoverned_host(
    shipped: Policies, ask: Any, case: tuple[str, tuple[str, ...], dict[str, Any], str]
) -> None:
    effect, flags, context, verdict = case
    decision = shipped.decide(ask(effect, kind="Host", id="example.org", flags=flags, **context))
    assert decision.verdict == verdict
    assert decision.obligations == (frozenset({"sign:1"}) if verdict == "hold" else frozenset())


OWN = ("own",)
GIT: list[tuple[str, tuple[str, ...], dict[str, Any], str]] = [
    ("read", (), {}, "allow"),
    ("write", OWN, {"change": "create"}, "allow"),
    ("write", OWN, {"change": "fast-forward"}, "allow"),
    ("write", OWN, {"change": "force"}, "hold"),
    ("write", OWN, {"change": "tag"}, "hold"),
    ("write", OWN, {"change": ""}, "hold"),
    ("delete", OWN, {"change": "delete"}, "hold"),
    ("delete", OWN, {"change": "delete", "irreversible": True, "undo": "none", "team": False}, "hold"),
    ("write", (*OWN, "protected"), {"change": "fast-forward"}, "hold"),
    ("write", (*OWN, "triggers"), {"change": "create"}, "hold"),
    ("write", OWN, {"change": "create", "workflow": True}, "hold"),
    ("admin", OWN, {"change": "create", "workflow": True}, "hold"),
    ("unknown", OWN, {}, "hold"),
    ("write", (), {"change": "create"}, "deny"),
    ("write", (), {"change": "create", "asked": True}, "hold"),
    ("admin", (), {"change": "create", "workflow": True}, "deny"),
    ("unknown", (), {}, "deny"),
    ("unknown", (), {"asked": True}, "hold"),
]


@pytest.mark.parametrize("case", GIT, ids=str)
@pytest.mark.parametrize("place", ["task", "elsewhere"])
def test_a_git_ref(
    shipped: Policies, ask: Any, place: str, case: tuple[str, tuple[str, ...], dict[str, Any], str]
) -> None:
    effect, flags, context, verdict = case
    decision = shipped.decide(ask(effect, place, kind="Ref", id="origin refs/heads/x", flags=flags, **context))
    assert decision.verdict == verdict


def test_the_founding_call_is_held_with_a_quorum_an_undo_and_an_alarm(shipped: Policies, ask: Any) -> None:
    call = ask("delete", "elsewhere", environment="prod", action="railway:volumeDelete", irreversible=True)
    decision = shipped.decide(call)
    assert decision.verdict == "hold"
    assert decision.obligations == {"sign:2", "snapshot", "alarm"}
    assert decision.reasons == ("by itself it cannot be undone, so a person must say yes",)
    assert "floor/irreversible" in decision.rules


def test_every_shipped_verdict_says_why(shipped: Policies) -> None:
    assert [rule.id for rule in shipped.rules.values() if not rule.why and not rule.obliges] == []
