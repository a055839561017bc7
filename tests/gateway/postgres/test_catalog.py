"""The live catalog is what the server has: whatever anybody commits is seen before it is a second old."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

import psycopg
import pytest

from postgres import Server
from postgres_versions import VERSIONS, servers
from yett.gateway.postgres import catalog
from yett.gateway.postgres.catalog import LiveCatalog
from yett.model.errors import ConfigurationError, YettError
from yett.operations.sql.snapshot import Snapshot
from yett.providers.postgres import own as own_connection
from yett.providers.postgres.dump import Address
from yett.providers.postgres.own import Own

__all__ = ["servers"]

MADE = """
CREATE SCHEMA s;
CREATE TABLE s.t (id serial PRIMARY KEY, name text DEFAULT 'x', total int CHECK (total > 0));
CREATE TABLE s.parent (id int) PARTITION BY RANGE (id);
CREATE TABLE s.part (id int);
CREATE VIEW s.v AS SELECT id FROM s.t;
CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
CREATE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER g BEFORE UPDATE ON s.t FOR EACH ROW EXECUTE FUNCTION s.touch();
CREATE DOMAIN s.d AS int;
CREATE TYPE s.pair AS (a int, b int);
CREATE POLICY p ON s.t USING (true);
CREATE INDEX i ON s.t (name);
"""

CHANGES = (
    "CREATE TABLE s.new ()",
    "DROP TABLE s.part",
    "ALTER TABLE s.t RENAME TO u",
    "ALTER TABLE s.t OWNER TO keeper",
    "ALTER TABLE s.t ADD more int",
    "ALTER TABLE s.t ALTER name TYPE varchar",
    "ALTER TABLE s.t ALTER name SET DEFAULT s.f(1)::text",
    "ALTER TABLE s.t ADD CHECK (s.f(id) > 0)",
    "ALTER TABLE s.t ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE s.t DISABLE TRIGGER g",
    "DROP TRIGGER g ON s.t",
    "CREATE TRIGGER h BEFORE DELETE ON s.t EXECUTE FUNCTION s.touch()",
    "CREATE RULE r AS ON INSERT TO s.t DO ALSO DELETE FROM s.part",
    "CREATE OR REPLACE VIEW s.v AS SELECT s.f(id) AS id FROM s.t",
    "CREATE OR REPLACE FUNCTION s.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 + 1'",
    "ALTER FUNCTION s.f VOLATILE",
    "ALTER FUNCTION s.f SECURITY DEFINER",
    "ALTER FUNCTION s.f SET search_path = s",
    "ALTER FUNCTION s.f RENAME TO e",
    "CREATE OR REPLACE FUNCTION s.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM s.t; RETURN new; END'",
    "DROP POLICY p ON s.t",
    "ALTER POLICY p ON s.t USING (s.f(id) > 0)",
    "ALTER TABLE s.parent ATTACH PARTITION s.part FOR VALUES FROM (0) TO (9)",
    "ALTER TABLE s.part ADD FOREIGN KEY (id) REFERENCES s.t ON DELETE CASCADE",
    "DROP INDEX s.i",
    "CREATE INDEX ON s.t (s.f(id))",
    "CREATE OPERATOR s.@@@ (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl)",
    "CREATE CAST (s.pair AS s.d) WITH INOUT",
    "ALTER DOMAIN s.d ADD CHECK (s.f(VALUE) > 0)",
    "ALTER DOMAIN s.d SET DEFAULT 3",
    "ALTER TYPE s.pair ADD ATTRIBUTE c int",
    "CREATE AGGREGATE s.agg (int) (SFUNC = int4pl, STYPE = int)",
    "ALTER SCHEMA s RENAME TO other",
    "GRANT USAGE ON SCHEMA s TO PUBLIC",
    "ALTER EXTENSION plpgsql ADD FUNCTION s.f(int)",
    "CREATE TEMP TABLE t (id int)",
)

LOOKING = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'yett' AND backend_xmin IS NOT NULL"""


@dataclass
class Clock:
    at: float = 1000.0

    def __call__(self) -> float:
        return self.at


@dataclass
class Base:
    """A database, and a live catalog of it whose time stands still."""

    server: Server
    url: str
    own_role: str
    clock: Clock = field(default_factory=Clock)
    opened: int = 0

    async def connect(self) -> Own:
        self.opened += 1
        return await own_connection.connect(Address.parse(self.url.replace("postgres@", f"{self.own_role}@")))

    def admin(self) -> psycopg.Connection:
        return psycopg.connect(self.url, autocommit=True)

    def live(self, work: Callable[[LiveCatalog], Awaitable[None]], **how: object) -> None:
        async def run() -> None:
            made = LiveCatalog(self.connect, clock=self.clock, **how)  # type: ignore[arg-type]
            try:
                await work(made)
            finally:
                await made.close()

        asyncio.run(run())


