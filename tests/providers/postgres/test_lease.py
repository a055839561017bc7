"""A lease reaches what its scope names and nothing else, and is gone with its task: roles, sessions, grants, locks."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from yett.model.errors import ConfigurationError, YettError
from yett.model.secret import Secret
from yett.providers.postgres.dump import Address
from yett.providers.postgres.lease import LeaseRole, make_lease, revoke_lease, sweep
from yett.providers.postgres.own import Own, connect
from yett.providers.postgres.role import is_lease, new_role, scram_verifier
from yett.providers.postgres.scope import Budgets, Scope, Table, read_only, read_write

from .conftest import Shop

USERS, ORDERS = Table("shop", "users"), Table("shop", "orders")


def soon() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def lease(shop: Shop, scope: Scope, task: str = "fix-orders") -> LeaseRole:
    return shop.owned(lambda own: make_lease(own, scope, task, soon()))


def refused(connection: psycopg.Connection, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def roles(shop: Shop) -> list[str]:
    with shop.admin() as connection:
        return [n for (n,) in connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^yett_'").fetchall()]


def test_a_reader_reads_what_is_named_and_no_more(shop: Shop) -> None:
    role = lease(shop, read_only(tables=[USERS]))
    with shop.enter(role) as connection:
        assert connection.execute("SELECT count(*) FROM shop.users").fetchone() == (10,)
        for statement in (
            "SELECT * FROM shop.orders",
            "SELECT * FROM other.secrets",
            "INSERT INTO shop.users (id) VALUES (99)",
            "UPDATE shop.users SET name = ''",
            "DELETE FROM shop.users",
            "TRUNCATE shop.users",
            "SELECT nextval('shop.users_id_seq')",
            "SELECT setval('shop.users_id_seq', 1)",
            "SELECT * FROM shop.users FOR UPDATE",
            "CREATE TABLE shop.mine (x int)",
            "CREATE SCHEMA mine",
            "CREATE ROLE mine",
            "COPY shop.users TO PROGRAM 'true'",
            "SELECT pg_read_file('PG_VERSION')",
            "SET ROLE app",
            "SET ROLE postgres",
        ):
            with pytest.raises((errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)):
                connection.execute(statement)
        connection.execute("SET default_transaction_read_only = off")  # a setting is no boundary: the grants are
        refused(connection, "DELETE FROM shop.users")


def test_a_writer_writes_rows_but_not_the_schema_and_not_the_sequence(shop: Shop) -> None:
    role = lease(shop, read_write(schemas=["shop"]))
    with shop.enter(role) as connection:
        connection.execute("INSERT INTO shop.users (name) VALUES ('new')")
        connection.execute("INSERT INTO shop.orders (user_id, total) VALUES (1, 1)")
        connection.execute("UPDATE shop.users SET name = 'x' WHERE id = 1")
        connection.execute("DELETE FROM shop.orders WHERE user_id = 2")
        for statement in (
            "SELECT setval('shop.users_id_seq', 1)",
            "TRUNCATE shop.orders",
            "DROP TABLE shop.orders",
            "ALTER TABLE shop.orders ADD x int",
            "CREATE TRIGGER t BEFORE INSERT ON shop.orders EXECUTE FUNCTION suppress_redundant_updates_trigger()",
            "CREATE TABLE shop.child (x int REFERENCES shop.orders)",
            "SELECT * FROM other.secrets",
        ):
            refused(connection, statement)


def test_writing_gives_no_reading(shop: Shop) -> None:
    role = lease(shop, Scope(write=frozenset({ORDERS})))
    with shop.enter(role) as connection:
        connection.execute("INSERT INTO shop.orders (user_id, total) VALUES (1, 1)")
        refused(connection, "SELECT * FROM shop.orders")
        refused(connection, "DELETE FROM shop.orders WHERE total = 10")
        refused(connection, "INSERT INTO shop.orders (user_id) VALUES (1) RETURNING total")


def test_a_schema_to_write_does_not_write_through_its_views(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute("SET ROLE app; CREATE VIEW shop.through AS SELECT * FROM other.secrets")
    role = lease(shop, read_write(schemas=["shop"]))
    with shop.enter(role) as connection:
        refused(connection, "DELETE FROM shop.through")


def test_names_are_quoted_and_a_name_that_is_not_there_is_refused(shop: Shop) -> None:
    odd = 'O"dd; DROP TABLE shop.users; --'
    with shop.admin() as connection:
        quoted = '"' + odd.replace('"', '""') + '"'
        connection.execute(f"CREATE SCHEMA {quoted} AUTHORIZATION app; SET ROLE app")
        connection.execute(f"CREATE TABLE {quoted}.{quoted} (x int)")
    role = lease(shop, read_write(tables=[Table(odd, odd)]), task='Fix "it"; ☃')
    assert is_lease(role.name)
    with shop.enter(role) as connection:
        connection.execute(f"INSERT INTO {quoted}.{quoted} VALUES (1)")
    before = roles(shop)
    for scope in (
        read_only(tables=[Table("shop", "missing")]),
        read_only(schemas=["missing"]),
        read_only(tables=[USERS], masked={USERS: frozenset({"missing"})}),
        read_only(tables=[USERS], masked={Table("shop", "missing"): frozenset({"x"})}),
    ):
        with pytest.raises(ConfigurationError, match="missing"):
            lease(shop, scope)
    assert roles(shop) == before


def test_a_lease_ends_in_the_future_at_a_time_everybody_reads_alike(shop: Shop) -> None:
    for until in (datetime.now(UTC) - timedelta(seconds=1), datetime.now() + timedelta(hours=1)):
        with pytest.raises(YettError):
            shop.owned(lambda own, until=until: make_lease(own, read_only(schemas=["shop"]), "t", until))
    role = shop.owned(
        lambda own: make_lease(own, read_only(schemas=["shop"]), "t", datetime.now(UTC) + timedelta(seconds=1.5))
    )
    shop.enter(role).close()
    time.sleep(2)
    with pytest.raises(psycopg.OperationalError):
        shop.enter(role)


def test_the_password_stands_in_no_statement_and_the_role_in_no_repr(shop: Shop) -> None:
    role = lease(shop, read_only(schemas=["shop"]))
    shop.enter(role).close()
    log = shop.server.log.read_text()  # type: ignore[attr-defined]
    assert "CREATE ROLE" in log
    assert role.password.text() not in log
    assert role.name not in repr(role)
    assert role.password.text() not in repr(role)


def test_an_error_of_the_server_says_neither_role_nor_verifier(shop: Shop) -> None:
    """The owner of a table that Yett's own role is no member of: the server's error names the role."""
    with shop.admin() as connection:
        connection.execute("CREATE SCHEMA foreign_owned; CREATE TABLE foreign_owned.t (x int)")
    if shop.own_role == "postgres":
        return
    with pytest.raises(YettError) as failed:
        lease(shop, read_only(schemas=["foreign_owned"]))
    assert "yett_" not in str(failed.value)
    assert "SCRAM" not in str(failed.value)
    assert roles(shop) == []


def test_a_grant_that_the_server_only_warns_about_makes_no_lease(shop: Shop) -> None:
    """Without grant options on a table that it may read itself, GRANT is a warning and grants nothing."""
    with shop.admin() as connection:
        connection.execute("CREATE SCHEMA lent; GRANT USAGE ON SCHEMA lent TO PUBLIC; CREATE TABLE lent.t (x int)")
        connection.execute("GRANT SELECT ON lent.t TO keeper")
    if shop.own_role == "postgres":
        return
    with pytest.raises(YettError, match="may not grant"):
        lease(shop, read_only(schemas=["lent"]))
    assert roles(shop) == []


def test_the_settings_of_a_session_are_pinned_though_the_database_says_otherwise(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute(f"ALTER DATABASE {shop.database} SET standard_conforming_strings = off")
        connection.execute(f"ALTER DATABASE {shop.database} SET search_path = shop, other")
    scope = Scope(read_schemas=frozenset({"shop"}), budgets=Budgets(statement_ms=1234, connections=2))
    role = lease(shop, scope)
    with shop.enter(role) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}").fetchone()[0]  # type: ignore[index]
            for name in ("standard_conforming_strings", "search_path", "statement_timeout", "lock_timeout")
        }
        assert shown == {
            "standard_conforming_strings": "on",
            "search_path": "shop, other",
            "statement_timeout": "1234ms",
            "lock_timeout": "5s",
        }
        with shop.enter(role), pytest.raises(psycopg.OperationalError, match="too many connections"):
            shop.enter(role)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("DEFAULT", "public"),
        ('"$user", shop', "shop"),
        ("''", '""'),
        ('"A ""b"", c", shop, pg_temp, pg_catalog', '"A ""b"", c", shop'),
    ],
)
def test_names_are_looked_for_where_the_database_says_and_never_in_a_schema_of_the_roles_name(
    shop: Shop, path: str, shown: str
) -> None:
    with shop.admin() as connection:
        connection.execute(f"ALTER DATABASE {shop.database} SET search_path = {path}")
    with shop.enter(lease(shop, read_only(schemas=["shop"]))) as connection:
        assert connection.execute("SHOW search_path").fetchone() == (shown,)


def test_a_path_that_only_yetts_own_role_has_is_nobody_elses(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute(f"ALTER ROLE {shop.own_role} IN DATABASE {shop.database} SET search_path = other")
    with pytest.raises(ConfigurationError, match="search_path"):
        lease(shop, read_only(schemas=["shop"]))
    with shop.admin() as connection:
        connection.execute(f"ALTER DATABASE {shop.database} SET search_path = shop")
    with shop.enter(lease(shop, read_only(schemas=["shop"]))) as session:
        assert session.execute("SHOW search_path").fetchone() == ("shop",)


def test_a_revoked_lease_has_no_session_no_login_and_no_trace(shop: Shop) -> None:
    role = lease(shop, read_write(schemas=["shop"]))
    sessions = [shop.enter(role) for _ in range(3)]
    sessions[0].execute("BEGIN; DELETE FROM shop.orders; CREATE TEMP TABLE t AS SELECT 1")
    sessions[1].execute("SELECT pg_advisory_lock(1)")
    assert shop.owned(lambda own: revoke_lease(own, role.name)) == ()
    for session in sessions:
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        shop.enter(role)
    assert roles(shop) == []
    with shop.admin() as connection:
        assert connection.execute("SELECT count(*) FROM shop.orders").fetchone() == (10,)
        acls = connection.execute("SELECT relacl::text FROM pg_class WHERE relnamespace = 'shop'::regnamespace")
        assert "yett" not in str(acls.fetchall())
    assert shop.owned(lambda own: revoke_lease(own, role.name)) == ()


def test_a_lease_that_locks_its_own_role_is_revoked_all_the_same(shop: Shop) -> None:
    """An uncommitted ALTER ROLE of its own password holds the row that NOLOGIN changes; prepared, it has no session."""
    role = lease(shop, read_write(schemas=["shop"]))
    holding = shop.enter(role)
    holding.execute(f"BEGIN; ALTER ROLE {role.name} PASSWORD 'mine'")
    prepared = shop.enter(role)
    prepared.execute("BEGIN; LOCK shop.orders; PREPARE TRANSACTION 'its locks stay'")
    prepared.close()
    shop.owned(lambda own: revoke_lease(own, role.name))
    assert roles(shop) == []
    with shop.admin() as connection:
        connection.execute("SET lock_timeout = 1000")
        connection.execute("BEGIN; LOCK shop.orders; ROLLBACK")
        assert connection.execute("SELECT count(*) FROM pg_prepared_xacts").fetchone() == (0,)


def test_a_session_that_came_in_just_before_the_door_was_shut_is_ended_too(shop: Shop) -> None:
    role = lease(shop, read_write(schemas=["shop"]))
    sessions: list[psycopg.Connection] = []

    async def revoke(own: Own) -> None:
        execute = own.execute

        async def late(query: sql.Composable | str, *more: Any) -> Any:
            if isinstance(query, sql.Composable) and "NOLOGIN" in query.as_string(own):
                sessions.append(shop.enter(role))
            return await execute(query, *more)

        own.execute = late  # type: ignore[method-assign, assignment]
        await revoke_lease(own, role.name)

    shop.owned(revoke)
    assert len(sessions) == 1
    with pytest.raises(psycopg.OperationalError):
        sessions[0].execute("SELECT 1")


def test_a_half_revoked_lease_is_finished(shop: Shop) -> None:
    for half in ("NOLOGIN", "PASSWORD NULL", "VALID UNTIL '2000-01-01'", "CONNECTION LIMIT 0"):
        role = lease(shop, read_write(schemas=["shop"]))
        with shop.admin() as connection:
            connection.execute(f"ALTER ROLE {role.name} {half}")
            if half == "NOLOGIN":
                connection.execute(f"DROP OWNED BY {role.name}")
        shop.owned(lambda own, name=role.name: revoke_lease(own, name))
        assert roles(shop) == []


def test_only_the_role_of_a_lease_is_ever_revoked(shop: Shop) -> None:
    for name in ("app", "postgres", "yett_estate", "yett_x_123", 'yett_a_0123456789abcdef"; DROP ROLE app; --'):
        with pytest.raises(YettError, match="not the name of a lease"):
            shop.owned(lambda own, name=name: revoke_lease(own, name))


def test_what_a_lease_owns_is_kept_and_acts_with_nobodys_rights(shop: Shop) -> None:
    """Where PUBLIC may create: the table may be work, and the planted function must not gain an owner with rights."""
    with shop.admin() as connection:
        connection.execute("GRANT CREATE, USAGE ON SCHEMA public TO PUBLIC")
    role = lease(shop, read_write(schemas=["shop"]))
    with shop.enter(role) as connection:
        connection.execute("CREATE TABLE public.work (x int); INSERT INTO public.work VALUES (7)")
        connection.execute(
            "CREATE FUNCTION public.planted() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM shop.orders'"
        )
        connection.execute("CREATE VIEW public.window AS SELECT * FROM shop.users")
        connection.execute("SELECT lo_create(4711)")
    kept = shop.owned(lambda own: revoke_lease(own, role.name))
    assert "table public.work" in kept
    assert roles(shop) == ["yett_estate"]
    with shop.admin() as connection:
        assert connection.execute("SELECT x FROM public.work").fetchone() == (7,)
        refused(connection, "SELECT public.planted()")
        refused(connection, "SELECT * FROM public.window")
        estate = "SELECT rolcanlogin, rolsuper, rolcreaterole FROM pg_roles WHERE rolname = 'yett_estate'"
        assert connection.execute(estate).fetchone() == (False, False, False)
        connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        assert connection.execute("SELECT has_schema_privilege('yett_estate', 'public', 'CREATE')").fetchone() == (
            False,
        )


def test_a_lease_with_things_in_another_database_stays_shut(shop: Shop) -> None:
    url = shop.server.database()
    role = lease(shop, read_only(schemas=["shop"]))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE TABLE elsewhere (x int); ALTER TABLE elsewhere OWNER TO {role.name}")
        with pytest.raises(YettError, match="2BP01") as failed:
            shop.owned(lambda own: revoke_lease(own, role.name))
        assert role.name not in str(failed.value)
        with pytest.raises(psycopg.OperationalError):
            shop.enter(role)
        connection.execute("DROP TABLE elsewhere")
    shop.owned(lambda own: revoke_lease(own, role.name))
    assert roles(shop) == []


def test_a_sweep_ends_what_a_crash_left_and_not_what_lives_or_is_anothers(shop: Shop) -> None:
    living, dead = lease(shop, read_only(schemas=["shop"])), lease(shop, read_only(schemas=["shop"]))
    with shop.admin() as connection:
        connection.execute("CREATE ROLE yett_other_0123456789abcdef LOGIN VALID UNTIL '2100-01-01'")
        connection.execute("COMMENT ON ROLE yett_other_0123456789abcdef IS 'A lease of Yett, made by another'")
        connection.execute("CREATE ROLE yettish_role")
    session = shop.enter(dead)
    assert shop.owned(lambda own: sweep(own, {living.name})) == [dead.name]
    with pytest.raises(psycopg.OperationalError):
        session.execute("SELECT 1")
    shop.enter(living).close()
    with shop.admin() as connection:
        left = [n for (n,) in connection.execute("SELECT rolname FROM pg_roles WHERE rolname ~ '^yett'").fetchall()]
        assert sorted(left) == sorted([living.name, "yett_other_0123456789abcdef", "yettish_role"])
        connection.execute("DROP ROLE yettish_role")


def test_leases_made_at_once_on_one_table_do_not_clash(shop: Shop) -> None:
    """Two GRANTs on one table change one row of pg_class: the loser's `tuple concurrently updated` is tried again."""

    async def one() -> str:
        own = await connect(Address.parse(shop.url.replace("postgres@", f"{shop.own_role}@")))
        async with own:
            role = await make_lease(own, read_write(schemas=["shop"]), "many", soon())
            await revoke_lease(own, role.name)
        return role.name

    async def many() -> list[str]:
        return await asyncio.gather(*(one() for _ in range(6)))

    assert len(set(asyncio.run(many()))) == 6
    assert roles(shop) == []


