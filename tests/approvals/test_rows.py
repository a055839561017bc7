"""Bounds on rows: what a person signs covers what was shown and a little more, in the same tables, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from yett.approvals.changes import roughly
from yett.approvals.facts import bounds, drift, exceeded
from yett.approvals.reading import read
from yett.model.operation import UNKNOWN_COST, Amount, Rows, Via

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
        "deletes 10 rows of public.users (exact; signed up to 20)",
        "changes 1,000 rows of public.cars (exact; signed up to 1,050)",
        "changes an unknown number of rows of public.x",
        "leaves public.y as it is",
        "and whatever the parts of it do that nobody can read, to any table",
    )


EVENTS = Rows("public.events", deleted=1_234_567, estimated=True)


def test_an_estimate_says_so_and_has_bounds_of_its_own():
    change = read(document(EVENTS)).changes[0]
    assert change == (
        "deletes about 1.2 million rows of public.events (estimate; signed up to 2,469,144, counted before it is final)"
    )
    assert document(EVENTS)["rows"][0]["shown"]["estimated"] is True
    assert document(USERS)["rows"][0]["shown"]["estimated"] is False


def test_a_document_that_does_not_say_how_it_was_counted_is_read_as_an_estimate():
    unlabelled = {"shown": {**USERS.counts()}, "most": USERS.most().counts()}
    assert "estimate" in read({"rows": [unlabelled]}).changes[0]


def test_what_was_done_is_held_against_the_bounds_that_were_signed():
    signed = document(EVENTS, CARS)
    assert exceeded(signed, [replace(EVENTS, deleted=2_469_144)], others=False) == ()
    assert exceeded(signed, [replace(EVENTS, deleted=2_469_145)], others=False)
    assert exceeded(signed, [replace(CARS, updated=1_051)], others=False)
    assert exceeded(signed, [replace(CARS, deleted=1)], others=False)
    assert exceeded(signed, [USERS], others=False) == ("it changes public.users, which was not signed for",)
    assert exceeded(signed, [USERS], others=True) == ()
    unknown = document(Rows("public.users", -1, -1, -1))
    assert exceeded(unknown, [USERS], others=False) == ()


def test_a_total_with_an_unknown_table_in_it_is_unknown():
    class Act:
        rows = (USERS, Rows("public.x", -1, -1, -1))

    assert bounds([Act()], Amount(rows=10)).rows == UNKNOWN_COST  # type: ignore[list-item]


def test_one_sentence_tells_what_happens_to_which_table():
    bookings = Rows("public.bookings", deleted=1240, via=Via.CASCADE)
    cars = Rows("public.cars", updated=3, via=Via.DETACH)
    totals = Rows("public.totals", updated=2, via=Via.OTHER)
    said = read(document(bookings, cars, totals, USERS)).sentence
    assert said == "deletes 10 users, cascades to 1,240 bookings, detaches 3 cars, also changes 2 totals"
    assert read(document(EVENTS)).sentence == "deletes about 1.2 million events"
    unknown = Rows("public.log", -1, -1, -1)
    assert read(document(USERS, unknown)).sentence == "deletes 10 users, changes an unknown number of log"
    many = [Rows(f"public.t{n}", deleted=n + 1) for n in range(6)]
    assert read(document(*many)).sentence == "deletes 1 t0, 2 t1, 3 t2 and 3 more tables"
    assert read(document()).sentence == ""


def test_a_tables_name_adds_no_words_to_the_sentence():
    posing = Rows("public.users, adds 0", deleted=10)
    assert read(document(posing)).sentence == "deletes 10 “users, adds 0”"


def test_small_acts_that_went_before_are_told():
    change = read(document(replace(USERS, before=1_000))).changes[0]
    assert change.endswith("this task has deleted or changed 1,000 there before, in acts too small to be asked about")


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (7, "7"),
        (123, "120"),
        (1_240, "1,200"),
        (999_999, "1,000,000"),
        (10**6, "1 million"),
        (2_345_678_901, "2.3 billion"),
    ],
)
def test_an_estimate_has_the_digits_that_it_deserves(count, said):
    assert roughly(count) == said
