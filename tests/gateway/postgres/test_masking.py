"""A masked value reaches no client, however it is asked for, as long as it is asked for and not inferred."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import ClientCursor

from postgres import Server
from postgres_versions import VERSIONS, binaries, servers
from yett.gateway.postgres.catalog import load
from yett.gateway.postgres.masks import masking
from yett.gateway.postgres.masks.masked_answers import MaskedAnswers
from yett.gateway.postgres.masks.masking import Masks, Unmaskable
from yett.gateway.postgres.masks.touching import SETTLED, Touch, Unsettled, touch, unsettled
from yett.operations.sql.classify import Unreadable, behind_calls, classify
from yett.operations.sql.mentions import mentions
from yett.operations.sql.snapshot import Snapshot
from yett.providers.postgres import own as own_connection
from yett.providers.postgres.dump import Address
from yett.providers.postgres.grants import masked_columns
from yett.providers.postgres.scope import Table

from .masking_relay import SYNC, Raw, Relay, bind, describe, execute, parse, query, relaying

__all__ = ["servers"]

MADE = """
CREATE TABLE users (id serial PRIMARY KEY, name text, email varchar(60), salary int, at timestamptz, extra jsonb);
INSERT INTO users (name, email, salary, at, extra)
  SELECT 'n' || i, 'hush-' || i || '@x', 987650000 + i, '1999-09-09Z', '{"k": "hush"}' FROM generate_series(1, 5) i;