def test_the_verifier_is_what_the_server_makes_of_a_password() -> None:
    """RFC 7677, section 3: the keys follow from password, salt and 4096 iterations; another password, other keys."""
    salt = bytes(range(16))
    assert scram_verifier(Secret("pencil"), salt) == scram_verifier(Secret("pencil"), salt)
    assert scram_verifier(Secret("pencil"), salt) != scram_verifier(Secret("pencils"), salt)
    assert scram_verifier(Secret("pencil"), salt) != scram_verifier(Secret("pencil"))


def test_two_roles_of_one_task_are_two() -> None:
    assert new_role("t").name != new_role("t").name
    assert all(is_lease(new_role(task).name) for task in ("", "…", "A b", "x" * 300))


def test_masked_columns_are_refused_by_the_server_wherever_they_stand(shop: Shop) -> None:
    scope = read_write(schemas=["shop"], masked={USERS: frozenset({"email", "phone"})})
    with shop.enter(lease(shop, scope)) as connection:
        assert connection.execute("SELECT id, name FROM shop.users WHERE id = 1").fetchone() == (1, "n1")
        assert connection.execute("SELECT count(*) FROM shop.users").fetchone() == (10,)
        connection.execute("UPDATE shop.users SET email = 'new' WHERE id = 1")
        for statement in (
            "SELECT * FROM shop.users",
            "SELECT email FROM shop.users",
            "SELECT u FROM shop.users u",
            "SELECT id FROM shop.users WHERE email LIKE 'e1%'",
            "SELECT id FROM shop.users ORDER BY email",
            "SELECT max(email) FROM shop.users",
            "SELECT row_to_json(u) FROM shop.users u",
            "SELECT o.id FROM shop.orders o JOIN shop.users u ON u.email = 'e1@x'",
            "UPDATE shop.users SET name = email",
            "UPDATE shop.users SET name = '' RETURNING email",
            "DELETE FROM shop.users WHERE email = 'x' RETURNING id",
            "COPY shop.users TO STDOUT",
            "COPY shop.users (email) TO STDOUT",
            "INSERT INTO shop.users (name) SELECT email FROM shop.users",
            "INSERT INTO shop.users (email) VALUES ('a') ON CONFLICT (email) DO NOTHING",
            "TABLE shop.users",
        ):
            refused(connection, statement)
        stats = connection.execute("SELECT count(*) FROM pg_stats WHERE attname IN ('email', 'phone')").fetchone()
        assert stats == (0,)
        with pytest.raises(errors.UniqueViolation) as clash:
            connection.execute("UPDATE shop.users SET email = 'e3@x' WHERE id = 2")
        assert "e3@x" not in str(clash.value)


