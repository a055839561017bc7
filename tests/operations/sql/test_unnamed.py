"""What a read runs although no word of it says so, seen to happen on a real server: none of it is a proven read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from postgres import Server
from yett.operations.sql import queries, snapshot
from yett.operations.sql.cache import View
from yett.operations.sql.classify import classify
from yett.operations.sql.snapshot import Snapshot
from yett.operations.sql.statement import Statement, Way

PURGES = "LANGUAGE plpgsql AS $$BEGIN DELETE FROM public.victims; RETURN {}; END$$;"
WORLD = f"""
CREATE TABLE victims (id int PRIMARY KEY); INSERT INTO victims SELECT generate_series(1, 20);
CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t SELECT i, 't' || i FROM generate_series(1, 5) i;
CREATE SEQUENCE s;
CREATE FUNCTION purge() RETURNS int {PURGES.format(1)}
CREATE FUNCTION purge_bool(int) RETURNS bool {PURGES.format("true")}
CREATE FUNCTION purge_im(int) RETURNS int IMMUTABLE LANGUAGE plpgsql
  AS $$BEGIN PERFORM public.purge(); RETURN $1; END$$;
CREATE DOMAIN d AS int CHECK (purge_bool(VALUE));
CREATE TYPE so AS (n int); CREATE TABLE soft (s so); INSERT INTO soft VALUES (ROW(1));
CREATE TYPE en AS ENUM ('a', 'b'); CREATE TABLE kind (s en); INSERT INTO kind VALUES ('a');
CREATE DOMAIN e AS int; CREATE TABLE h (id int, a e); CREATE TABLE k (h h, ar e[]);
INSERT INTO k VALUES (ROW(1, 1), '{{1}}');
"""
"""Traps that the statements below spring; none of them is named by what springs it."""


def function(signature: str, result: str = "1", returns: str = "int") -> str:
    return f"CREATE FUNCTION {signature} RETURNS {returns} {PURGES.format(result)}"


def cast(of: str, to: str, result: str, how: str = "") -> str:
    return f"{function(f'pf({of})', result, to)} CREATE CAST ({of} AS {to}) WITH FUNCTION pf({of}) {how};"


def plpgsql(body: str, signature: str = "f() RETURNS int") -> str:
    return f"CREATE FUNCTION {signature} LANGUAGE plpgsql AS $${body}$$;"


LATER = "ALTER DOMAIN e ADD CHECK (purge_bool(VALUE)) NOT VALID;"
NEGATED = f"""
CREATE FUNCTION ok(int, int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1 > $2; END';
{function("bad(int, int)", "true", "bool")}
CREATE OPERATOR === (LEFTARG=int, RIGHTARG=int, FUNCTION=ok, NEGATOR= !===);
CREATE OPERATOR !=== (LEFTARG=int, RIGHTARG=int, FUNCTION=bad, NEGATOR= ===);"""
TWO_PATHS = f"""
CREATE SCHEMA evil; {function("evil.helper()")}
CREATE FUNCTION public.helper() RETURNS int LANGUAGE sql AS 'SELECT 1';"""
INDEXED = "CREATE TABLE ix (id int); CREATE INDEX ON ix ((id + purge_im(1)));"
STATISTICS = "CREATE TABLE m (a int); INSERT INTO m SELECT i % 3 FROM generate_series(1, 300) i; ANALYZE m;"
MAKES = {
    "atomic": "CREATE FUNCTION mk() RETURNS so LANGUAGE sql BEGIN ATOMIC SELECT ROW(1)::so; END;",
    "plpgsql": "CREATE FUNCTION mk() RETURNS so LANGUAGE plpgsql AS $$DECLARE r so; BEGIN r.n := 1; RETURN r; END$$;",
}
RECORD = """jsonb_to_record('{"a": 1}'::jsonb) AS x(a d)"""

CASES: dict[str, tuple[str, str | tuple[str, ...]]] = {
    # ---- EXPLAIN
    "explain execute": ("", ("PREPARE p(int) AS SELECT $1", "EXPLAIN EXECUTE p(purge())")),
    "explain execute: a number": ("", ("PREPARE p(bigint) AS SELECT $1", "EXPLAIN EXECUTE p(nextval('s'))")),
    "explain ctas execute": (
        "",
        ("PREPARE p(int) AS SELECT $1", "EXPLAIN CREATE TEMP TABLE zz AS EXECUTE p(purge())"),
    ),
    "explain: a literal": ("", "EXPLAIN SELECT '{1}'::d[]"),
    "explain: an argument": (
        "CREATE FUNCTION g(d[]) RETURNS int LANGUAGE sql AS 'SELECT 1';",
        "EXPLAIN SELECT g('{1}')",
    ),
    "explain: a column's literal": ("CREATE TABLE q (a d[]);", "EXPLAIN INSERT INTO q VALUES ('{1}')"),
    "explain: an estimate": (
        f"{function('bad(int, int)', 'true', 'bool')} {STATISTICS}"
        "CREATE OPERATOR === (LEFTARG=int, RIGHTARG=int, FUNCTION=bad, RESTRICT=eqsel);",
        "EXPLAIN SELECT * FROM m WHERE a === 1",
    ),
    "explain: a default argument": (
        "CREATE FUNCTION g(a int, b int DEFAULT purge_im(1)) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 1';",
        "EXPLAIN SELECT g(1)",
    ),
    "explain: a body that is taken apart": (
        "CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT purge_im(1)';",
        "EXPLAIN SELECT g(1)",
    ),
    "explain: an atomic one": (
        "CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql VOLATILE BEGIN ATOMIC SELECT purge_im(1); END;",
        "EXPLAIN SELECT g(1)",
    ),
    "explain: a default": ("CREATE TABLE q (a int DEFAULT purge_im(1));", "EXPLAIN INSERT INTO q DEFAULT VALUES"),
    "explain: a domain's default": (
        "CREATE DOMAIN dd AS int DEFAULT purge_im(1); CREATE TABLE q (a dd, b int);",
        "EXPLAIN INSERT INTO q (b) VALUES (1)",
    ),
    "explain: a rule": (
        "CREATE TABLE q (a int); CREATE RULE r AS ON INSERT TO q DO ALSO SELECT purge_im(1);",
        "EXPLAIN INSERT INTO q VALUES (1)",
    ),
    # ---- a dot is a call
    "dot: of a text column": (function("slug(text)", "'x'", "text"), "SELECT (v).slug FROM t"),
    "dot: of a cast": (function("slug(text)", "'x'", "text"), "SELECT ('a'::text).slug"),
    "dot: of a function's alias": (function("slug(text)", "'x'", "text"), "SELECT x.slug FROM unnest(ARRAY['a']) x"),
    "dot: of an array": (function("slug(int[])"), "SELECT (ARRAY[1]).slug"),
    "dot: by an implicit cast": (function("slug(bigint)"), "SELECT (id).slug FROM t"),
    "dot: with a default": (function("slug(bigint, x int DEFAULT 1)"), "SELECT (id).slug FROM t"),
    "dot: variadic": (function("pv(VARIADIC t[])"), "SELECT t.pv FROM t"),
    "dot: of rows": (function("pt(t[])"), "SELECT (array_agg(t)).pt FROM t"),
    # ---- names of bodies, as the server folds and ends them
    **{
        f"body: a name {how}": (
            f"{function(f'{name}()')} CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql"
            f" AS $$DECLARE r record := ROW({name}()); BEGIN RETURN 1; END$$;",
            "SELECT f()",
        )
        for how, name in {
            "beyond ASCII": "\u00dcx",
            "that folds to ASCII here": "\u212ax",
            "with a digit beyond ASCII": "\u0663x",
            "with a space beyond ASCII": "\u00a0x",
            "with quotes": '"""x"""',
        }.items()
    },
    # ---- declarations that libpg_query takes with other types only
    "declared: a domain": (
        plpgsql("DECLARE a d; b d; m en[]; BEGIN SELECT 1, 2 INTO a, b; RETURN 1; END"),
        "SELECT f()",
    ),
    "declared: of another schema": (
        "CREATE SCHEMA app; CREATE DOMAIN app.d2 AS int CHECK (purge_bool(VALUE));"
        + plpgsql("DECLARE a app.d2; BEGIN a := 1; RETURN 1; END"),
        "SELECT f()",
    ),
    "declared: an array": (plpgsql("DECLARE a d[]; BEGIN a[1] := 1; RETURN 1; END"), "SELECT f()"),
    "declared: a column's type": (
        "CREATE SCHEMA app; CREATE TABLE app.q (c d);"
        + plpgsql("DECLARE m en[]; a app.q.c%TYPE; BEGIN a := 1; RETURN 1; END"),
        "SELECT f()",
    ),
    "declared: a row's type": (
        "CREATE SCHEMA app; CREATE TABLE app.q (c d);"
        + plpgsql("DECLARE m en[]; a app.q%ROWTYPE; BEGIN a.c := 1; RETURN 1; END"),
        "SELECT f()",
    ),
    "declared: a default": (
        plpgsql("DECLARE m en[] := (CASE purge() WHEN 1 THEN '{a}' END)::en[]; BEGIN RETURN 1; END"),
        "SELECT f()",
    ),
    "declared: in an inner block": (
        plpgsql("BEGIN DECLARE m en[]; n int := purge(); BEGIN RETURN 1; END; END"),
        "SELECT f()",
    ),
    "declared: the result": (plpgsql("DECLARE m en[]; BEGIN RETURN 1; END", "f() RETURNS d"), "SELECT f()"),
    "declared: an argument": (
        plpgsql("DECLARE m en[]; BEGIN a := 1; RETURN; END", "f(OUT a d, OUT b int)"),
        "SELECT f()",
    ),
    "declared: and done": (plpgsql("DECLARE m en[]; BEGIN PERFORM purge(); RETURN 1; END"), "SELECT f()"),
    "declared: and done, by a name like a keyword": (
        "CREATE SCHEMA evil; CREATE VIEW evil.q AS SELECT purge() AS declare; CREATE VIEW q AS SELECT 1 AS declare;"
        + plpgsql("DECLARE m en[]; n int; BEGIN SELECT q.declare INTO n FROM evil.q q; RETURN 1; END"),
        "SELECT f()",
    ),
    "declared: and read, behind a word like a keyword": (
        "CREATE SCHEMA evil; CREATE VIEW evil.quiet AS SELECT purge() AS p; CREATE VIEW quiet AS SELECT 1 AS p;"
        + plpgsql("DECLARE m en[]; BEGIN PERFORM 1 AS declare FROM evil.quiet; RETURN 1; END"),
        "SELECT f()",
    ),
    # ---- search_path
    "path: of the caller": (
        TWO_PATHS + "CREATE FUNCTION b() RETURNS int LANGUAGE plpgsql AS $$BEGIN RETURN helper(); END$$;"
        "CREATE FUNCTION a() RETURNS int LANGUAGE plpgsql SET search_path = evil, public"
        " AS $$BEGIN RETURN public.b(); END$$;",
        "SELECT a()",
    ),
    "path: of the caller, behind a view": (
        TWO_PATHS + "CREATE FUNCTION b() RETURNS int LANGUAGE sql AS 'SELECT helper()'; CREATE VIEW vv AS SELECT b();"
        "CREATE FUNCTION a() RETURNS int LANGUAGE sql SET search_path = evil, public AS 'SELECT * FROM public.vv';",
        "SELECT a()",
    ),
    "path: given back": (
        "CREATE SCHEMA good; CREATE FUNCTION good.helper() RETURNS int LANGUAGE sql AS 'SELECT 1';"
        + function("public.helper()")
        + "CREATE FUNCTION a() RETURNS int LANGUAGE plpgsql SET search_path = good"
        " AS $$BEGIN RESET search_path; RETURN helper(); END$$;",
        "SELECT a()",
    ),
    # ---- what the planner folds
    "folded: an index": (INDEXED, "SELECT * FROM ix"),
    "folded: its condition": (
        "CREATE TABLE ix (id int); CREATE INDEX ON ix (id) WHERE purge_im(1) > id;",
        "SELECT * FROM ix WHERE id = 1",
    ),
    "folded: an index behind a view": (
        "CREATE TABLE ix (id int); CREATE VIEW vv AS SELECT * FROM ix; CREATE INDEX ON ix ((id + purge_im(1)));",
        "SELECT * FROM vv",
    ),
    "folded: explained": (
        "CREATE TABLE ix (id int); CREATE INDEX ON ix ((id + purge_im(1)));",
        "EXPLAIN SELECT * FROM ix",
    ),
    "folded: a check": (
        "CREATE TABLE ix (id int CHECK (id < 100 + purge_im(1)));",
        ("SET constraint_exclusion = on", "SELECT * FROM ix WHERE id > 500"),
    ),
    "folded: an heir's check": (
        "CREATE TABLE ix (id int); CREATE TABLE iy (CHECK (id < 100 + purge_im(1))) INHERITS (ix);",
        "SELECT * FROM ix WHERE id > 500",
    ),
    "folded: statistics": (
        "CREATE TABLE ix (id int, n int); CREATE STATISTICS st ON (id + purge_im(1)), n FROM ix;"
        "INSERT INTO ix VALUES (1, 1), (2, 2); ANALYZE ix; INSERT INTO victims VALUES (1) ON CONFLICT DO NOTHING;",
        "SELECT * FROM ix WHERE id > 500",
    ),
    "folded: a partition's key": (
        "CREATE TABLE ix (id int) PARTITION BY RANGE ((id + purge_im(1)));"
        "CREATE TABLE ix1 PARTITION OF ix FOR VALUES FROM (0) TO (100);",
        "SELECT * FROM ix WHERE id > 500",
    ),
    # ---- a constant becomes one of the column's type
    "constant: an array": (LATER, "SELECT * FROM k WHERE ar = '{5}'"),
    "constant: joined on": (LATER, "SELECT ar || '{5}' FROM k"),
    "constant: a row": (LATER, "SELECT coalesce(h, '(1,2)') FROM k"),
    "constant: in a body": (
        LATER + "CREATE FUNCTION f(p anyelement) RETURNS anyelement LANGUAGE plpgsql"
        " AS $$BEGIN p := '(1,2)'; RETURN p; END$$;",
        "SELECT f(h) FROM k",
    ),
    # ---- casts
    "cast: of an atomic call": (MAKES["atomic"] + cast("so", "int", "1", "AS IMPLICIT"), "SELECT abs(mk())"),
    "cast: of a call": (MAKES["plpgsql"] + cast("so", "int", "1", "AS IMPLICIT"), "SELECT abs(mk())"),
    "cast: onto json": (
        "CREATE FUNCTION me() RETURNS en LANGUAGE plpgsql AS $$BEGIN RETURN 'a'; END$$;"
        + cast("en", "json", "'1'::json"),
        "SELECT to_json(me())",
    ),
    "cast: between built-in types": (cast("timestamptz", "int", "1", "AS IMPLICIT"), "SELECT int4abs(now())"),
    "cast: quoted": (cast("en", "text", "'1'"), "SELECT quote_literal(s) FROM kind"),
    "cast: appended": (cast("en", "text", "'1'"), "SELECT s || 'x' FROM kind"),
    "cast: onto a domain's base": (cast("so", "int", "1") + "CREATE DOMAIN mi AS int;", "SELECT s::mi FROM soft"),
    "cast: onto a row's column": (cast("so", "int", "1") + "CREATE TYPE mc AS (a int);", "SELECT ROW(s)::mc FROM soft"),
    "cast: onto an array's element": (cast("so", "int", "1"), "SELECT array_agg(s)::_int4 FROM soft"),
    "cast: onto an array of domains": (
        cast("so", "int", "1") + "CREATE DOMAIN mi AS int;",
        "SELECT ARRAY[s]::mi[] FROM soft",
    ),
    # ---- operators
    "operator: not": (NEGATED, "SELECT * FROM t WHERE NOT (id === 3)"),
    "operator: not any": (NEGATED, "SELECT * FROM t WHERE NOT (id === ANY (ARRAY[3, 4]))"),
    "operator: in a view": (
        NEGATED + "CREATE VIEW nv AS SELECT * FROM t WHERE NOT (id === 3);",
        "SELECT * FROM nv",
    ),
    # ---- types in stored trees
    "stored: a record's columns": (f"CREATE VIEW vx AS SELECT x.a + 1 AS b FROM {RECORD};", "SELECT * FROM vx"),
    "stored: in an atomic body": (
        f"CREATE FUNCTION ff() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT x.a + 1 FROM {RECORD}; END;",
        "SELECT ff()",
    ),
}
ON_18 = {
    "stored: json_table": (
        "CREATE VIEW vx AS SELECT x.a + 1 AS b"
        """ FROM JSON_TABLE('{"a": 1}'::jsonb, '$' COLUMNS (a d PATH '$.a')) AS x;""",
        "SELECT * FROM vx",
    ),
    "stored: json_value": (
        """CREATE VIEW vx AS SELECT JSON_VALUE('{"a": 1}'::jsonb, '$.a' RETURNING d) + 1 AS b;""",
        "SELECT * FROM vx",
    ),
}
ON_15 = {
    f"older: {call}": (function(signature), f"SELECT {call}")
    for signature, call in (
        ("json_value(jsonb, text)", "json_value('{}'::jsonb, '$.a')"),
        ("json_query(jsonb, text)", "json_query('{}'::jsonb, '$.a')"),
        ("json_exists(jsonb, text)", "json_exists('{}'::jsonb, '$.a')"),
        ("json_scalar(int)", "json_scalar(1)"),
        ("json_serialize(text)", "json_serialize('1'::text)"),
        ("json_array(int, int)", "json_array(1, 2)"),
        ("json(text)", "json('1'::text)"),
        ("json_object(int)", "json_object(1)"),
        ("merge_action()", "merge_action()"),
    )
}


@pytest.fixture(scope="module")
def world(each_postgres: Server) -> Iterator[psycopg.Connection[Any]]:
    url = each_postgres.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(WORLD)  # type: ignore[call-overload]
        yield connection


def snapshot_of(connection: psycopg.Connection[Any]) -> Snapshot:
    connection.execute("SET LOCAL search_path = ''")
    rows = {name: connection.execute(query).fetchall() for name, query in queries.QUERIES.items()}  # type: ignore[call-overload]
    connection.execute("SET LOCAL search_path = public")
    return snapshot.from_rows(rows, version=0, search_path=("public",), longest_ms=60_000)


def state(connection: psycopg.Connection[Any]) -> list[Any]:
    return connection.execute("SELECT count(*), (SELECT (last_value, is_called) FROM s) FROM victims").fetchall()


def read_and_run(connection: psycopg.Connection[Any], setup: str, texts: str | tuple[str, ...]) -> list[Statement]:
    """What the texts are said to do; and that they really do something, all in a transaction that is rolled back."""
    found: list[Statement] = []
    prepared: dict[str, Statement] = {}
    with connection.transaction(force_rollback=True):
        connection.execute(setup)  # type: ignore[call-overload]
        catalog, before = snapshot_of(connection), state(connection)
        for text in (texts,) if isinstance(texts, str) else texts:
            found += classify(text.encode(), catalog, prepared)
            prepared |= {one.prepares: one for one in found if one.prepares}
            connection.execute(text)  # type: ignore[call-overload]
        assert state(connection) != before, "the trap was not sprung"
    connection.execute("DEALLOCATE ALL; SELECT setval('s', 1, false)")
    return found


def read_and_run_anew(server: Server, setup: str, texts: str | tuple[str, ...]) -> list[Statement]:
    """On a connection that has not opened anything yet: a server folds what belongs to a relation once."""
    url = server.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(WORLD + setup)  # type: ignore[call-overload]
        connection.execute("INSERT INTO victims SELECT generate_series(1, 20) ON CONFLICT DO NOTHING")
    with psycopg.connect(url, autocommit=True) as connection:
        return read_and_run(connection, "", texts)


def versions(connection: psycopg.Connection[Any]) -> int:
    return connection.info.server_version // 10_000


@pytest.mark.parametrize("case", [*CASES, *ON_15, *ON_18])
def test_what_a_read_runs_unsaid_is_no_proven_read(
    world: psycopg.Connection[Any], each_postgres: Server, case: str
) -> None:
    if (case in ON_15 and versions(world) != 15) or (case in ON_18 and versions(world) != 18):
        return
    setup, texts = (CASES | ON_15 | ON_18)[case]
    if case.startswith("folded"):
        found = read_and_run_anew(each_postgres, setup, texts)
    else:
        found = read_and_run(world, setup, texts)
    assert any(one.way is not Way.PASS for one in found), found


HARMLESS = """
CREATE TYPE addr AS (street text, zip int); CREATE DOMAIN mail AS text CHECK (VALUE ~ '^[^@]+@[^@]+$');
CREATE FUNCTION slug(t text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN lower(t); END$$;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN DELETE FROM victims; RETURN NEW; END$$;
CREATE TABLE things (id bigserial PRIMARY KEY, m mail, a addr, title text, n int DEFAULT 0 CHECK (n >= 0), tags text[],
  at timestamptz DEFAULT now());
CREATE INDEX ON things (slug(title)); CREATE INDEX ON things (lower(title)) WHERE n > 3;
CREATE TRIGGER tr BEFORE INSERT OR UPDATE ON things FOR EACH ROW EXECUTE FUNCTION noted();
CREATE VIEW named AS SELECT id, slug(title) FROM things;
CREATE FUNCTION pure() RETURNS int LANGUAGE sql SET search_path = public AS 'SELECT count(*)::int FROM things';
CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('sad', 'glad'); CREATE TABLE app.people (id int, m app.mood, a addr);
CREATE FUNCTION declared(a app.mood DEFAULT 'sad', VARIADIC b mail[] DEFAULT '{}') RETURNS SETOF app.people
  LANGUAGE plpgsql STABLE SET search_path = '' AS $$
  DECLARE x app.mood; y app.mood := 'glad'::app.mood; z app.mood[] = ARRAY[]::app.mood[]; p app.people%ROWTYPE;
    i CONSTANT app.people.id%TYPE NOT NULL DEFAULT 3; n numeric(10, 2); s public.addr;
  BEGIN
    SELECT m, m INTO x, y FROM app.people WHERE id = i; s.street := 'x'; z[1] := y;
    DECLARE w app.mood; BEGIN FOREACH w IN ARRAY z LOOP GET DIAGNOSTICS n = ROW_COUNT; END LOOP; END;
    FOR p IN SELECT * FROM app.people WHERE m = y LOOP RETURN NEXT p; END LOOP;
  END$$;
CREATE FUNCTION tabled() RETURNS TABLE (x app.mood, y mail[], z double precision) LANGUAGE plpgsql STABLE AS $$
  BEGIN SELECT m, '{}'::mail[] INTO x, y FROM app.people; RETURN NEXT; END$$;
"""


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM things",
        "SELECT (a).street, t.title FROM things t WHERE m = 'a@b' AND NOT (title LIKE '%x')",
        "SELECT * FROM named",
        "SELECT u.id, u.version, u.count, u.date FROM (SELECT 1 id, 2 AS version, 3 AS count, 4 AS date) u",
        "SELECT json_build_object('a', title), to_jsonb(t), quote_literal(title) || 'x' FROM things t",
        "SELECT x::mail FROM (SELECT 'a@b' x) y",
        "SELECT pure()",
        "SELECT * FROM declared('sad')",
        "SELECT * FROM tabled()",
        "EXPLAIN INSERT INTO things (title) VALUES ('a')",
        "EXPLAIN UPDATE things SET n = 1",
        "EXPLAIN SELECT purge()",
    ],
)
def test_ordinary_reads_pass_beside_all_that(world: psycopg.Connection[Any], text: str) -> None:
    with world.transaction(force_rollback=True):
        world.execute(HARMLESS)  # type: ignore[call-overload]
        (statement,) = classify(text.encode(), snapshot_of(world), {})
    assert statement.way is Way.PASS, statement.reasons


def test_a_number_that_names_another_type_is_no_number(world: psycopg.Connection[Any]) -> None:
    """FLOAT(1) is float4, FLOAT(53) is float8: the second has a cast that purges."""
    with world.transaction(force_rollback=True):
        world.execute(cast("so", "float8", "1"))  # type: ignore[call-overload]
        world.execute("CREATE FUNCTION p4(so) RETURNS float4 LANGUAGE sql AS 'SELECT 1::float4'")
        world.execute("CREATE CAST (so AS float4) WITH FUNCTION p4(so)")
        view = View(snapshot_of(world), 1 << 20)
        ways = [view.classify(b"SELECT s::float(%d) FROM soft" % n, {})[0].way for n in (1, 53)]
    assert ways[1] is not Way.PASS