CREATE TABLE orders (id int, note text); INSERT INTO orders VALUES (1, 'plain');
CREATE VIEW whole AS SELECT * FROM users;
CREATE VIEW behind AS SELECT id, email AS address FROM whole;
CREATE MATERIALIZED VIEW copied AS SELECT email FROM users;
CREATE FUNCTION addresses() RETURNS SETOF text LANGUAGE sql STABLE AS 'SELECT email FROM users';
CREATE TABLE grown (more int) INHERITS (users); INSERT INTO grown (email, salary) VALUES ('hush-heir', 987650009);
ANALYZE users;
"""

MASKED = frozenset({"email", "salary", "extra"})

SHAPES = (
    "SELECT email FROM users",
    "SELECT email AS name, salary AS id FROM users",
    "SELECT * FROM users",
    "SELECT u.* FROM users u",
    "SELECT t.b, t.c, t.d FROM users AS t (a, b, c, d)",
    "WITH u AS (SELECT email FROM users) SELECT * FROM u",
    "SELECT * FROM (SELECT email, salary FROM users OFFSET 0) s",
    "SELECT DISTINCT email FROM users",
    "SELECT email::text FROM users",
    "SELECT (u).email FROM users u",
    "UPDATE users SET name = 'x' WHERE id = 1 RETURNING email, salary",
    "UPDATE users SET name = 'x' WHERE id = 1 RETURNING *",
    "INSERT INTO users (name, email) SELECT 'c', email FROM users WHERE id = 1 RETURNING email",
    "DELETE FROM users WHERE id = 5 RETURNING email",
    "SELECT * FROM whole",
    "SELECT address FROM behind",
    "SELECT * FROM copied",
    "SELECT * FROM grown",
    "SELECT email FROM ONLY grown",
    "SELECT email || '' FROM users",
    "SELECT email::varchar(90), salary::bigint, salary::text FROM users",
    "SELECT row_to_json(u) FROM users u",
    "SELECT u FROM users u",
    "SELECT max(email), min(salary) FROM users",
    "SELECT email FROM users UNION SELECT note FROM orders",
    "SELECT addresses()",
    "SELECT * FROM addresses()",
    "SELECT coalesce(email, 'x') FROM users",
    "SELECT unnest(array_agg(email)) FROM users",
    "SELECT CASE WHEN true THEN email END FROM users",
    "SELECT id, (SELECT email FROM users LIMIT 1) FROM orders",
    "SELECT o.id, u.email FROM orders o LEFT JOIN LATERAL (SELECT email FROM users LIMIT 1) u ON true",
    "SELECT first_value(email) OVER () FROM users",
    "SELECT json_agg(u) FROM users u",
    "SELECT string_agg(email, ',') FROM users",
    "SELECT extra->>'k', extra FROM users",
    "SELECT ARRAY(SELECT email FROM users)",
    "SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename = 'users'",
    "SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'users'",
    "SELECT email::int FROM users",
    "SELECT 1 / (salary - salary), email FROM users",
    "INSERT INTO users (id, email) SELECT id, email FROM users",
    "TABLE users",
    "VALUES ((SELECT email FROM users LIMIT 1))",
    "SELECT query_to_xml('SELECT email FROM users', true, true, '')",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT email FROM users WHERE email = (SELECT max(email) FROM users)",
)


TRICKS = (
    "SELECT lower(t.b), t.d::bigint FROM users AS t (a, b, c, d)",
    "SELECT t.name || '' FROM users AS t (id, at, name)",
    "SELECT j.x || '' FROM (users CROSS JOIN orders) AS j (a, b, x)",
    "SELECT u.row_to_json FROM users u",
    "SELECT users.to_json FROM users",
    "SELECT public.users FROM users",
    "SELECT (u).* FROM users u UNION SELECT * FROM users",
    "SELECT x.e || '' FROM (SELECT * FROM users) x (i, n, e)",
    "SELECT * FROM users UNION ALL SELECT * FROM users",
    "SELECT * FROM users a FULL JOIN users b USING (email)",
    "SELECT * FROM users a NATURAL FULL JOIN users b",
    "SELECT lower(q.a) FROM (TABLE users) q (i, n, a)",
    "WITH t (a, b, c) AS (TABLE users) SELECT c || '' FROM t",
    "WITH t AS (DELETE FROM users RETURNING *) SELECT t FROM t",
    "SELECT count(users.*), max(ROW(u.*)::text) FROM users, users u",
    "SELECT addresses(), count(*) FROM users GROUP BY 1",
    "SELECT lower(addresses()) FROM users",
    "SELECT 1 FROM users WHERE salary / 0 > 1 AND email::int > 3",
    "SELECT id FROM users WHERE email::int > 3",
    "UPDATE users SET name = lower(email) RETURNING name || ''",
    "UPDATE users SET id = 2 WHERE id = 1 RETURNING id + 1",
    "UPDATE users SET id = NULL WHERE id = 1",
    "INSERT INTO users (id, name) SELECT id, name || '' FROM users RETURNING concat(name, email)",
    "INSERT INTO users (id) VALUES (1) ON CONFLICT (id) DO UPDATE SET name = 'x' RETURNING lower(users.email)",
    "MERGE INTO orders o USING users u ON o.id = u.id WHEN MATCHED THEN UPDATE SET note = u.email",
    "SELECT xmlforest(u.*) FROM users u",
    "SELECT json_build_object('a', u) FROM users u",
    "SELECT id, (SELECT s.* FROM (SELECT email FROM users LIMIT 1) s) || '' FROM users",
    "SELECT array_agg(u)::text FROM users u",
    "SELECT string_agg(a.address, ',') FROM behind a, users",
    "SELECT first_value(id) OVER (ORDER BY email), max(email) OVER () FROM users",
    "SELECT coalesce(u.email) FROM users u GROUP BY u.email",
    "SELECT email FROM users GROUP BY GROUPING SETS ((email), ())",
    "SELECT (SELECT u FROM users u LIMIT 1) IS NOT NULL, (SELECT u FROM users u LIMIT 1)::text",
    "DECLARE c CURSOR FOR SELECT lower(email) FROM users; FETCH ALL FROM c",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT id FROM users WHERE email = (SELECT max(email) FROM users)",
)
"""Ways round the proof that an expression holds no masked value."""

HARMLESS = (
    "SELECT count(*) FROM users",
    "SELECT upper(name), id + 1 FROM users WHERE id < 3",
    "SELECT sum(id), max(at) FROM users GROUP BY name",
    "SELECT count(*) FROM users WHERE email LIKE 'hush-1%'",
    "SELECT name, id, (SELECT count(*) FROM orders o WHERE o.id = u.id) FROM users u ORDER BY email",
    "SELECT u.id + 1, o.note || '!' FROM users u LEFT JOIN LATERAL (SELECT * FROM orders) o ON o.id = u.id",
    "SELECT * FROM (SELECT id, name || '' AS n FROM users) x",
    "WITH t AS (SELECT id, upper(name) AS n FROM users) SELECT n || '' FROM t",
    "UPDATE users SET name = 'x' WHERE email LIKE 'hush-1%' RETURNING id + 1",
    "INSERT INTO users (id, email) VALUES (100, 'hush') ON CONFLICT (id) DO UPDATE SET email = excluded.email"
    " RETURNING id + 1",
    "SELECT CASE WHEN id > 2 THEN 'a' ELSE name END FROM users",
    "EXPLAIN (COSTS off) SELECT id FROM users",
)


@dataclass
class Base:
    """A database with masked columns, and relays to it."""

    server: Server
    version: int
    url: str
    masks: Masks
    catalog: Snapshot
    stack: ExitStack = field(default_factory=ExitStack)

    @property
    def database(self) -> str:
        return self.url.rpartition("/")[2]

    def touch(self, sql: bytes) -> Touch:
        try:
            return touch(classify(sql, self.catalog, {}), self.masks)
        except Unreadable:
            return Touch.UNKNOWN

    def proven(self, sql: bytes) -> Touch:
        """As the gate tells: with what the text names."""
        try:
            statements = classify(sql, self.catalog, {})
            return touch(statements, self.masks, mentions(sql), behind_calls(sql, self.catalog))
        except Unreadable:
            return Touch.UNKNOWN

    def unsettled(self, sql: bytes) -> Unsettled:
        try:
            return unsettled(classify(sql, self.catalog, {}))
        except Unreadable:
            return SETTLED

    def relay(self, chunk: int = 65536, *, proving: bool = False) -> Relay:
        tell = self.proven if proving else self.touch
        return self.stack.enter_context(
            relaying(self.server.port, lambda: MaskedAnswers(self.masks, tell, self.unsettled), chunk)
        )

    def raw(self, relay: Relay) -> Raw:
        client = Raw(relay.port, self.database)
        self.stack.callback(client.close)
        return client

    def through(self, relay: Relay) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=relay.port, user="postgres", dbname=self.database, autocommit=True,
            sslmode="disable", gssencmode="disable",
        )  # fmt: skip


@pytest.fixture(scope="module", params=VERSIONS)
def base(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Iterator[Base]:
    server = servers(request.param)
    url = server.database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(MADE)
    masks, catalog = asyncio.run(resolved(url))
    made = Base(server, request.param, url, masks, catalog)
    yield made
    made.stack.close()


async def resolved(url: str) -> tuple[Masks, Snapshot]:
    own = await own_connection.connect(Address.parse(url))
    async with own:
        return Masks.of(await masked_columns(own, {Table("public", "users"): MASKED})), await load(own)


def leaks(shown: bytes) -> bool:
    """In text, in hexadecimal, and as an int4 or int8 of the binary format."""
    return any(
        one in bytes(shown)
        for one in (
            b"hush",
            b"hush".hex().encode(),
            b"98765000",
            *(struct.pack(">i", 987650000 + i) for i in range(10)),
        )
    )


def rolled_back(connection: psycopg.Connection, run: Callable[[], object]) -> None:
    connection.execute("BEGIN")
    with contextlib.suppress(psycopg.Error):  # what the error said went through the relay, too
        run()
    connection.execute("ROLLBACK")


@pytest.mark.parametrize("chunk", [65536, 7])
@pytest.mark.parametrize("way", ["simple", "text", "binary", "prepared"])
def test_no_shape_of_a_statement_shows_a_masked_value(base: Base, way: str, chunk: int) -> None:
    relay = base.relay(chunk)
    with base.through(relay) as connection:
        for shape in SHAPES:

            def run(shape: str = shape) -> None:
                if way == "simple":
                    ClientCursor(connection).execute(shape)
                elif way == "prepared":
                    for _ in range(2):
                        connection.execute(shape, prepare=True).fetchall()
                else:
                    connection.execute(shape, binary=way == "binary").fetchall()

            rolled_back(connection, run)
            assert not leaks(relay.shown), shape
    assert relay.refused == []


@pytest.mark.parametrize("way", ["simple", "binary", "prepared"])
def test_no_trick_gets_a_masked_value_past_the_proof(base: Base, way: str) -> None:
    relay = base.relay(proving=True)
    with base.through(relay) as connection:
        for shape in (*SHAPES, *TRICKS):

            def run(shape: str = shape) -> None:
                if way == "simple":
                    ClientCursor(connection).execute(shape)
                    return
                for _ in range(2):
                    connection.execute(shape, prepare=way == "prepared", binary=way == "binary").fetchall()

            rolled_back(connection, run)
            assert not leaks(relay.shown), shape
    assert relay.refused == []


def test_what_can_hold_no_masked_value_comes_as_it_is(base: Base) -> None:
    with base.through(base.relay(proving=True)) as masked, psycopg.connect(base.url, autocommit=True) as plain:
        for statement in HARMLESS:
            for binary in (False, True):
                found = []
                for connection in (plain, masked):
                    connection.execute("BEGIN")
                    found.append(connection.execute(statement, binary=binary).fetchall())
                    connection.execute("ROLLBACK")
                assert found[0] == found[1], statement


def test_the_shapes_do_show_it_without_masking(base: Base) -> None:
    """What the tests above look for is really there."""
    nothing = base.stack.enter_context(
        relaying(base.server.port, lambda: MaskedAnswers(Masks(), lambda sql: Touch.NOTHING), 65536)
    )
    with base.through(nothing) as connection:
        for shape in SHAPES:
            before = len(nothing.shown)
            connection.execute("BEGIN")
            with contextlib.suppress(psycopg.Error):
                connection.execute(shape)
            connection.execute("ROLLBACK")
            if not shape.startswith(("INSERT INTO users (id", "SELECT 1 / ", "SELECT query_to_xml", "EXPLAIN")):
                assert leaks(nothing.shown[before:]), shape


def test_what_is_not_masked_comes_as_it_is(base: Base) -> None:
    with base.through(base.relay()) as masked, psycopg.connect(base.url, autocommit=True) as plain:
        for statement in (
            "SELECT id, name, at FROM users ORDER BY id",
            "SELECT o.*, u.name FROM orders o JOIN users u USING (id)",
            "SELECT note || '!', count(*) FROM orders GROUP BY 1",
            "SELECT name, at FROM grown",
            "SHOW search_path",
            "SELECT 1, NULL, 'x'",
        ):
            for binary in (False, True):
                expected = plain.execute(statement, binary=binary).fetchall()
                assert masked.execute(statement, binary=binary).fetchall() == expected


def test_text_is_starred_and_every_other_type_is_null_in_both_formats(base: Base) -> None:
    with base.through(base.relay()) as connection:
        for binary in (False, True):
            rows = connection.execute("SELECT id, email, salary, extra, name FROM users ORDER BY id", binary=binary)
            assert rows.fetchall()[0] == (1, "***", None, None, "n1")


def test_psql_sees_stars(base: Base) -> None:
    relay = base.relay()
    programs = binaries(base.version)
    assert programs is not None
    environment = {**os.environ, "PGSSLMODE": "disable", "PGGSSENCMODE": "disable", "PGCONNECT_TIMEOUT": "10"}
    command = [programs / "psql", "-X", "-h", "127.0.0.1", "-p", str(relay.port), "-U", "postgres", base.database]
    script = "SELECT id, email, salary FROM users WHERE id = 1;\nSELECT max(email) FROM users \\gx\n\\d users\n"
    script += "SELECT id FROM orders; SELECT email FROM users WHERE id = 2;\n"
    script += "BEGIN; DECLARE c CURSOR FOR SELECT email || '' FROM users; FETCH 2 FROM c; ROLLBACK;\n"
    done = subprocess.run(command, input=script, env=environment, capture_output=True, text=True, check=True)
    assert "1 | ***" in done.stdout
    assert "character varying(60)" in done.stdout
    assert "hush" not in done.stdout
    assert not leaks(relay.shown)


def rows(answers: list[tuple[bytes, bytes]]) -> list[bytes]:
    return [body for kind, body in answers if kind == b"D"]


HIDDEN_ROW = b"\0\1\xff\xff\xff\xff"
STARS_ROW = b"\0\1\0\0\0\3***"


def test_a_plan_lasts_from_the_describe_of_a_statement_to_every_execute(base: Base) -> None:
    client = base.raw(base.relay())
    client.ask(parse("s", "SELECT email FROM users ORDER BY id"), describe("S", "s"), SYNC)
    for binary in (False, True):
        answers = client.ask(bind("p", "s", binary=binary), execute("p", 2), execute("p", 1), SYNC)
        assert rows(answers) == [STARS_ROW] * 3
    assert rows(client.ask(bind("", "s"), execute(""), SYNC)) == [STARS_ROW] * 6


def test_what_was_never_described_is_null(base: Base) -> None:
    client = base.raw(base.relay())
    answers = client.ask(parse("", "SELECT id FROM users WHERE id = 1"), bind("", ""), execute(""), SYNC)
    assert rows(answers) == [HIDDEN_ROW]
    answers = client.ask(parse("", "SELECT id FROM orders"), bind("", ""), execute(""), SYNC)
    assert rows(answers) == [b"\0\1\0\0\0\x011"]


def test_a_pipeline_keeps_its_plans_apart(base: Base) -> None:
    client = base.raw(base.relay())
    answers = client.ask(
        parse("a", "SELECT email FROM users WHERE id = 1"), parse("b", "SELECT note FROM orders"),
        bind("pa", "a"), bind("pb", "b"), describe("P", "pb"), describe("P", "pa"),
        execute("pb"), execute("pa"), execute("pb"), SYNC,
        query("SELECT note FROM orders; SELECT email FROM users WHERE id = 1; SELECT note FROM orders"),
    )  # fmt: skip
    assert rows(answers) == [b"\0\1\0\0\0\5plain", STARS_ROW]


TAKEN = [
    (parse("s", "SELECT note FROM orders"), SYNC),  # the name is taken: the server says no
    (query("SELECT oops"),),
    (parse("s", "SELECT oops"), parse("s", "SELECT note FROM orders"), SYNC),
    (parse("", "SELECT oops"), bind("", ""), parse("s", "SELECT note FROM orders"), SYNC),  # skipped up to Sync
    (parse("", "SELECT oops"), query("SELECT 1"), parse("s", "SELECT note FROM orders"), SYNC),
]


@pytest.mark.parametrize("attack", TAKEN)
def test_a_parse_that_the_server_refused_changes_no_name(base: Base, attack: tuple[bytes, ...]) -> None:
    relay = base.relay()
    client = base.raw(relay)
    client.ask(parse("s", "SELECT email || '' FROM users WHERE id = 1"), SYNC)
    client.ask(*attack)
    answers = client.ask(bind("", "s"), describe("P", ""), execute(""), SYNC)
    assert len(rows(answers)) == 1
    assert not leaks(relay.shown)


RENAMED = [
    "DEALLOCATE s; PREPARE s AS SELECT email || '' FROM users",
    "DEALLOCATE ALL; PREPARE s AS SELECT email || '' FROM users",
    "DO $$ BEGIN EXECUTE 'DEALLOCATE s'; EXECUTE 'PREPARE s AS SELECT email || '''' FROM users'; END $$",
    "DO $$ BEGIN EXECUTE 'DEALLOCATE s'; EXECUTE 'PREPARE s AS SELECT email || '''' FROM users';"
    " RAISE EXCEPTION 'a PREPARE outlives its transaction'; END $$",
]


@pytest.mark.parametrize("attack", RENAMED)
@pytest.mark.parametrize("simple", [True, False])
def test_a_name_that_sql_gave_to_another_text_is_not_known(base: Base, attack: str, simple: bool) -> None:
    relay = base.relay()
    client = base.raw(relay)
    client.ask(parse("s", "SELECT note FROM orders"), describe("S", "s"), SYNC)
    for one in [attack] if "DO" in attack else attack.split("; "):
        client.ask(query(one)) if simple else client.ask(parse("", one), bind("", ""), execute(""), SYNC)
    answers = client.ask(bind("", "s"), execute(""), SYNC)
    assert rows(answers) == [HIDDEN_ROW] * 6
    answers = client.ask(describe("S", "s"), bind("", "s"), describe("P", ""), execute(""), SYNC)
    assert rows(answers) == [HIDDEN_ROW] * 6 or rows(answers) == [STARS_ROW] * 6
    assert not leaks(relay.shown)


def test_a_cursor_in_the_place_of_a_portal_is_not_known(base: Base) -> None:
    relay = base.relay()
    client = base.raw(relay)
    client.ask(query("BEGIN"))
    client.ask(parse("s", "SELECT note FROM orders"), bind("c", "s"), describe("P", "c"), execute("c", 1), SYNC)
    client.ask(query("CLOSE c"))
    client.ask(query("DECLARE c CURSOR FOR SELECT email || '' FROM users"))
    answers = client.ask(execute("c"), SYNC)
    assert len(rows(answers)) == 6
    assert not leaks(relay.shown)


def test_a_masked_copy_ends_the_session(base: Base) -> None:
    for statement in (
        "COPY users TO STDOUT",
        "COPY (SELECT email FROM whole) TO STDOUT",
        "COPY (SELECT email || '' FROM users) TO STDOUT (FORMAT binary)",
    ):
        relay = base.relay()
        with base.through(relay) as connection:
            with pytest.raises(psycopg.OperationalError), connection.cursor().copy(statement) as copy:
                list(copy)
        assert relay.refused == ["COPY of what could hold masked values"]
        assert not leaks(relay.shown)


def test_a_notice_and_an_error_keep_their_code_and_lose_their_words(base: Base) -> None:
    relay = base.relay()
    with base.through(relay) as connection:
        notices: list[str] = []
        connection.add_notice_handler(lambda told: notices.append(told.message_primary or ""))
        connection.execute("DO $$ BEGIN RAISE NOTICE '%', (SELECT max(email) FROM users); END $$")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation) as failed:
            connection.execute("SELECT email::int FROM users")
        assert "not shown" in str(failed.value)
        with pytest.raises(psycopg.errors.UniqueViolation) as clash:
            connection.execute("INSERT INTO users (id, email) VALUES (1, 'x')")
        assert clash.value.diag.constraint_name == "users_pkey"
        with pytest.raises(psycopg.errors.UndefinedColumn, match="nothing_such"):
            connection.execute("SELECT nothing_such FROM orders")
    assert notices == ["yett: the server's message is not shown, for it could hold masked values"]
    assert not leaks(relay.shown)


def test_a_column_that_takes_the_place_of_a_masked_one_is_not_shown_by_an_old_plan(base: Base) -> None:
    """The names of two columns are swapped: the answer's shape stays, and what stands in it does not."""
    relay = base.relay()
    client = base.raw(relay)
    with psycopg.connect(base.url, autocommit=True) as admin:
        admin.execute("CREATE TABLE swapped AS SELECT name::varchar(60), email FROM users")
        client.ask(parse("s", "SELECT name FROM swapped"), describe("S", "s"), SYNC)
        answers = relay.answers[0]
        answers._masks = Masks({swapped(admin): frozenset({2})}, frozenset())
        answers._touch = lambda sql: Touch.MASKED
        answers._unsettles = lambda sql: SETTLED
        try:
            admin.execute("ALTER TABLE swapped RENAME name TO x")
            admin.execute("ALTER TABLE swapped RENAME email TO name")
            answers.forget()
            assert rows(client.ask(bind("", "s"), execute(""), SYNC)) == [HIDDEN_ROW] * 6
            client.ask(describe("S", "s"), SYNC)
            assert rows(client.ask(bind("", "s"), execute(""), SYNC)) == [STARS_ROW] * 6
        finally:
            admin.execute("DROP TABLE swapped")
    assert not leaks(relay.shown)


