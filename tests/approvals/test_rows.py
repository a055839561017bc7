"""Bounds on rows: what a person signs covers what was shown and a little more, in the same tables, and nothing else."""

from __future__ import annotations

import pytest

from yett.approvals.facts import bounds, drift
from yett.approvals.reading import read
from yett.model.operation import Amount, Rows

USERS, CARS = Rows("public.users", deleted=10), Rows("public.cars", updated=1000)


def document(*rows: Rows) -> dict[str, object]:
    shown = [{"shown": one.as_json(), "most": one.most().as_json()} for one in rows]
    total = sum(one.deleted + one.updated + one.inserted for one in rows)
    measured = Amount(deletes=sum(one.deleted for one in rows), rows=total)
    return {"rows": shown, "measured": measured.as_json(), "impact": Amount(10**6, 10**6).as_json()}


def said(*rows: Rows) -> list[str]:
    return [why for why in drift(document(USERS, CARS), document(*rows)) if "row" in why or "table" in why]


@pytest.mark.parametrize(
    ("deleted", "updated"), [(10, 1000), (20, 1050), (1, 1), (0, 0)], ids=["same", "most", "less", "nothing"]
)
def test_what_stays_within_the_bounds_is_covered(deleted, updated):
    assert said(Rows("public.users", deleted=deleted), Rows("public.cars", updated=updated)) == []


def test_one_row_more_is_not_covered():
    assert said(Rows("public.users", deleted=21), CARS) == [
        "more rows of public.users are deleted than were signed for"
    ]
    assert said(USERS, Rows("public.cars", updated=1051)) == [
        "more rows of public.cars are updated than were signed for"
    ]


def test_what_was_not_done_at_all_has_no_slack():
    found = said(Rows("public.users", deleted=10, updated=1), CARS)
    assert found == ["more rows of public.users are updated than were signed for"]


@pytest.mark.parametrize(
    "rows",
    [
        (USERS,),
        (USERS, CARS, Rows("public.bookings", deleted=1)),
        (USERS, Rows("other.cars", updated=1)),
        (USERS, CARS, CARS),
    ],
    ids=["fewer", "more", "another", "twice"],
)
def test_the_tables_are_exactly_those_that_were_signed(rows):
    assert said(*rows) == ["it changes other tables"]


def test_an_unknown_number_is_within_an_unknown_number_only():
    unknown = Rows("public.users", -1, -1, -1)
    assert said(unknown, CARS)
    assert [why for why in drift(document(unknown), document(USERS)) if "rows" in why]
    assert not [why for why in drift(document(unknown), document(unknown)) if "rows" in why]


def test_the_total_has_the_slack_of_its_rows():
    class Act:
        rows = (USERS, CARS)

    assert bounds([Act()], Amount(deletes=10, rows=1010)) == Amount(deletes=10, rows=1070)  # type: ignore[list-item]


def test_a_person_reads_counts_and_bounds():
    reading = read(document(USERS, CARS, Rows("public.x", -1, -1, -1), Rows("public.y")))
    assert reading.changes == (
        "deletes 10 of public.users (signed up to 20)",
        "changes 1,000 of public.cars (signed up to 1,050)",
        "changes an unknown number of rows of public.x",
        "leaves public.y as it is",
    )
