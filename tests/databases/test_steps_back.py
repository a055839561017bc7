"""Two changes of the same rows are undone one after the other, through the gate, the keep and the ledger."""

from __future__ import annotations

import pytest
from tests.databases.company_of_tests import Company
from tests.databases.test_an_agent_works import content

from yett.daemon.verbs import undo as verbs
from yett.model.errors import YettError


def changed_twice(company: Company) -> tuple[list[object], list[object]]:
    """What there was, and what there was in between."""
    before = content(company)
    company.run("UPDATE users SET plan = 'team' WHERE id IN (3, 4)")
    between = content(company)
    company.run("UPDATE users SET plan = 'none' WHERE id IN (4, 5)")
    return before, between


def test_two_steps_go_back_the_newest_first(company: Company) -> None:
    before, between = changed_twice(company)
    newest = company.laws.plane.undos.records()[-1].id
    with pytest.raises(YettError, match="id=4: was changed since, by what") as refused:
        company.undo(-2)
    assert f"yett undo apply {newest}, then this one" in refused.value.remedy
    company.undo(-1)
    assert content(company) == between
    company.undo(-2)
    assert content(company) == before


def test_every_transaction_that_brought_it_back_stays_written_down(company: Company) -> None:
    before, _ = changed_twice(company)
    company.undo(-1)
    company.undo(-1)
    (first, second) = company.laws.plane.undos.all()[-1].restored_by
    assert first != second
    assert not company.laws.plane.undos.all()[-1].applying
    company.undo(-2)
    assert content(company) == before


def test_what_was_let_go_in_between_is_refused_and_named(company: Company) -> None:
    changed_twice(company)
    newest = company.laws.plane.undos.records()[-1].id
    company.undo(-1)
    now = content(company)
    company.let_go(-1)
    with pytest.raises(YettError, match=f"what {newest} holds does not say whose the row was"):
        company.undo(-1)
    assert content(company) == now


def test_what_was_done_to_a_table_before_it_was_dropped_goes_back_behind_it(company: Company) -> None:
    before = content(company)
    company.run("INSERT INTO totals VALUES ('new', 3)")
    company.approve(company.held("DROP TABLE totals"))
    company.run("DROP TABLE totals")
    dropped = company.laws.plane.undos.records()[-1].id
    with pytest.raises(YettError, match=r"the public\.totals whose rows this holds was dropped since") as refused:
        company.undo(-2)
    assert f"yett undo apply {dropped}, then this one" in refused.value.remedy
    company.undo(-1)
    company.undo(-2)
    assert content(company) == before


def test_an_undo_is_listed_by_what_people_call_things_and_says_that_it_was_used(company: Company) -> None:
    company.approve(company.held("DROP TABLE totals"))
    company.run("DROP TABLE totals")
    (row,) = listed(company)
    assert row["resource"] == "postgres database saas"
    assert row["what"] == "DROP TABLE totals"
    assert not asked(company, str(row["id"]))["applied_at"]
    company.undo()
    assert asked(company, str(row["id"]))["applied_at"]


def listed(company: Company) -> list[dict[str, object]]:
    async def read() -> list[dict[str, object]]:
        return [row async for one in verbs.list_(company.laws.plane, {}) for row in one["undos"]]

    return company.laws.do(read())


def asked(company: Company, undo: str) -> dict[str, object]:
    async def ask() -> dict[str, object]:
        (said,) = [one async for one in verbs.apply(company.laws.plane, {"undo": undo})]
        return said

    return company.laws.do(ask())