def swapped(admin: psycopg.Connection) -> int:
    row = admin.execute("SELECT 'swapped'::regclass::oid").fetchone()
    assert row is not None
    return int(row[0])


def test_inference_is_not_hidden_on_the_wire(base: Base) -> None:
    """What masking on the wire does not do, so that nobody takes it for more: the column grant does."""
    with base.through(base.relay()) as connection:
        found = connection.execute("SELECT id FROM users WHERE email LIKE 'hush-3%'").fetchall()
        assert found == [(3,)]


def test_a_view_of_another_database_is_nothing(base: Base) -> None:
    orders = base.catalog.relation_named("public", "orders")
    assert orders is not None
    assert not base.masks.touches([orders.oid])
    assert base.masks.touches(None)


# ---- without a server

TABLE = 20_000
DESCRIPTION = struct.pack(">H", 3) + b"".join(
    name + b"\0" + struct.pack(">IhIhiH", TABLE, number, type_, -1, -1, 0)
    for name, number, type_ in ((b"id", 1, 23), (b"email", 2, 25), (b"at", 3, 1184))
)


def row(*values: bytes | None) -> bytes:
    columns = b"".join(struct.pack(">i", -1) if v is None else struct.pack(">i", len(v)) + v for v in values)
    return message(b"D", struct.pack(">H", len(values)) + columns)


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack(">I", len(body) + 4) + body


