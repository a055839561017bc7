"""What a transaction redefines, as the catalogs say it: whatever was guessed, whatever the agent's session holds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from guarded import Agent, Database, connected, run

from yett.providers.postgres.guard.asking import ASSIGN, state
from yett.providers.postgres.guard.effects import Unguardable
from yett.providers.postgres.guard.words.redefined import Changes, Redefined

MADE = """
CREATE FUNCTION fine() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION fine(int) RETURNS int LANGUAGE sql AS 'SELECT 2';
CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE one (id int PRIMARY KEY, at date);
CREATE TRIGGER stamp BEFORE INSERT ON one FOR EACH ROW WHEN (NEW.at > '2001-02-03') EXECUTE FUNCTION stamped();
GRANT ALL ON SCHEMA public TO agent; ALTER TABLE one OWNER TO agent; ALTER FUNCTION fine() OWNER TO agent;
ALTER FUNCTION fine(int) OWNER TO agent; ALTER FUNCTION stamped() OWNER TO agent;
"""


async def changes(
    database: Database,
    names: set[str],
    *statements: str,
    before: tuple[str, ...] = (),
    between: Callable[[Agent], Awaitable[None]] | None = None,
) -> Changes:
    async with connected(database) as agent:
        for statement in (*before, "BEGIN"):
            await agent.rows(statement)
        redefined = Redefined(agent, database)
        first = (await state(agent)).next_multixact
        await redefined.read(names)
        if between:
            await between(agent)
        for statement in statements:
            await agent.rows(statement)
        ((xid,),) = await agent.rows(ASSIGN)
        found = await redefined.changes(int(xid or 0), first)
        await agent.rows("ROLLBACK")
        return found


def labels(found: Changes) -> list[str]:
    return sorted(one.what.label for one in found.kept)


def test_what_went_and_was_read_is_kept(database: Database) -> None:
    database.run(MADE)
    found = run(changes(database, {"fine", "stamp"}, "DROP FUNCTION fine(int)", "DROP TRIGGER stamp ON one"))
    assert labels(found) == ["function public.fine(integer)", "trigger stamp ON public.one"]
    assert found.unkept == ()


def test_what_went_and_was_not_read_is_named(database: Database) -> None:
    database.run(MADE)
    found = run(changes(database, {"other"}, "DROP FUNCTION fine(int)", "ALTER TABLE one ALTER id SET DEFAULT 1"))
    assert found.kept == ()
    assert any("fine(integer)" in one for one in found.unkept)
    assert any("column id of table" in one for one in found.unkept)


def test_what_was_taken_back_is_nothing(database: Database) -> None:
    database.run(MADE)
    steps = ("SAVEPOINT s", "DROP FUNCTION fine()", "DROP TABLE one", "ROLLBACK TO s")
    found = run(changes(database, {"fine"}, *steps))
    assert (found.kept, found.unkept) == ((), ())


def test_what_was_read_and_then_changed_by_somebody_else_is_refused(database: Database) -> None:
    database.run(MADE)

    async def other(_: Agent) -> None:
        database.run("CREATE OR REPLACE FUNCTION fine() RETURNS int LANGUAGE sql AS 'SELECT 3'")

    with pytest.raises(Unguardable, match="changed by somebody else"):
        run(changes(database, {"fine"}, "DROP FUNCTION fine()", between=other))


def test_what_was_changed_in_the_transaction_before_it_was_read_is_refused(database: Database) -> None:
    database.run(MADE)

    async def unread() -> Changes:
        async with connected(database) as agent:
            for statement in ("BEGIN", "CREATE OR REPLACE FUNCTION fine() RETURNS int LANGUAGE sql AS 'SELECT 3'"):
                await agent.rows(statement)
            redefined = Redefined(agent, database)
            await redefined.read({"fine"})
            await agent.rows("DROP FUNCTION fine()")
            ((xid,),) = await agent.rows(ASSIGN)
            return await redefined.changes(int(xid or 0), (await state(agent)).next_multixact)

    with pytest.raises(Unguardable, match="changed"):
        run(unread())


LIES = (
    "CREATE SCHEMA lies",
    "CREATE FUNCTION lies.pg_get_functiondef(oid) RETURNS text LANGUAGE sql AS $$ SELECT 'SELECT 1' $$",
    "CREATE FUNCTION lies.pg_get_triggerdef(oid) RETURNS text LANGUAGE sql AS $$ SELECT 'SELECT 1' $$",
    "CREATE FUNCTION lies.md5(text) RETURNS text LANGUAGE sql AS $$ SELECT 'd41d8cd98f00b204e9800998ecf8427e' $$",
    "CREATE FUNCTION lies.set_config(text, text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT '' $$",
    "CREATE FUNCTION lies.same(oid, oid) RETURNS boolean LANGUAGE sql AS 'SELECT false'",
    "CREATE OPERATOR lies.= (LEFTARG = oid, RIGHTARG = oid, FUNCTION = lies.same)",
    "CREATE FUNCTION lies.format(text, VARIADIC text[]) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$",
    "CREATE TEMP TABLE pg_proc (LIKE pg_catalog.pg_proc)",
    "CREATE TEMP TABLE pg_trigger (LIKE pg_catalog.pg_trigger)",
    "SET datestyle = 'SQL, DMY'",
    "SET quote_all_identifiers = on",
    "SET search_path = lies, pg_temp, pg_catalog, public",
)


def test_a_session_that_lies_says_the_same_words(database: Database) -> None:
    database.run(MADE + f"GRANT CREATE, TEMP ON DATABASE {database.name} TO agent;")
    steps = ("DROP TRIGGER stamp ON public.one", "DROP FUNCTION public.fine()")
    honest = run(changes(database, {"fine", "stamp"}, *steps))
    lying = run(changes(database, {"fine", "stamp"}, *steps, before=LIES))
    said = [{one.what.label: (one.what.statements, one.after) for one in each.kept} for each in (honest, lying)]
    assert len(said[0]) == 2
    assert said[0] == said[1]
    assert "2001-02-03" in str(said[1])
    assert lying.unkept == ()
