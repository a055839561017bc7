"""Reads that differ in numbers alone pass by the shape of the first: each is watched, judged and in the log."""

from __future__ import annotations

import time
from hashlib import sha256

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.checkpoint import tally
from yett.gateway.databases.desk import StatementDesk
from yett.gateway.postgres.catalog import TTL_S

CALLED = "SELECT told({})"


@pytest.fixture
def by_shape(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Texts that passed by their shape."""
    passed: list[bytes] = []
    alike_now = StatementDesk.alike_now

    def noted(desk: StatementDesk, sql: bytes) -> bool:
        passes = alike_now(desk, sql)
        if passes:
            passed.append(sql)
        return passes

    monkeypatch.setattr(StatementDesk, "alike_now", noted)
    return passed


def test_each_is_in_the_log_once_by_its_own_digest(company: Company, by_shape: list[bytes]) -> None:
    texts = [f"SELECT name FROM users WHERE id = {n}" for n in range(1, 101)]
    with company.connect(autocommit=True) as connection:
        names = [connection.execute(text).fetchall() for text in texts]  # type: ignore[arg-type]
    assert names == [company.truth(text) for text in texts]
    assert len(by_shape) > 80
    time.sleep(10 * tally.LINGER_S)
    logged = [entry["body"]["request"][: tally.DIGITS] for entry in company.laws.entries("read")]
    for entry in company.laws.entries("reads"):
        for first, like in entry["body"].get("like", {}).items():
            assert first[: tally.DIGITS] in logged
            logged += like.split()
    assert [logged.count(sha256(text.encode()).hexdigest()[: tally.DIGITS]) for text in texts] == [1] * 100


def test_a_shape_does_not_outlive_the_catalog_that_it_was_read_against(company: Company, by_shape: list[bytes]) -> None:
    made = "CREATE OR REPLACE FUNCTION told(int) RETURNS int LANGUAGE sql {} AS 'SELECT $1'"
    company.directly(made.format("IMMUTABLE"))
    with company.connect(autocommit=True) as connection:
        for n in range(20):
            connection.execute(CALLED.format(n))  # type: ignore[call-overload]
        assert by_shape
        company.directly(made.format("VOLATILE"))
        company.directly("DROP FUNCTION told")
        company.directly(
            "CREATE FUNCTION told(int) RETURNS int LANGUAGE plpgsql AS"
            " $$ BEGIN EXECUTE 'DELETE FROM events'; RETURN 1; END $$"
        )
        time.sleep(TTL_S)
        connection.execute("SELECT count(*) FROM users")  # what is known of the catalog is young again
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(CALLED.format(77))  # type: ignore[call-overload]
    assert company.truth("SELECT count(*) > 0 FROM events") == [(True,)]


def test_a_secret_of_digits_alone_is_refused_in_a_text_of_a_known_shape(
    company: Company, by_shape: list[bytes]
) -> None:
    secret = "8214990137726405"
    plane = company.laws.plane
    company.laws.call(lambda: plane.vault.put("card", "bank", "number", secret, "pays", "ada"))
    with company.connect(autocommit=True) as connection:
        for n in range(20):
            connection.execute(f"SELECT {secret[:-2]}{n + 10}")  # type: ignore[call-overload]
        assert by_shape
        before = company.laws.checkpoint.state(company.session.id).counts["alarms"]  # type: ignore[union-attr]
        with pytest.raises(psycopg.Error, match="secret"):
            connection.execute(f"SELECT {secret}")  # type: ignore[call-overload]
        after = company.laws.checkpoint.state(company.session.id).counts["alarms"]  # type: ignore[union-attr]
    assert after == before + 1


def test_what_is_more_than_another_number_is_looked_at(company: Company, by_shape: list[bytes]) -> None:
    with company.connect(autocommit=True) as connection:
        for n in range(20):
            connection.execute(f"SELECT name FROM users WHERE id = {n}")  # type: ignore[call-overload]
        passed = len(by_shape)
        for other in ("SELECT name FROM users WHERE id = 1 AND plan = 'team'", "SELECT name FROM users WHERE id = $1"):
            connection.execute(other.replace("$1", "1.5"))  # type: ignore[call-overload]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DROP TABLE events")
    assert len(by_shape) == passed
