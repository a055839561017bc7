"""Enum types, which the way back of many a migration drops: kept in the server's words, brought back."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company
from tests.databases.test_kept_definitions import goes_and_comes_back, signed

from yett.model.errors import YettError

MADE = (
    r"""CREATE TYPE mood AS ENUM ('good', E'it''s \\bad', 'ümlaut'); CREATE TYPE "Odd one" AS ENUM ('x');
CREATE TYPE pair AS (a int, b int); CREATE DOMAIN positive AS int CHECK (VALUE > 0)""",
    "ALTER TYPE mood ADD VALUE 'first' BEFORE 'good'",
    """COMMENT ON TYPE mood IS 'how it''s going'; REVOKE ALL ON TYPE mood FROM PUBLIC;
GRANT USAGE ON TYPE mood TO "Teller" WITH GRANT OPTION; ALTER TYPE mood OWNER TO "Teller" """,
)
TYPES = """
SELECT t.oid::regtype::text, t.typtype, pg_get_userbyid(t.typowner), t.typacl::text, obj_description(t.oid, 'pg_type'),
  (SELECT array_agg(enumlabel ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid)
FROM pg_type t WHERE t.typnamespace = 'public'::regnamespace AND t.typtype IN ('e', 'd', 'c') AND t.typelem = 0
  AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND c.relkind <> 'c') ORDER BY 1"""


@pytest.fixture
def typed(company: Company) -> Company:
    if not company.truth("SELECT 1 FROM pg_roles WHERE rolname = 'Teller'"):
        company.directly('CREATE ROLE "Teller"')
    company.directly('GRANT ALL ON SCHEMA public TO "Teller"')
    for statement in MADE:
        company.directly(statement)
    return company


@pytest.mark.parametrize(
    "text",
    [
        "DROP TYPE mood",
        "DROP TYPE IF EXISTS public.mood RESTRICT",
        'DROP TYPE "Odd one", mood',
        "DROP TYPE mood; CREATE TYPE mood AS ENUM ('a', 'b')",
        "BEGIN; DROP TYPE mood; COMMIT",
    ],
)
def test_one_person_may_let_it_go_for_it_comes_back(typed: Company, text: str) -> None:
    goes_and_comes_back(typed, text, TYPES)


@pytest.mark.parametrize(
    ("since", "said"),
    [
        ("CREATE TYPE mood AS ENUM ('a')", "enum public.mood was made or changed since"),
        ("CREATE DOMAIN mood AS int", "already exists"),
        ("CREATE TABLE mood (id int)", "already exists"),
    ],
)
def test_what_was_made_since_is_not_overwritten(typed: Company, since: str, said: str) -> None:
    signed(typed, "DROP TYPE mood")
    typed.directly(since)
    before = typed.truth(TYPES)
    with pytest.raises(YettError, match=said):
        typed.undo()
    assert typed.truth(TYPES) == before


@pytest.mark.parametrize("text", ["DROP TYPE pair", "DROP TYPE mood, pair", "DROP TYPE mood; DROP DOMAIN positive"])
def test_what_is_no_enum_is_not_said_to_be_kept(typed: Company, text: str) -> None:
    before = typed.truth(TYPES)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="nobody can bring back"):
        typed.run(text)
    assert typed.truth(TYPES) == before


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TYPE mood RENAME TO feeling",
        "ALTER TYPE mood RENAME VALUE 'good' TO 'better'",
        "ALTER TYPE mood ADD VALUE 'best' BEFORE 'first'",
        "ALTER TYPE mood OWNER TO CURRENT_USER",
    ],
)
def test_one_that_is_altered_is_not_made_anew(typed: Company, text: str) -> None:
    hold = typed.held(text)
    (situation,) = hold.document["situations"]
    assert situation["undo"]["possible"] is False
    typed.approve(hold)
    typed.run(text)
    assert not typed.laws.plane.undos.records()


@pytest.mark.parametrize("table_first", [True, False])
def test_what_cascade_takes_with_it_comes_back_in_either_order(typed: Company, *, table_first: bool) -> None:
    typed.directly("ALTER TABLE cars ADD COLUMN mood mood DEFAULT 'good'")
    typed.directly("CREATE FUNCTION felt(m mood) RETURNS text LANGUAGE sql AS 'SELECT m::text'")
    rows = "SELECT c, to_regprocedure('felt(mood)')::text FROM cars c ORDER BY id"
    before = typed.truth(TYPES), typed.truth(rows)
    signed(typed, "DROP TYPE mood CASCADE")
    assert typed.truth("SELECT to_regtype('mood'), count(*) FROM pg_proc WHERE proname = 'felt'") == [(None, 0)]
    table = next(n for n, undo in enumerate(typed.laws.plane.undos.records()) if undo.facts["dump"])
    for number in (table, 1 - table) if table_first else (1 - table, table):
        typed.undo(number)
    assert (typed.truth(TYPES), typed.truth(rows)) == before


def test_a_domain_that_cascade_takes_is_said_not_to_come_back(typed: Company) -> None:
    typed.directly("ALTER TABLE cars ADD COLUMN worth positive")
    (situation,) = typed.held("DROP DOMAIN positive CASCADE").document["situations"]
    assert "type public.positive" in str(situation["undo"]["gaps"])


def test_a_label_that_somebody_adds_meanwhile_is_not_lost(typed: Company) -> None:
    def steps(between: str) -> None:
        with typed.connect() as connection:
            connection.execute("COMMENT ON TABLE cars IS 'mood'")  # names the type, and does not lock it
            typed.directly(between)
            connection.execute("DROP TYPE mood")

    for _ in range(2):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold") as held:
            steps("SELECT 1")
        typed.approve(typed.hold_of(held.value))
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as error:
        steps("ALTER TYPE mood ADD VALUE 'late'")
    assert "enum public.mood was changed by somebody else meanwhile" in str(error.value)
    assert typed.truth("SELECT to_regtype('mood')::text") == [("mood",)]


def test_a_column_that_uses_it_keeps_it(typed: Company) -> None:
    typed.directly("ALTER TABLE cars ADD COLUMN mood mood DEFAULT 'good'")
    before = typed.truth(TYPES)
    typed.approve(typed.held("DROP TYPE mood"))
    with pytest.raises(psycopg.errors.DependentObjectsStillExist):
        typed.run("DROP TYPE mood")
    assert typed.truth(TYPES) == before
