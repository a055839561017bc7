"""The attacks of findings 3.1 to 3.3 by name, and those that were thought of since."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from postgres import Server
from yett.model.effects import Effect
from yett.operations.sql.cache import Cache
from yett.operations.sql.classify import classify
from yett.operations.sql.snapshot import Snapshot
from yett.operations.sql.statement import Statement, Touched, Verb, Way

from .conftest import load

One = Callable[[str], Statement]


@pytest.mark.parametrize(
    ("mild", "harmful"),
    [
        ("SET ROLE none", "SET ROLE postgres"),
        ("SET search_path = public", "SET search_path = traps"),
        ("SET standard_conforming_strings = on", "SET standard_conforming_strings = off"),
        ("BEGIN READ ONLY", "PREPARE TRANSACTION 'a'"),
        ("DO $$begin null; end$$", "DO $$begin execute 'drop table users'; end$$"),
        ("SELECT query_to_xml('select 1',true,true,'')", "SELECT query_to_xml('delete from users',true,true,'')"),
        ("SELECT set_config('work_mem','1MB',true)", "SELECT set_config('role','postgres',true)"),
        ("SELECT set_config('work_mem','1',true)", "SELECT set_config('role','1',true)"),
        ("SELECT nextval('numbers')", "SELECT setval('numbers', 1)"),
        ("EXPLAIN (ANALYZE 0) DELETE FROM plain WHERE id = 1", "EXPLAIN (ANALYZE 1) DELETE FROM plain WHERE id = 1"),
        ("DELETE FROM plain WHERE id = 1", "DELETE FROM plain WHERE 1 = 1"),
        ("DELETE FROM plain WHERE id = 1 AND v + 1 = v + 2", "DELETE FROM plain WHERE v + 1 = v + 1"),
        ("SET statement_timeout = 5", "SET statement_timeout = 0"),
    ],
)
def test_texts_that_share_a_fingerprint_share_no_verdict(mild: str, harmful: str, catalog: Snapshot) -> None:
    alone = classify(harmful.encode(), catalog, {})
    view = Cache().view(catalog)
    view.classify(mild.encode(), {})
    assert view.classify(harmful.encode(), {}) == alone
    assert view.classify(mild.encode(), {}) != alone


def test_a_string_that_another_syntax_would_end_is_one_statement(catalog: Snapshot) -> None:
    """Findings 3.2: with standard_conforming_strings off, the server would run the DELETE."""
    (statement,) = classify(rb"select '\' as a, '; delete from victim; -- '", catalog, {})
    assert statement.way is Way.PASS
    assert "delete" not in statement.redacted


@pytest.mark.parametrize(
    "sql",
    [
        "SET standard_conforming_strings = off",
        'SET "STANDARD_CONFORMING_STRINGS" = off',
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "SELECT set_config('Standard_Conforming_Strings', 'off', false)",
        "SELECT set_config(is_local => false, setting_name => 'role', new_value => 'x')",
        "SELECT set_config('standard_' || 'conforming_strings', 'off', false)",
        "SELECT set_config(VARIADIC array['role', 'x', 'true'])",
        "UPDATE pg_settings SET setting = 'off' WHERE name = 'standard_conforming_strings'",
        "UPDATE pg_catalog.pg_settings SET setting = 'off'",
        "DO $$begin set standard_conforming_strings = off; end$$",
        "SELECT pins_off()",
        "SELECT sets_role()",
        "ALTER ROLE postgres SET standard_conforming_strings = off",
        "ALTER DATABASE x SET client_encoding = 'SJIS'",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET backslash_quote = on AS 'select 1'",
    ],
)
def test_nothing_moves_a_setting_that_text_is_read_by(sql: str, one: One) -> None:
    assert one(sql).way in (Way.REFUSE, Way.ASK)


def test_a_delete_in_a_cte_is_a_delete(one: One) -> None:
    statement = one("with d as (delete from orders where id = 1 returning *) select count(*) from d")
    assert (statement.tag, statement.way, statement.effect) == ("SELECT", Way.GUARD, Effect.DELETE)
    assert {touched.name for touched in statement.touched} == {"orders", "items"}


def test_a_cte_hides_a_relation_only_where_it_is_seen(one: One) -> None:
    assert one("with evil_view as (select 1) select * from evil_view").way is Way.PASS
    assert one("select * from evil_view, (with evil_view as (select 1) select * from evil_view) x").way is Way.ASK
    assert one("with a as (select * from evil_view), evil_view as (select 1) select * from a").way is Way.ASK
    assert one("with recursive a as (select * from evil_view), evil_view as (select 1) select * from a").way is Way.PASS
    assert one("with plain as (select 1 as id) delete from plain where id = 1").effect is Effect.DELETE
    assert one("with evil_view as (select 1) select * from public.evil_view").way is Way.ASK


def test_cascades_triggers_and_rules_are_touched(one: One) -> None:
    def written(sql: str) -> set[tuple[str, str]]:
        return {(t.name, t.verb.value) for t in one(sql).touched if t.verb is not Verb.READ}

    assert written("delete from users where id = 1") == {("users", "delete"), ("orders", "delete"), ("items", "update")}
    assert written("insert into audited values (1)") == {("audited", "insert"), ("log", "insert")}
    assert {("ruled", "insert"), ("victim", "delete")} <= written("insert into ruled values (1)")
    assert written("update parted set id = 2 where id = 1") == {("parted", "update"), ("parted_1", "update")}
    assert ("users", "update") in written("update names set id = 2 where id = 1")
    assert written("truncate users cascade") == {(n, "truncate") for n in ("users", "orders", "items")}
    assert {("parted", "drop"), ("parted_1", "drop")} <= written("drop table parted")


def test_views_lead_to_their_tables(one: One) -> None:
    reads = {touched.name for touched in one("select * from names_of_names").touched}
    assert reads == {"names_of_names", "names", "users"}


def test_an_unknown_relation_is_asked_about_and_told(one: One) -> None:
    statement = one("delete from app.nothing where id = 1")
    assert statement.way is Way.ASK
    assert Touched(0, "app", "nothing", Verb.DELETE) in statement.touched


@pytest.mark.parametrize(
    "sql",
    ["select upper(name) from users", "select name like 'x' from users", "select * from users where name ~~ 'x'"],
)
def test_an_overload_on_the_path_counts(sql: str, one: One, database: str) -> None:
    assert one(sql).way is Way.PASS
    with_traps = load(database, ("public", "traps"))
    assert classify(sql.encode(), with_traps, {})[0].way is Way.ASK


@pytest.fixture
def own(each_postgres: Server) -> psycopg.Connection:
    return psycopg.connect(each_postgres.database(), autocommit=True)


EVIL = "LANGUAGE plpgsql AS $$begin execute 'x'; end$$"


@pytest.mark.parametrize(
    ("planted", "sql"),
    [
        (
            "CREATE TYPE c AS (a int); CREATE FUNCTION f(c) RETURNS text IMMUTABLE {evil};"
            "CREATE CAST (c AS text) WITH FUNCTION f(c) AS IMPLICIT; CREATE TABLE t (v c)",
            "select length(v) from t",
        ),
        (
            "CREATE TYPE c AS (a int); CREATE FUNCTION f(c) RETURNS json IMMUTABLE {evil};"
            "CREATE CAST (c AS json) WITH FUNCTION f(c); CREATE TABLE t (v c)",
            "select to_json(v) from t",
        ),
        (
            "CREATE TYPE c AS (a int); CREATE FUNCTION f(c) RETURNS int IMMUTABLE {evil};"
            "CREATE CAST (c AS int) WITH FUNCTION f(c) AS ASSIGNMENT; CREATE TABLE t (v c); CREATE TABLE n (i int)",
            "insert into n select v from t",
        ),
        (
            "CREATE TYPE e AS ENUM ('a'); CREATE FUNCTION f(e, e) RETURNS boolean {evil};"
            "CREATE OPERATOR = (leftarg = e, rightarg = e, function = f); CREATE TABLE t (v e); CREATE TABLE n (v e)",
            "select * from t join n using (v)",
        ),
        (
            "CREATE TYPE e AS ENUM ('a'); CREATE FUNCTION f(e, e) RETURNS boolean {evil};"
            "CREATE OPERATOR >= (leftarg = e, rightarg = e, function = f); CREATE TABLE t (v e)",
            "select * from t where v between v and v",
        ),
        (
            "CREATE TYPE e AS ENUM ('a'); CREATE FUNCTION f(e, e) RETURNS boolean {evil};"
            "CREATE OPERATOR = (leftarg = e, rightarg = e, function = f); CREATE TABLE t (v e)",
            "select case v when v then 1 end from t",
        ),
        (
            "CREATE FUNCTION f(int) RETURNS int IMMUTABLE {evil};"
            "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (f(a)) STORED)",
            "insert into t (a) values (1)",
        ),
        ("CREATE FUNCTION f(int) RETURNS int IMMUTABLE {evil}; CREATE TABLE t (a int); CREATE INDEX ON t (f(a))",) * 1
        + ("insert into t values (1)",),
        (
            "CREATE FUNCTION f(int) RETURNS boolean {evil}; CREATE TABLE t (a int CHECK (f(a)))",
            "update t set a = 1 where a = 2",
        ),
        (
            "CREATE FUNCTION g() RETURNS trigger {evil}; CREATE TABLE t (a int) PARTITION BY LIST (a);"
            "CREATE TABLE p PARTITION OF t FOR VALUES IN (1);"
            "CREATE TRIGGER r AFTER DELETE ON p FOR EACH ROW EXECUTE FUNCTION g()",
            "update t set a = 1 where a = 2",
        ),
        (
            "CREATE FUNCTION f(int) RETURNS boolean {evil}; CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql"
            " AS $$begin return new; end$$; CREATE TABLE t (a int);"
            "CREATE TRIGGER r BEFORE INSERT ON t FOR EACH ROW WHEN (f(new.a)) EXECUTE FUNCTION g()",
            "insert into t values (1)",
        ),
        (
            "CREATE FUNCTION f() RETURNS int {evil}; CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t;"
            "CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$begin perform f(); return new; end$$;"
            "CREATE TRIGGER r INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION g()",
            "insert into v values (1)",
        ),
        (
            "CREATE FUNCTION f(int) RETURNS int {evil}; CREATE FUNCTION a(int) RETURNS int BEGIN ATOMIC"
            " SELECT f($1); END",
            "select a(1)",
        ),
        (
            "CREATE FUNCTION f(int) RETURNS int {evil};"
            "CREATE FUNCTION h(int) RETURNS int LANGUAGE sql IMMUTABLE AS $q$select f($1)$q$",
            "select 1 from pg_class where h(1) = 1",
        ),
        (
            "CREATE SCHEMA s; CREATE FUNCTION s.lower(text) RETURNS text {evil}; CREATE FUNCTION h(text) RETURNS text"
            " LANGUAGE sql SET search_path = s, pg_catalog AS $q$select lower($1)$q$",
            "select h('x')",
        ),
        ("CREATE FUNCTION f(VARIADIC int[]) RETURNS int {evil}", "select f(1, 2, 3)"),
        ("CREATE FUNCTION f(int) RETURNS boolean {evil}; CREATE DOMAIN d AS int[] CHECK (f(value[1]))",) * 1
        + ("select '{1}'::d",),
        (
            "CREATE FUNCTION f(int) RETURNS boolean {evil}; CREATE DOMAIN d AS int CHECK (f(value));"
            "CREATE FUNCTION takes(d) RETURNS int LANGUAGE sql AS 'select 1'",
            "select takes('1')",
        ),
        (
            "CREATE FUNCTION f(int) RETURNS boolean {evil}; CREATE DOMAIN d AS int CHECK (f(value));"
            "CREATE TYPE c AS (a d[])",
            "select '(\"{1}\")'::c",
        ),
        ("CREATE SCHEMA s; CREATE FUNCTION s.f() RETURNS int {evil}", "select s.f()"),
        (
            "CREATE FUNCTION f(int) RETURNS boolean {evil}; CREATE DOMAIN d AS int CHECK (f(value));"
            "CREATE FUNCTION d(boolean) RETURNS int LANGUAGE sql AS 'select 1'",
            "select d(1)",
        ),
        ('CREATE FUNCTION "F"() RETURNS int {evil}', 'select "F"()'),
        ("CREATE FUNCTION f() RETURNS int {evil}", 'select U&"\\0066"()'),
        (
            "CREATE FUNCTION f() RETURNS event_trigger {evil};"
            "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()",
            "create temp table mine (id int)",
        ),
        (
            "CREATE FUNCTION f() RETURNS event_trigger {evil};"
            "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()",
            "select 1 as a into temp mine",
        ),
        (
            "CREATE FUNCTION f(int) RETURNS boolean {evil}; CREATE DOMAIN d AS int CHECK (f(value));"
            "CREATE TABLE t (v d)",
            "create temp table mine as select v from t",
        ),
        (
            "CREATE PROCEDURE f(a int, b int) LANGUAGE sql AS 'select 1'; CREATE PROCEDURE f(a int, OUT b text) {evil}",
            "call f(1, null)",
        ),
        (
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w; CREATE TABLE t (a int)"
            " PARTITION BY LIST (a); CREATE FOREIGN TABLE f PARTITION OF t FOR VALUES IN (1) SERVER s",
            "select * from t",
        ),
        (
            "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;"
            "CREATE FOREIGN TABLE t (a int) SERVER s",
            "insert into t values (1)",
        ),
        (
            "CREATE TYPE c AS ENUM ('a'); CREATE FUNCTION f(c, c) RETURNS double precision IMMUTABLE {evil};"
            "CREATE TYPE r AS RANGE (subtype = c, subtype_diff = f); CREATE TABLE t (v r)",
            "insert into t values ('[a,a]')",
        ),
        (
            "CREATE FUNCTION f(int) RETURNS int IMMUTABLE {evil}; CREATE TABLE t (a int);"
            "CREATE STATISTICS st ON (f(a)) FROM t",
            "analyze t",
        ),
        (
            "CREATE FUNCTION f() RETURNS int {evil};"
            'CREATE FUNCTION g() RETURNS int LANGUAGE plpgsql AS $$declare r record := U&"\\0066"(); begin end$$',
            "select g()",
        ),
    ],
)
def test_planted_code_is_found_wherever_it_runs(planted: str, sql: str, own: psycopg.Connection) -> None:
    own.execute(planted.replace("{evil}", EVIL))  # type: ignore[call-overload]
    assert own.execute("SELECT 1").fetchone() == (1,)
    (statement,) = classify(sql.encode(), load(own.info.dsn + " password=''"), {})
    own.close()
    assert statement.way is Way.ASK, statement
    assert statement.effect is Effect.UNKNOWN


def test_a_temporary_table_of_the_session_is_its_own(catalog: Snapshot) -> None:
    def way(sql: str, names: Snapshot) -> Way:
        return classify(sql.encode(), names, {})[0].way

    mine = catalog.with_temporary({"mine", "users"})
    assert way("insert into mine values (1)", catalog) is Way.ASK
    assert way("insert into mine values (1)", mine) is Way.PASS
    assert way("delete from mine", mine) is Way.PASS
    assert way("select * from pg_temp.mine", mine) is Way.PASS
    assert way("insert into mine values (boom(1))", mine) is Way.ASK
    assert way("delete from users where id = 1", mine) is Way.GUARD, "a name that a real table has may mean that"
    assert way("create view v as select * from mine", mine) is Way.REFUSE


def test_what_runs_beside_a_temporary_table_counts(own: psycopg.Connection) -> None:
    own.execute(
        "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$begin execute 'x'; end$$;"
        "CREATE TEMP TABLE mine (a int);"
        "CREATE TRIGGER r BEFORE INSERT ON mine FOR EACH ROW EXECUTE FUNCTION f(); CREATE TEMP TABLE calm (a int)"
    )
    names = load(own.info.dsn + " password=''").with_temporary({"mine", "calm"})
    own.close()
    assert classify(b"insert into mine values (1)", names, {})[0].way is Way.ASK
    assert classify(b"insert into calm values (1)", names, {})[0].way is Way.PASS


def test_each_statement_of_a_text_is_judged(catalog: Snapshot) -> None:
    text = b"begin; select 1;; delete from plain where id = 1; commit and chain; -- end"
    ways = [(s.text, s.tag, s.way, s.chain) for s in classify(text, catalog, {})]
    assert ways == [
        ("begin", "BEGIN", Way.PASS, False),
        ("select 1", "SELECT", Way.PASS, False),
        ("delete from plain where id = 1", "DELETE", Way.GUARD, False),
        ("commit and chain", "COMMIT", Way.PASS, True),
    ]
    assert classify(b" ; -- nothing\n /* */ ;", catalog, {}) == ()