@pytest.fixture(params=[(v, role) for v in VERSIONS for role in ("postgres", "keeper")], ids=lambda p: f"{p[0]}-{p[1]}")
def base(request: pytest.FixtureRequest, servers: Callable[[int], Server]) -> Iterator[Base]:
    version, role = request.param
    made = Base(servers(version), servers(version).database(holds=MADE), role)
    yield made
    with psycopg.connect(f"{made.server.url}/postgres", autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {made.url.rpartition('/')[2]} (FORCE)")


def test_the_catalog_holds_what_the_database_has(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        found = await live.now()
        table = found.relation_named("s", "t")
        assert table is not None
        assert [trigger.name for trigger in table.triggers] == ["g"]
        assert [function.volatility for function in found.functions_named("s", "f")] == ["i"]
        assert found.search_path == ("public",)
        assert live.mark() is found

    base.live(work)


def test_whatever_anybody_changes_is_another_catalog(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        for change in CHANGES:
            with base.admin() as connection:
                connection.execute("DROP SCHEMA s CASCADE")
                connection.execute(MADE)
                base.clock.at += catalog.TTL_S
                before = await live.now()
                connection.execute(change)
                base.clock.at += catalog.TTL_S
                assert live.mark() is None
                after = await live.now()
                assert after is not before, change
                assert after.version != before.version, change
                if "s.f(int)" in change and "EXTENSION" in change:
                    connection.execute("ALTER EXTENSION plpgsql DROP FUNCTION s.f(int)")
                connection.execute("DROP SCHEMA IF EXISTS other CASCADE; CREATE SCHEMA IF NOT EXISTS s")

    base.live(work)


def test_what_is_no_change_is_the_same_catalog(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        before = await live.now()
        for what in ("INSERT INTO s.t (total) SELECT 1 FROM generate_series(1, 1000)", "ANALYZE s.t", "SELECT 1"):
            with base.admin() as connection:
                connection.execute("VACUUM s.t")
                connection.execute(what)
            base.clock.at += catalog.TTL_S
            assert await live.now() is before

    base.live(work)
    assert base.opened == 1


def test_a_change_that_commits_after_a_later_one_is_seen(base: Base) -> None:
    """The highest xmin and the number of rows stay the same: what a cheaper check would look at."""

    async def work(live: LiveCatalog) -> None:
        with base.admin() as slow, base.admin() as fast:
            fast.execute("CREATE FUNCTION s.other() RETURNS int LANGUAGE sql AS 'SELECT 1'")
            slow.execute("BEGIN; SELECT pg_current_xact_id()")
            slow.execute("ALTER FUNCTION s.f VOLATILE")
            fast.execute("ALTER FUNCTION s.other IMMUTABLE")
            between = await live.now()
            assert between.functions_named("s", "f")[0].volatility == "i"
            slow.execute("COMMIT")
            base.clock.at += catalog.TTL_S
            after = await live.now()
            assert after.functions_named("s", "f")[0].volatility == "v"

    base.live(work)


def test_a_change_is_seen_after_a_second_and_by_who_was_told_at_once(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        before = await live.now()
        with base.admin() as connection:
            connection.execute("ALTER FUNCTION s.f VOLATILE")
        base.clock.at += catalog.TTL_S * 0.9
        assert await live.now() is before
        live.defined()
        assert live.mark() is None
        told = await live.now()
        assert told.functions_named("s", "f")[0].volatility == "v"
        with base.admin() as connection:
            connection.execute("ALTER FUNCTION s.f STABLE")
        base.clock.at += catalog.TTL_S
        assert (await live.now()).functions_named("s", "f")[0].volatility == "s"

    base.live(work)


def test_many_who_ask_at_once_share_one_look_but_not_one_from_before_a_change(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        found = await asyncio.gather(*(live.now() for _ in range(20)))
        assert len({id(one) for one in found}) == 1
        live.defined()
        early = asyncio.create_task(live.now())
        with base.admin() as connection:
            while not early.done() and connection.execute(LOOKING).fetchone() == (0,):
                await asyncio.sleep(0)
            assert not early.done()
            connection.execute("ALTER FUNCTION s.f VOLATILE")
        live.defined()
        late = await live.now()
        assert late.functions_named("s", "f")[0].volatility == "v"
        assert isinstance(await early, Snapshot)

    base.live(work)
    assert base.opened == 1


def test_nothing_is_decided_on_a_catalog_that_cannot_be_looked_at_again(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        await live.now()
        good, base.url = base.url, base.url.replace(f":{base.server.port}", ":1")
        with psycopg.connect(good, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        base.clock.at += catalog.TTL_S
        for _ in range(2):
            with pytest.raises(YettError):
                await live.now()
            assert live.mark() is None
        base.url = good
        assert isinstance(await live.now(), Snapshot)

    base.live(work)


def test_a_caller_who_goes_away_leaves_the_look_to_the_others(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        gone, stays = asyncio.create_task(live.now()), asyncio.create_task(live.now())
        await asyncio.sleep(0.002)
        gone.cancel()
        assert isinstance(await stays, Snapshot)

    base.live(work)
    assert base.opened == 1


def test_a_path_that_changes_under_open_sessions_decides_nothing(base: Base) -> None:
    async def work(live: LiveCatalog) -> None:
        await live.now()
        with base.admin() as connection:
            connection.execute(f"ALTER DATABASE {base.url.rpartition('/')[2]} SET search_path = s, public")
        base.clock.at += catalog.TTL_S
        for _ in range(2):
            with pytest.raises(YettError, match="search_path has changed"):
                await live.now()

    base.live(work, schemas=["s"])


def test_a_schema_that_the_lease_may_not_use_is_not_in_its_path(base: Base) -> None:
    with base.admin() as connection:
        connection.execute(f"ALTER DATABASE {base.url.rpartition('/')[2]} SET search_path = missing, s, public")

    async def unknown(live: LiveCatalog) -> None:
        with pytest.raises(ConfigurationError, match="has s, and whether"):
            await live.now()

    def expects(path: tuple[str, ...]) -> Callable[[LiveCatalog], Awaitable[None]]:
        async def work(live: LiveCatalog) -> None:
            assert (await live.now()).search_path == path

        return work

    base.live(unknown)
    base.live(expects(("public",)), schemas=[])
    base.live(expects(("s", "public")), schemas=["s"])
    with base.admin() as connection:
        connection.execute("GRANT USAGE ON SCHEMA s TO PUBLIC")
    base.live(expects(("s", "public")))
