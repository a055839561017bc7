"""A role for one statement: it has the owner's rights on one connection, nobody else has, and nothing is left."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import psycopg
import pytest

from yett.model.errors import YettError
from yett.providers.postgres import own as own_connection
from yett.providers.postgres.dump import Address
from yett.providers.postgres.once import Terms, lent_once
from yett.providers.postgres.own import Own
from yett.providers.postgres.revoke import sweep

from .conftest import Shop

TERMS = Terms("app", ("shop",), 1_000, 20_000)
BUILD = "CREATE INDEX CONCURRENTLY orders_by_total ON orders (total)"
ONCE = "SELECT count(*) FROM pg_roles WHERE rolname ~ '^yett_once_'"
MEMBERS = "SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname ~ '^yett_once_'"
AT_WORK = "SELECT count(*) FROM pg_stat_activity WHERE usename ~ '^yett_once_'"


@dataclass
class Pool:
    shop: Shop
    fails_after: int = 1000
    used: int = 0

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[Own]:
        self.used += 1
        if self.used > self.fails_after:
            raise YettError("the database cannot be reached")
        address = Address.parse(self.shop.url.replace("postgres@", f"{self.shop.own_role}@"))
        async with await own_connection.connect(address) as own:
            yield own


@dataclass
class Roles:
    alive: set[str] = field(default_factory=set)
    left: list[str] = field(default_factory=list)

    def made(self, name: str) -> None:
        self.alive.add(name)

    def over(self, name: str, *, gone: bool) -> None:
        self.alive.discard(name)
        if not gone:
            self.left.append(name)


def count(shop: Shop, query: str) -> int:
    with shop.admin() as admin:
        (found,) = admin.execute(query).fetchone() or (-1,)  # type: ignore[call-overload]
    return int(found)


def test_it_acts_as_the_owner_and_may_become_nobody_else(shop: Shop) -> None:
    async def run() -> None:
        async with lent_once(Pool(shop), Roles(), TERMS) as connection:
            row = await (await connection.execute("SELECT current_user, session_user <> 'postgres'")).fetchone()
            assert row == ("app", True)
            assert count(shop, MEMBERS) == 0  # taken back before anything is sent
            cursor = await connection.execute(BUILD)
            assert cursor.statusmessage == "CREATE INDEX"
            for role in ("postgres", "keeper"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(f"SET ROLE {role}")
            await connection.execute("RESET ROLE")
            for statement in ("SELECT 1 FROM shop.orders", "SET ROLE app", "DROP INDEX shop.orders_by_total"):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    await connection.execute(statement)

    asyncio.run(run())
    assert count(shop, ONCE) == 0
    assert count(shop, "SELECT count(*) FROM pg_indexes WHERE indexname = 'orders_by_total'") == 1
    with shop.admin() as admin:
        assert admin.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'orders'").fetchone() == ("app",)


def test_workers_that_help_to_build_need_no_membership(shop: Shop) -> None:
    with shop.admin() as admin:
        admin.execute(f"ALTER DATABASE {shop.database} SET min_parallel_table_scan_size = 0")
        admin.execute("ALTER TABLE shop.orders SET (parallel_workers = 2)")
        admin.execute("INSERT INTO shop.orders (user_id, total) SELECT 1, i FROM generate_series(1, 20000) i")

    async def run() -> None:
        async with lent_once(Pool(shop), Roles(), TERMS) as connection:
            await connection.execute("SET client_min_messages = debug1")
            said: list[str] = []
            connection.add_notice_handler(lambda one: said.append(str(one.message_primary)))
            await connection.execute("CREATE INDEX orders_by_total ON orders (total)")
            assert any("parallel workers" in one or "with request for" in one for one in said), said

    asyncio.run(run())


def test_a_killed_gateway_leaves_a_role_without_rights_which_a_sweep_ends(shop: Shop) -> None:
    roles = Roles()

    async def run() -> None:
        lending = lent_once(Pool(shop), roles, TERMS)
        connection = await lending.__aenter__()
        with shop.admin() as holder:
            holder.autocommit = False
            holder.execute("LOCK TABLE shop.orders IN SHARE MODE")
            holder.execute("SELECT pg_current_xact_id()")
            building = asyncio.ensure_future(connection.execute(BUILD))
            await asyncio.sleep(0.5)
            assert count(shop, AT_WORK) == 1
            assert count(shop, MEMBERS) == 0
            async with Pool(shop).connection() as own:  # the next start knows of no role that is in use
                assert len(await sweep(own, ())) == 1
            with pytest.raises(psycopg.OperationalError):
                await building
        await lending.__aexit__(None, None, None)

    asyncio.run(run())
    assert count(shop, ONCE) == count(shop, AT_WORK) == 0


def test_a_role_that_cannot_be_ended_is_looked_for_again(shop: Shop) -> None:
    roles, pool = Roles(), Pool(shop, fails_after=2)

    async def run() -> None:
        async with lent_once(pool, roles, TERMS) as connection:
            await connection.execute(BUILD)

    asyncio.run(run())
    assert len(roles.left) == count(shop, ONCE) == 1
    assert count(shop, MEMBERS) == 0
    assert roles.alive == set()
    assert len(shop.owned(lambda own: sweep(own, ()))) == 1


@pytest.mark.parametrize("fails_after", [0, 1])
def test_nothing_runs_where_a_step_fails(shop: Shop, fails_after: int) -> None:
    roles = Roles()

    async def run() -> None:
        async with lent_once(Pool(shop, fails_after=fails_after), roles, TERMS):
            raise AssertionError("it was let in")

    with pytest.raises(YettError):
        asyncio.run(run())
    assert count(shop, MEMBERS) == 0
    shop.owned(lambda own: sweep(own, ()))
    assert count(shop, ONCE) == 0


def test_an_owner_that_may_not_be_lent_leaves_nothing(shop: Shop) -> None:
    async def run() -> None:
        async with lent_once(Pool(shop), Roles(), Terms("nobody_here", (), 0, 1000)):
            raise AssertionError("it was let in")

    with pytest.raises(YettError):
        asyncio.run(run())
    assert count(shop, ONCE) == count(shop, MEMBERS) == 0


KILLED = """
import asyncio, contextlib, sys
from yett.providers.postgres import own as own_connection
from yett.providers.postgres.dump import Address
from yett.providers.postgres.once import Terms, lent_once

class Pool:
    @contextlib.asynccontextmanager
    async def connection(self):
        async with await own_connection.connect(Address.parse(sys.argv[1])) as own:
            yield own

class Roles:
    def made(self, name): pass
    def over(self, name, *, gone): pass

async def run():
    async with lent_once(Pool(), Roles(), Terms("app", ("shop",), 0, 120_000)) as connection:
        print("running", flush=True)
        await connection.execute(sys.argv[2])

asyncio.run(run())
"""


def test_what_runs_for_a_process_that_was_killed_is_ended_by_the_server(shop: Shop) -> None:
    with shop.admin() as holder:
        holder.autocommit = False
        holder.execute("LOCK TABLE shop.orders IN SHARE MODE")
        holder.execute("SELECT pg_current_xact_id()")
        url = shop.url.replace("postgres@", f"{shop.own_role}@")
        with subprocess.Popen([sys.executable, "-c", KILLED, url, BUILD], stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"running\n"
            eventually(lambda: count(shop, AT_WORK) == 1)
            process.kill()
        eventually(lambda: count(shop, AT_WORK) == count(shop, MEMBERS) == 0)
    assert len(shop.owned(lambda own: sweep(own, ()))) == 1


def eventually(seen: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline
        time.sleep(0.1)
