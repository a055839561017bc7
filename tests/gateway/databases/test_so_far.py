"""Many small acts of one task, added up by table."""

from __future__ import annotations

import pytest

from yett.gateway.databases.allowed.so_far import USUAL, Bounds, Small, SoFar, counted
from yett.gateway.databases.shown.looking import About
from yett.model.canonical import Json
from yett.model.operation import Rows

USERS, CARS = 101, 102
MOST_DELETED, MOST_CHANGED = USUAL.deleted, USUAL.changed


def undo(oid: int, deleted: int, updated: int = 0) -> dict[str, Json]:
    """The part of `Captured.facts` that is read."""
    return {"tables": [{"effect": [oid, "public", "t", deleted, updated, 0]}], "dump": None}


@pytest.mark.parametrize(
    ("small", "rows", "too_many"),
    [
        (Small(deleted=MOST_DELETED), 2_000, False),
        (Small(deleted=MOST_DELETED + 1), 2_000, True),
        (Small(deleted=MOST_DELETED + 1), -1, True),
        (Small(deleted=90_000), 910_000, False),
        (Small(deleted=100_001), 899_999, True),
        (Small(updated=MOST_CHANGED), 20, False),
        (Small(updated=MOST_CHANGED + 1), 20, True),
        (Small(updated=MOST_CHANGED + 1), 1_000_000, False),
    ],
)
def test_a_thousand_rows_or_a_tenth_of_the_table(small: Small, rows: int, too_many: bool) -> None:
    assert small.is_too_many(About(1, (), rows=rows), USUAL) is too_many


def test_a_table_that_nothing_is_known_of_has_no_tenth() -> None:
    assert Small(deleted=MOST_DELETED + 1).is_too_many(None, USUAL)


def test_what_is_rolled_back_did_not_happen_and_what_was_signed_for_is_known() -> None:
    so_far = SoFar({})
    so_far.add(USERS, Rows("public.users", deleted=100, updated=3))
    so_far.add(USERS, Rows("public.users", deleted=50))
    so_far.take_back(USERS, Rows("public.users", deleted=100, updated=3))
    assert so_far.of(USERS) == Small(50)
    so_far.signed(USERS)
    assert so_far.of(USERS) == Small()


def test_a_daemon_that_starts_anew_counts_the_undos() -> None:
    undos = [("", undo(USERS, 700)), ("", undo(CARS, 5)), ("h-1", undo(USERS, 200)), ("", undo(USERS, 80, 2))]
    assert counted(undos) == {USERS: Small(80, 2), CARS: Small(5)}
    assert counted([("", {"tables": "odd"}), ("", {}), ("", {"tables": [7]})]) == {}


def test_the_bounds_are_what_a_person_gave_and_signed() -> None:
    most = Bounds(deleted=5, changed=20, share=0, tables=2)
    assert Small(6).is_too_many(About(1, (), rows=1_000_000), most)
    assert not Small(6).is_too_many(About(1, (), rows=1_000_000), USUAL)
    so_far = SoFar({}, most)
    for _ in range(2):
        so_far.grant(Bounds(1, 0, 0, 0))
    assert so_far.most == Bounds(6, 20, 0, 2)


def test_tables_count_where_rows_were_changed_or_deleted() -> None:
    so_far = SoFar({}, Bounds(tables=2))
    for oid in range(3):
        so_far.add(oid, Rows("public.t", inserted=5))
    assert not so_far.in_too_many_tables
    for oid in range(3):
        assert not so_far.in_too_many_tables
        so_far.add(oid, Rows("public.t", updated=1))
    assert so_far.in_too_many_tables
    so_far.signed(1)
    assert not so_far.in_too_many_tables
