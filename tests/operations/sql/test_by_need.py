"""A catalog makes its objects when somebody asks, and nothing that was read against one keeps it."""

from __future__ import annotations

import gc
import weakref

import pytest

from yett.model.errors import YettError
from yett.operations.sql.by_need import ByNeed
from yett.operations.sql.catalog import Function
from yett.operations.sql.classify import classify
from yett.operations.sql.snapshot import of

ROWS = [(11, "pg_catalog", "now"), (20_000, "public", "f"), (20_001, "public", "f")]


def made(row: tuple[int, str, str]) -> Function:
    return Function(row[0], row[1], row[2])


def test_what_nobody_asked_for_is_not_made() -> None:
    asked: list[int] = []

    def make(row: tuple[int, str, str]) -> Function:
        asked.append(row[0])
        return made(row)

    functions = ByNeed.of_rows(ROWS, 3, make)
    assert [one.oid for one in functions.named("public", "f")] == [20_000, 20_001]
    assert functions[20_000].name == "f"
    assert asked == [20_000, 20_001]
    assert (len(functions), list(functions)) == (3, [11, 20_000, 20_001])
    assert (functions.get(5), functions.named("public", "g")) == (None, ())


def test_a_row_that_is_not_as_it_was_asked_for_is_no_catalog() -> None:
    with pytest.raises(YettError):
        ByNeed.of_rows([*ROWS, (5, "public")], 3, made)


def test_the_built_in_ones_of_another_lie_below_and_never_above() -> None:
    base = ByNeed.of_rows([(11, "pg_catalog", "old"), (12, "pg_catalog", "still"), (20_009, "public", "gone")], 3, made)
    assert base[11].name == "old"
    both = ByNeed.of_rows(ROWS, 3, made).over(base)
    assert {oid: both[oid].name for oid in both} == {11: "now", 12: "still", 20_000: "f", 20_001: "f"}
    assert both.named("pg_catalog", "old") == ()
    assert [one.oid for one in both.named("pg_catalog", "still")] == [12]


def test_values_lie_beside_rows() -> None:
    values = ByNeed.of([Function(9, "pg_catalog", "a"), Function(20_002, "public", "b")])
    both = ByNeed.of_rows(ROWS, 3, made).over(values)
    assert sorted(both) == [9, 11, 20_000, 20_001]
    assert both.named("pg_catalog", "a") == (values[9],)


def test_a_catalog_goes_when_nobody_holds_it_whatever_was_read_against_it() -> None:
    """Each DDL makes another: a daemon would keep megabytes of each."""
    catalog = of(functions=[Function(20_000, "public", "f", language="sql", body="SELECT 1", most=0)])
    assert classify(b"SELECT f(), now()", catalog, {})
    gone = weakref.ref(catalog)
    del catalog
    gc.collect()
    assert gone() is None
