"""A dump counts as an undo only if what it restores is equal, table by table and byte by byte."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from yett.model.errors import YettError
from yett.providers.postgres import dump
from yett.providers.postgres.content import read_content
from yett.providers.postgres.server import scratch_server

ODD = """
CREATE TABLE bookings (id serial PRIMARY KEY, price numeric, extra jsonb, scan bytea, at timestamptz DEFAULT now(),
  note text, days int[], total numeric GENERATED ALWAYS AS (price * 2) STORED);
INSERT INTO bookings (price, extra, scan, note, days)
  SELECT i / 3.0, jsonb_build_object('i', i), '\\x00ff0a', CASE WHEN i % 3 = 0 THEN NULL ELSE 'é\t\n' || i END,
    ARRAY[i, NULL]
  FROM generate_series(1, 500) i;
CREATE VIEW prices AS SELECT id, total FROM bookings;
CREATE INDEX ON bookings (note);
"""


@pytest.fixture(scope="module")
def database() -> Iterator[dump.Address]:
    with scratch_server() as parameters:
        address = dump.Address(tuple(sorted(parameters.items())), "")
        with address.connect() as connection:
            connection.execute(ODD)
        yield address


def test_a_dump_restores_beside_and_is_equal(database: dump.Address, tmp_path: Path) -> None:
    content = dump.capture(database, tmp_path)
    dump.verify(tmp_path, content)
    assert content.rows == 500
    assert [name for name, _, _ in content.sequences] == ["public.bookings_id_seq"]


def test_one_changed_value_is_a_difference(database: dump.Address, tmp_path: Path) -> None:
    before = dump.capture(database, tmp_path)
    with database.connect() as connection:
        connection.execute("UPDATE bookings SET note = 'other' WHERE id = 1")
        after = read_content(connection)
        connection.rollback()
    assert before.differences(after) == ["table public.bookings: 500 rows became 500, or their bytes differ"]


def test_a_damaged_dump_is_no_undo(database: dump.Address, tmp_path: Path) -> None:
    content = dump.capture(database, tmp_path)
    whole = (tmp_path / dump.DUMP).read_bytes()
    (tmp_path / dump.DUMP).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(YettError, match="pg_restore failed"):
        dump.verify(tmp_path, content)


def test_a_dump_of_other_content_is_no_undo(database: dump.Address, tmp_path: Path) -> None:
    content = dump.capture(database, tmp_path)
    with database.connect() as connection:
        connection.execute("CREATE TABLE later (x int)")
    try:
        with database.connect() as connection:
            grown = read_content(connection)
        with pytest.raises(YettError, match=r"table public\.later is missing"):
            dump.verify(tmp_path, grown)
    finally:
        with database.connect() as connection:
            connection.execute("DROP TABLE later")
    assert content.rows == 500


def test_the_password_is_in_no_message_and_no_repr() -> None:
    address = dump.Address.parse("postgresql://app:hunter2hunter2@127.0.0.1:1/rentals")
    assert "hunter2" not in repr(address)
    with pytest.raises(YettError) as refused:
        address.connect()
    assert "hunter2" not in str(refused.value)


def test_code_in_a_dump_has_no_superuser_to_run_as(tmp_path: Path) -> None:
    """An index expression calls its function while the dump is restored beside: it must not be the superuser's."""
    with scratch_server() as parameters, dump.Address(tuple(sorted(parameters.items())), "").connect() as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    assert row == (False,)