def asking() -> MaskedAnswers:
    answers = MaskedAnswers(Masks({TABLE: frozenset({2, 3})}), lambda sql: Touch.MASKED)
    answers.sent(query("SELECT * FROM t"))
    return answers


values = st.one_of(st.none(), st.binary(max_size=40))


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(values, values, values), max_size=12), st.lists(st.integers(1, 60), max_size=40))
def test_wherever_the_stream_is_cut_the_same_comes_out(table: list[tuple[bytes | None, ...]], cuts: list[int]) -> None:
    ending = message(b"C", b"SELECT\0") + message(b"Z", b"I")
    stream = message(b"T", DESCRIPTION) + b"".join(row(*one) for one in table) + ending
    answers, out = asking(), b""
    for cut in cuts:
        out, stream = out + answers.feed(stream[:cut]), stream[cut:]
    out += answers.feed(stream)
    assert out == message(b"T", DESCRIPTION) + b"".join(row(one[0], b"***", None) for one in table) + ending


@pytest.mark.parametrize(
    "stream",
    [
        row(b"1", b"x", b"y"),  # rows that nothing announced
        message(b"T", DESCRIPTION) + row(b"1", b"x"),
        message(b"T", DESCRIPTION) + message(b"D", struct.pack(">Hi", 3, 400) + b"x"),
        message(b"T", DESCRIPTION) + message(b"D", struct.pack(">Hi", 3, 2**31 - 1) + b"x") + message(b"Z", b"I"),
        message(b"T", DESCRIPTION) + message(b"D", b"\0"),
        message(b"T", DESCRIPTION[:-3]),
        message(b"T", DESCRIPTION + b"\0"),
        message(b"H", b"\0\0\0"),
        message(b"V", b"\0\0\0\3abc"),
        message(b"1", b""),
        message(b"?", b""),
        b"D" + struct.pack(">I", 3),
        b"T" + struct.pack(">I", 1 << 30),
        message(b"Z", b"I") + message(b"Z", b"I"),
    ],
)
def test_what_does_not_fit_ends_the_session(stream: bytes) -> None:
    with pytest.raises(Unmaskable):
        asking().feed(stream)


def test_a_call_of_a_function_by_the_protocol_is_never_masked_and_never_sent() -> None:
    with pytest.raises(Unmaskable):
        asking().sent(message(b"F", b"\0\0\0\1"))


def test_a_large_row_in_small_pieces_is_masked_once_it_is_whole() -> None:
    answers = asking()
    big = message(b"T", DESCRIPTION) + row(b"x" * 3_000_000, b"hush" * 100_000, b"y")
    out = b"".join(answers.feed(big[at : at + 4096]) for at in range(0, len(big), 4096))
    assert out == message(b"T", DESCRIPTION) + row(b"x" * 3_000_000, b"***", None)


def test_a_plan_says_which_columns_are_replaced() -> None:
    made = masking.plan(DESCRIPTION, Masks({TABLE: frozenset({2})}), touches=False)
    assert (made.columns, made.touches) == (3, True)
    assert [kept for kept, _ in made.steps] == [1]
    assert masking.plan(DESCRIPTION, Masks({1: frozenset({2})}), touches=True).steps == ()
    assert len(masking.plan(DESCRIPTION, Masks({}, frozenset({TABLE})), touches=False).steps) == 3