FAMILY = """
SET ROLE app;
CREATE TABLE shop.people (id int, email text, low text GENERATED ALWAYS AS (lower(email)) STORED, town text)
  PARTITION BY RANGE (id);
CREATE TABLE shop.people_1 PARTITION OF shop.people FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE shop.people_1_1 PARTITION OF shop.people_1 FOR VALUES FROM (0) TO (50);
INSERT INTO shop.people (id, email, town) VALUES (1, 'Secret@x', 'Ulm');
"""


@pytest.mark.parametrize("named", ["people", "people_1", "people_1_1"])
def test_a_masked_column_is_masked_in_every_partition_and_what_is_computed_from_it(shop: Shop, named: str) -> None:
    with shop.admin() as connection:
        connection.execute(FAMILY)
    scope = read_only(schemas=["shop"], masked={Table("shop", named): frozenset({"email"})})
    with shop.enter(lease(shop, scope)) as connection:
        for table in ("people", "people_1", "people_1_1"):
            assert connection.execute(f"SELECT id, town FROM shop.{table}").fetchone() == (1, "Ulm")
            for column in ("email", "low", "*"):
                refused(connection, f"SELECT {column} FROM shop.{table}")


VIEWS = """
SET ROLE app;
CREATE VIEW shop.whole AS SELECT row_to_json(u) AS j FROM shop.users u;
CREATE VIEW shop.behind AS SELECT j FROM shop.whole;
CREATE MATERIALIZED VIEW shop.copied AS SELECT email FROM shop.users;
CREATE VIEW shop.fine AS SELECT id, total FROM shop.orders;
"""


