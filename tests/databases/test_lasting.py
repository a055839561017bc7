"""Who is asking, as an application tells row security at the beginning of each transaction: a person is asked once."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.approvals.reading import read
from yett.daemon.verbs import places

TENANTS = """
CREATE TABLE notes (tenant int, what text); INSERT INTO notes VALUES (1, 'one'), (2, 'two');
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY theirs ON notes USING (tenant = nullif(current_setting('app.tenant', true), '')::int)"""
SEEN = "SELECT what FROM notes"


@pytest.fixture
def tenants(company: Company) -> Company:
    company.directly(TENANTS)
    return company


def seen(company: Company, tells: str, *values: object) -> list[str]:
    with company.connect() as connection:
        connection.execute(tells, values or None)  # type: ignore[call-overload]
        return [what for (what,) in connection.execute(SEEN).fetchall()]


@pytest.mark.parametrize(
    ("tells", "values"),
    [
        ("SET LOCAL app.tenant = '1'", ()),
        ("SET app.tenant TO 1", ()),
        ("SELECT set_config('app.tenant', '1', true)", ()),
        ("SELECT set_config('app.tenant', %s, true)", ("1",)),
        ("SELECT pg_catalog.set_config('app.tenant', %s::text, true)", (1,)),
    ],
)
def test_a_tenant_is_asked_about_once(tenants: Company, tells: str, values: tuple[object, ...]) -> None:
    assert seen(tenants, "SELECT 1") == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        seen(tenants, tells, *values)
    hold = tenants.hold_of(refused.value)
    reading = read(hold.document)
    assert "until it ends" in reading.statements[-1]
    tenants.approve(hold)
    for _ in range(3):
        assert seen(tenants, tells, *values) == ["one"]
    assert [entry["body"]["hold"] for entry in tenants.laws.entries("intent")[-2:]] == [hold.id] * 2
    other = [2 if value == 1 else "2" for value in values]
    tenants.held(tells if values else tells.replace("1", "2"), *other)


def test_in_other_places_it_is_asked_about_anew(tenants: Company) -> None:
    tells, laws = "SET LOCAL app.tenant = '1'", tenants.laws
    assert tenants.approved((tells,)) == 1
    assert tenants.approved((tells,)) == 0
    act = laws.do(places.set_(laws.plane, {"production": []}))
    laws.sign(str(act["act"]))
    assert tenants.approved((tells,)) == 1


@pytest.mark.parametrize(
    "tells",
    [
        "SELECT set_config('app.tenant', (SELECT max(tenant)::text FROM tenants_now), true)",
        "SELECT told()",
        "DO $$ BEGIN PERFORM set_config('app.tenant', '1', true); END $$",
        "SELECT set_config('app.tenant', '1', (SELECT true))",
        "SELECT set_config('app.tenant', '1', true), what FROM notes",
        "SELECT set_config('app.tenant', '1', true) FROM tenants_now",
        "SELECT set_config('app.tenant', '1', true) UNION SELECT what FROM notes",
        "SELECT set_config('app.tenant', '1', true), lower('A')",
        "SET app.tenant = '1'; DELETE FROM notes",
        "SET app.tenant = '1'; SELECT 1",
        "PREPARE tell AS SELECT set_config('app.tenant', '1', true); EXECUTE tell; DEALLOCATE tell",
        "EXPLAIN ANALYZE SELECT set_config('app.tenant', '1', true)",
    ],
)
def test_what_may_set_something_else_next_time_is_asked_about_each_time(tenants: Company, tells: str) -> None:
    tenants.directly(
        "CREATE TABLE tenants_now AS SELECT 1 AS tenant;"
        "CREATE FUNCTION told() RETURNS text LANGUAGE sql AS $$ SELECT set_config('app.tenant', '1', true) $$"
    )
    first = tenants.approved((tells,))
    assert first > 0
    assert tenants.approved((tells,)) == first


def test_a_value_that_is_another_text_under_other_settings_is_asked_about_each_time(tenants: Company) -> None:
    tells = "SELECT set_config('app.tenant', %s::text, true)"
    for _ in range(2):
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
            seen(tenants, tells, b"1")
        tenants.approve(tenants.hold_of(refused.value))
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            seen(tenants, tells, b"1")  # \x31


def test_a_yes_that_was_taken_back_before_it_was_used_up_does_not_last(tenants: Company) -> None:
    """Something else in its transaction had to wait, so that nothing of it has happened when it is denied after all."""
    tells = "SET LOCAL app.tenant = '1'"
    hold = tenants.held(tells)
    tenants.approve(hold)
    assert tenants.asked((tells, "NOTIFY everybody")) is not None
    assert tenants.laws.hold(hold.id).state == "approved"
    tenants.laws.do(tenants.laws.plane.desk.deny(hold.id, "Ada", "not after all"))
    again = tenants.asked((tells,))
    assert again is not None
    assert again.id != hold.id


def test_another_person_is_another_question(tenants: Company) -> None:
    tells = "SET LOCAL app.tenant = '1'"
    assert tenants.approved((tells,)) == 1
    tenants.laws.team()
    assert tenants.asked((tells,)) is not None


def test_where_more_is_owed_than_then_it_is_asked_about_anew(tenants: Company) -> None:
    tells = "SET LOCAL app.tenant = '1'"
    assert tenants.approved((tells,)) == 1
    place = tenants.seat._place
    assert place is not None
    place.lasting._signed = {
        what: (replace(signed, obligations=frozenset()), then) for what, (signed, then) in place.lasting._signed.items()
    }
    assert tenants.asked((tells,)) is not None
