"""Ways to change what no undo brings back, from a client's connection to the rows that an undo leaves."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company
from tests.databases.test_an_agent_works import content


def in_one_transaction(company: Company, *statements: str) -> None:
    """Sent again once people have signed what is held in it."""
    for _ in range(2 * len(statements) + 1):
        with company.connect(autocommit=True) as connection:
            try:
                for statement in ("BEGIN", *statements, "COMMIT"):
                    connection.execute(statement)
                return
            except psycopg.errors.InsufficientPrivilege as error:
                company.approve(company.hold_of(error))
    raise AssertionError("it is still held")


@pytest.mark.parametrize(
    "definition",
    [
        "ALTER TABLE cars ALTER COLUMN plate TYPE text USING 'none'",
        "ALTER TABLE cars DROP COLUMN plate",
        "DROP TABLE totals",
    ],
)
def test_what_a_savepoint_redefined_comes_back(company: Company, definition: str) -> None:
    """Its rows and definitions carry the savepoint's id, not the transaction's."""
    before = content(company)
    in_one_transaction(company, "SAVEPOINT s", definition, "RELEASE s")
    company.undo()
    assert content(company) == before


def test_what_a_trigger_keeps_the_server_from_counting_is_held(company: Company) -> None:
    """A superuser's function may switch the counts off for its own while: what it deletes would be in no undo."""
    company.directly("""
        CREATE FUNCTION uncounted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET track_counts = off AS
          $$ BEGIN DELETE FROM public.totals; RETURN NULL; END $$;
        CREATE TRIGGER uncounted AFTER UPDATE ON cars FOR EACH STATEMENT EXECUTE FUNCTION uncounted()""")
    company.held("UPDATE cars SET seats = 9 WHERE id = 1")
    assert company.truth("SELECT count(*) FROM totals") == [(1,)]


@pytest.mark.parametrize(
    "definition",
    [
        "DROP FUNCTION counted_users() CASCADE",
        "DROP AGGREGATE total(int)",
        "DROP INDEX users_pkey",
        "ALTER FUNCTION counted_users() RENAME TO other",
        "DROP OPERATOR ## (int, int)",
    ],
)
def test_nobody_is_told_that_what_drops_a_definition_changes_nothing(company: Company, definition: str) -> None:
    """Neither a dump nor the server's words hold it: a person signs for that, or it is refused."""
    company.directly("""
        CREATE FUNCTION counted_users() RETURNS int LANGUAGE sql AS 'SELECT 1';
        ALTER TABLE cars ADD COLUMN counted int DEFAULT counted_users();
        CREATE AGGREGATE total(int) (SFUNC = int4pl, STYPE = int);
        CREATE OPERATOR ## (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)""")
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:
        company.run(definition)
    if "h-" in str(refused.value):
        assert "'possible': True" not in str(company.hold_of(refused.value).document)
