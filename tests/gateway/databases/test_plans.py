"""What was asked about with a text stands for what its statements are in their turn, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yett.gateway.databases.statements.attempts import Changed
from yett.gateway.databases.statements.plans import Plan
from yett.model.effects import Effect, Recovery
from yett.model.operation import Rows
from yett.operations.sql.facts import ABSENT
from yett.operations.sql.statement import Statement, Touched, Verb, Way

CARS, THEIRS = 20_000, 20_001
DROPS = Statement(
    "DROP TABLE cars",
    "DROP TABLE",
    Way.DUMP,
    Effect.DELETE,
    Recovery.FROM_UNDO,
    (Touched(CARS, "public", "cars", Verb.DROP),),
)
ADDS = replace(DROPS, text="INSERT INTO cars VALUES (1)", way=Way.GUARD, touched=(Touched(CARS, "", "c", Verb.INSERT),))


def behind_a_name(oid: int) -> Statement:
    return replace(DROPS, touched=(Touched(oid, "public", "cars", Verb.DROP),))


def test_it_covers_what_was_read() -> None:
    assert Plan((DROPS,)).covers(DROPS, ())


def test_another_table_behind_the_name_is_covered_only_if_the_transaction_made_it() -> None:
    assert not Plan((DROPS,)).covers(behind_a_name(THEIRS), ())
    assert Plan((DROPS,)).covers(behind_a_name(THEIRS), {THEIRS})


def test_each_stands_for_one_in_the_texts_order() -> None:
    plan = Plan((DROPS, ADDS))
    assert plan.covers(ADDS, ())
    assert not plan.covers(DROPS, ())
    assert not plan.covers(ADDS, ())


@pytest.mark.parametrize(
    ("was", "now"),
    [
        (replace(DROPS, way=Way.ASK, reasons=(f"names cars, {ABSENT[0]}",)), DROPS),
        (ADDS, replace(DROPS, text=ADDS.text)),
        (DROPS, replace(DROPS, schemas=("public",))),
        (DROPS, replace(DROPS, executes="one")),
        (DROPS, replace(DROPS, way=Way.ASK)),
        (DROPS, replace(DROPS, way=Way.ALONE)),
    ],
    ids=["absent then", "added then", "a schema", "EXECUTE", "unknown now", "outside"],
)
def test_what_has_become_more_is_asked_about(was: Statement, now: Statement) -> None:
    assert not Plan((was,)).covers(now, ())


@pytest.mark.parametrize(
    ("rows", "allowed"),
    [
        (Rows("public.cars", inserted=9), True),
        (Rows("public.cars", deleted=3), True),
        (Rows("public.cars", deleted=4), False),
        (Rows("public.cars", updated=4), False),
    ],
)
def test_rows_lie_within_what_was_signed(rows: Rows, *, allowed: bool) -> None:
    plan = Plan((DROPS,), {"public.cars": Rows("public.cars", deleted=3, updated=3)})
    assert plan.allows([Changed(CARS, rows)], ()) is allowed


def test_rows_of_somebody_elses_table_were_not_asked_about() -> None:
    rows = [Changed(THEIRS, Rows("public.theirs", inserted=1))]
    assert not Plan((DROPS,)).allows(rows, ())
    assert Plan((DROPS,)).allows(rows, {THEIRS})
    assert not Plan((DROPS,), alone=False).allows(rows, {THEIRS})
