"""A lease has its tables' owner's rights for one approved statement, where the gateway says SET LOCAL ROLE, only."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from yett.model.errors import YettError
from yett.providers.postgres.elevation import elevate, lower
from yett.providers.postgres.lease import LeaseRole, make_lease, revoke_lease
from yett.providers.postgres.scope import read_write

from .conftest import Shop


def lease(shop: Shop) -> LeaseRole:
    until = datetime.now(UTC) + timedelta(hours=1)
    return shop.owned(lambda own: make_lease(own, read_write(schemas=["shop"]), "t", until))


def test_an_elevated_lease_has_the_owners_rights_only_where_it_says_so(shop: Shop) -> None:
    role = lease(shop)
    with shop.enter(role) as connection, shop.enter(role) as beside:
        shop.owned(lambda own: elevate(own, role.name, "app"))
        for session in (connection, beside):
            with pytest.raises(errors.InsufficientPrivilege):
                session.execute("ALTER TABLE shop.orders ADD note text")
        connection.execute("BEGIN; SET LOCAL ROLE app; ALTER TABLE shop.orders ADD note text; CREATE TABLE shop.new ()")
        connection.execute("COMMIT")
        shop.owned(lambda own: lower(own, role.name, "app"))
        shop.owned(lambda own: lower(own, role.name, "app"))
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("SET ROLE app")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("DROP TABLE shop.new")
    assert shop.owned(lambda own: revoke_lease(own, role.name)) == ()
    with shop.admin() as connection:
        assert connection.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'new'").fetchone() == ("app",)


def test_a_crash_between_elevate_and_lower_ends_with_the_lease(shop: Shop) -> None:
    role = lease(shop)
    with shop.enter(role) as connection:
        shop.owned(lambda own: elevate(own, role.name, "app"))
        connection.execute("SET ROLE app")
        shop.owned(lambda own: revoke_lease(own, role.name))
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_no_lease_becomes_a_role_that_can_do_more_than_own_tables(shop: Shop) -> None:
    role = lease(shop)
    with shop.admin() as connection:
        connection.execute("CREATE ROLE yettless; GRANT pg_read_server_files TO yettless")
        connection.execute("CREATE ROLE boss; GRANT postgres TO boss")
    try:
        for owner in ("postgres", "keeper", "yettless", "boss"):
            with pytest.raises(YettError):
                shop.owned(lambda own, owner=owner: elevate(own, role.name, owner))
        with pytest.raises(YettError, match="not the name of a lease"):
            shop.owned(lambda own: elevate(own, "keeper", "app"))
    finally:
        with shop.admin() as connection:
            connection.execute("DROP ROLE yettless; DROP ROLE boss")


def test_an_owner_that_yetts_own_role_may_not_give_is_refused_without_the_leases_name(shop: Shop) -> None:
    """From 16 on CREATEROLE needs ADMIN OPTION on the role it gives."""
    role = lease(shop)
    with shop.admin() as connection:
        connection.execute("CREATE ROLE stranger")
    try:
        if shop.version >= 16 and shop.own_role == "keeper":
            with pytest.raises(YettError) as refused:
                shop.owned(lambda own: elevate(own, role.name, "stranger"))
            assert role.name not in str(refused.value)
        else:
            shop.owned(lambda own: elevate(own, role.name, "stranger"))
    finally:
        with shop.admin() as connection:
            connection.execute("DROP ROLE stranger")
