"""What a lease reaches through PUBLIC is told, by oid, whether or not its schema is visible."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from yett.model.errors import YettError
from yett.providers.postgres.lease import make_lease
from yett.providers.postgres.reach import public_reach, reachable_definers
from yett.providers.postgres.scope import Table, read_only

from .conftest import Shop

FUNCTIONS = """
SET ROLE app;
CREATE FUNCTION shop.empty() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM shop.orders';
CREATE FUNCTION other.unseen(int) RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = other AS 'SELECT $1';
CREATE FUNCTION shop.own_rights() RETURNS void LANGUAGE sql AS 'DELETE FROM shop.orders';
CREATE FUNCTION shop.kept() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
REVOKE EXECUTE ON FUNCTION shop.kept FROM PUBLIC;
RESET ROLE;
CREATE FUNCTION shop.mighty() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1';
"""


def test_every_definer_that_a_lease_may_execute_is_told_and_really_works(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute(FUNCTIONS)
    until = datetime.now(UTC) + timedelta(hours=1)
    role = shop.owned(lambda own: make_lease(own, read_only(schemas=["shop"]), "t", until))
    found = {d.name: d for d in shop.owned(lambda own: reachable_definers(own, role.name))}
    assert sorted(found) == ["empty", "mighty", "unseen"]
    assert found["unseen"].pinned_path
    assert not found["empty"].pinned_path
    assert found["mighty"].owner_is_superuser
    assert not found["empty"].owner_is_superuser
    assert all(definer.through_public for definer in found.values())
    with shop.enter(role) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute("SELECT shop.empty()")
        assert connection.execute("SELECT count(*) FROM shop.orders").fetchone() == (0,)  # what the list is for


def test_a_definer_is_told_only_of_a_lease(shop: Shop) -> None:
    with pytest.raises(YettError, match="not the name of a lease"):
        shop.owned(lambda own: reachable_definers(own, "app"))


def test_what_everybody_has_is_told(shop: Shop) -> None:
    with shop.admin() as connection:
        connection.execute("GRANT SELECT ON shop.orders TO PUBLIC; GRANT UPDATE (name) ON shop.users TO PUBLIC")
        connection.execute("GRANT CREATE ON SCHEMA other TO PUBLIC; GRANT SELECT ON other.secrets TO app")
    reach = shop.owned(public_reach)
    assert reach.relations == {Table("shop", "orders"): ("SELECT",), Table("shop", "users"): ("UPDATE",)}
    assert reach.creatable == ("other",)