def test_a_view_that_reads_a_masked_table_is_left_out_of_a_schema(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute(VIEWS)
    scope = read_only(schemas=["shop"], masked={USERS: frozenset({"email"})})
    with shop.enter(lease(shop, scope)) as connection:
        assert connection.execute("SELECT count(*) FROM shop.fine").fetchone() == (10,)
        for view in ("whole", "behind", "copied"):
            refused(connection, f"SELECT * FROM shop.{view}")


def test_a_view_that_reads_a_masked_table_is_named_with_what_it_hides_or_refused(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute(VIEWS + "CREATE VIEW shop.names AS SELECT id, name, email FROM shop.users")
    behind, names = Table("shop", "behind"), Table("shop", "names")
    for view in (behind, names):
        with pytest.raises(ConfigurationError, match="reads a table with masked columns"):
            lease(shop, read_only(tables=[USERS, view], masked={USERS: frozenset({"email"})}))
    masked = {USERS: frozenset({"email"}), names: frozenset({"email"})}
    with shop.enter(lease(shop, read_only(tables=[USERS, names], masked=masked))) as connection:
        assert connection.execute("SELECT id, name FROM shop.names WHERE id = 1").fetchone() == (1, "n1")
        refused(connection, "SELECT email FROM shop.names")


def test_a_rule_on_a_masked_table_could_return_its_columns(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute(
            "SET ROLE app; CREATE RULE r AS ON INSERT TO shop.users WHERE new.id < 0 DO ALSO SELECT * FROM shop.users"
        )
    masked = {USERS: frozenset({"email"})}
    with pytest.raises(ConfigurationError, match="rewrite rules"):
        lease(shop, read_write(tables=[USERS], masked=masked))
    lease(shop, read_only(tables=[USERS], masked=masked))


@pytest.mark.parametrize(
    "granted",
    ["SELECT ON shop.users", "SELECT (email) ON shop.users", "SELECT ON shop.behind", "SELECT (j) ON shop.whole"],
)
def test_no_lease_is_kept_from_a_column_that_everybody_may_read(shop: Shop, granted: str) -> None:
    with shop.admin() as connection:
        connection.execute(VIEWS + f"GRANT {granted} TO PUBLIC")
    with pytest.raises(YettError, match="granted to PUBLIC"):
        lease(shop, read_only(tables=[USERS], masked={USERS: frozenset({"email"})}))
    assert roles(shop) == []


def test_masking_on_the_wire_leaves_the_role_the_whole_table(shop: Shop) -> None:
    scope = read_only(schemas=["shop"], veiled={USERS: frozenset({"email"})})
    with shop.enter(lease(shop, scope)) as connection:
        assert connection.execute("SELECT email FROM shop.users WHERE id = 1").fetchone() == ("e1@x",)
