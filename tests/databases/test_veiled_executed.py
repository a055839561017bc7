"""What EXECUTE shows of masked columns hangs on what its name stands for; and pg_dump, which lives of EXECUTE."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import pq
from tests.databases.company_of_tests import Company
from tests.databases.test_dumped import dumped

from yett.gateway.postgres.catalog import TTL_S
from yett.lab.postgres import find_binaries

SECRET = "@EXAMPLE.COM"
SECRETS = ("@example.com", SECRET)


def shown(connection: psycopg.Connection[Any], text: str, *, named: bool) -> str:
    """Of a Query, or of a statement that was parsed under a name and is executed twice."""
    if not named:
        return str(connection.execute(text.encode()).fetchall())
    low = connection.pgconn
    results = [
        low.prepare(b"around", text.encode()),
        low.exec_prepared(b"around", []),
        low.exec_prepared(b"around", []),
    ]
    assert low.exec_(b"DEALLOCATE around").status == results[0].status == pq.ExecStatus.COMMAND_OK
    return str([one.get_value(row, 0) or one.error_message for one in results[1:] for row in range(one.ntuples)])


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize(
    ("prepared", "arguments", "clear"),
    [
        ("SELECT 'x' || plan FROM users WHERE id = $1", "7", "xteam"),
        ("SELECT count(*) FROM users WHERE email LIKE 'user7@%' AND id = $1", "7", "1"),
        ("SELECT upper(email) FROM users WHERE id = $1", "7", ""),
        ("SELECT row_to_json(u) FROM users u WHERE id = $1", "7", ""),
        ("SELECT email FROM users WHERE id = $1", "7", ""),
        ("SELECT $1::text || ''", "'plain'", "plain"),
        ("SELECT $1::text || ''", "address_of(7)", ""),
    ],
)
def test_it_shows_what_its_statement_shows(
    veiled: Company, prepared: str, arguments: str, clear: str, *, named: bool
) -> None:
    veiled.directly(
        "CREATE FUNCTION address_of(int) RETURNS text STABLE BEGIN ATOMIC"
        " SELECT upper(email) FROM users WHERE id = $1; END"
    )
    with veiled.connect(autocommit=True) as connection:
        connection.execute(f"PREPARE p AS {prepared}".encode())
        seen = shown(connection, f"EXECUTE p({arguments})", named=named)
    assert clear in seen
    assert not any(secret in seen for secret in SECRETS)


def prepared_anew(veiled: Company, connection: psycopg.Connection[Any]) -> None:
    connection.execute("DEALLOCATE p; PREPARE p AS SELECT upper(email) FROM users WHERE id = 7")


def renamed_by_somebody_else(veiled: Company, connection: psycopg.Connection[Any]) -> None:
    """The server plans it again, with the column that has the name now."""
    veiled.directly("ALTER TABLE users RENAME plan TO spare; ALTER TABLE users RENAME email TO plan")
    time.sleep(TTL_S)


@pytest.mark.parametrize("named", [False, True])
@pytest.mark.parametrize("changed", [prepared_anew, renamed_by_somebody_else])
def test_another_value_under_the_same_name(
    veiled: Company, changed: Callable[[Company, psycopg.Connection[Any]], None], *, named: bool
) -> None:
    with veiled.connect(autocommit=True) as connection:
        connection.execute("PREPARE p AS SELECT upper(plan) FROM users WHERE id = 7")
        assert "TEAM" in shown(connection, "EXECUTE p", named=named)
        changed(veiled, connection)
        assert SECRET not in shown(connection, "EXECUTE p", named=named)


def test_a_name_that_the_protocol_gave(veiled: Company) -> None:
    with veiled.connect(autocommit=True) as connection:
        low = connection.pgconn
        low.prepare(b"q", b"SELECT upper(plan) FROM users WHERE id = 7")
        assert "TEAM" in shown(connection, "EXECUTE q", named=False)
        low.prepare(b"p", b"SELECT upper(email) FROM users WHERE id = 7")
        assert SECRET not in shown(connection, "EXECUTE p", named=False)


@pytest.mark.parametrize("options", [["--schema-only"], ["--data-only", "-T", "users"]], ids=str)
def test_a_dump_of_what_is_not_masked_is_what_a_dump_past_the_gate_is(veiled: Company, options: list[str]) -> None:
    program = Path(find_binaries()) / "pg_dump"
    assert dumped(program, veiled.url, *options) == dumped(program, veiled.direct, *options)
    assert not veiled.laws.plane.desk.waiting()


def test_a_dump_with_masked_values_is_refused_and_says_how(veiled: Company) -> None:
    command = [Path(find_binaries()) / "pg_dump", "-n", "public", veiled.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "yett database show saas users.email" in done.stderr
    assert "@example.com" not in done.stdout + done.stderr
