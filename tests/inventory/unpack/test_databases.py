"""SQLite databases give their cells; planted ones neither run anything nor take long."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest
from tests.inventory.unpack.made import database, unpacked, value, zipped

from yett.inventory.unpack import Limits, is_container


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state.vscdb"


def test_a_table_of_keys_and_values(place: Path) -> None:
    chat = '{"text": "use ' + value(1).decode() + '"}'
    database(
        place,
        "CREATE TABLE ItemTable (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)",
        ("INSERT INTO ItemTable VALUES (?, ?)", ("aichat.prompts", chat)),
        ("INSERT INTO ItemTable VALUES (?, ?)", ("some.token", value(2))),
    )
    assert is_container("state.vscdb", place.read_bytes()[:512])
    texts, unread = unpacked(place, "state.vscdb")
    assert unread == []
    assert texts["state.vscdb!/ItemTable/key=some.token"] == b"some_token=" + value(2)
    assert texts["state.vscdb!/ItemTable/key=aichat.prompts"] == chat.encode()


def test_rows_are_called_by_table_column_and_row(place: Path) -> None:
    database(
        place,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, mail TEXT, token TEXT, picture BLOB, n INTEGER)",
        ("INSERT INTO users VALUES (17, 'a@example.test', ?, ?, 123456789)", (value(3).decode(), b"\0\1" + value(4))),
    )
    assert unpacked(place, "x.db")[0] == {
        "x.db!/users.mail[17]": b"mail=a@example.test",
        "x.db!/users.token[17]": b"token=" + value(3),
        "x.db!/users.picture[17]": b"\0\1" + value(4),
    }


def test_logins_of_gcloud(place: Path) -> None:
    login = '{"refresh_token": "' + value(8).decode() + '"}'
    database(
        place,
        "CREATE TABLE credentials (account_id TEXT PRIMARY KEY, value BLOB)",
        ("INSERT INTO credentials VALUES ('ada@example.test', ?)", (login.encode(),)),
        "CREATE TABLE access_tokens (account_id TEXT PRIMARY KEY, access_token TEXT, token_expiry TIMESTAMP)",
        ("INSERT INTO access_tokens VALUES ('ada@example.test', ?, '2026-11-20 10:00:00')", (value(9).decode(),)),
    )
    texts, unread = unpacked(place, "credentials.db")
    assert texts["credentials.db!/credentials/account_id=ada@example.test"] == login.encode()
    assert texts["credentials.db!/access_tokens.access_token[1]"] == b"access_token=" + value(9)
    assert unread == []


def test_tables_without_rowid_and_utf16_and_odd_names(place: Path) -> None:
    database(
        place,
        "PRAGMA encoding = 'UTF-16le'",
        'CREATE TABLE "a ""b"" \'c\'" ("k;--" TEXT PRIMARY KEY, "v v" TEXT, w TEXT) WITHOUT ROWID',
        ("INSERT INTO \"a \"\"b\"\" 'c'\" VALUES ('short', ?, 'ключ-ключ')", (value(5).decode(),)),
    )
    texts, unread = unpacked(place, "x")
    assert unread == []
    assert texts["x!/a \"b\" 'c'.v v[1]"] == b"v_v=" + value(5)
    assert texts["x!/a \"b\" 'c'.w[1]"] == "w=ключ-ключ".encode()


def test_a_database_within_an_archive_also_one_with_a_log(place: Path) -> None:
    database(
        place,
        "PRAGMA journal_mode = WAL",
        "CREATE TABLE t (v TEXT)",
        ("INSERT INTO t VALUES (?)", (value(6).decode(),)),
    )
    made = zipped({"a/credentials.db": place.read_bytes()})
    assert unpacked(made, "x.zip") == ({"x.zip!/a/credentials.db!/t.v[1]": b"v=" + value(6)}, [])


def test_rows_that_only_the_log_has_yet(place: Path) -> None:
    writer = sqlite3.connect(place)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("CREATE TABLE t (v TEXT)")
    writer.execute("INSERT INTO t VALUES (?)", (value(7).decode(),))
    writer.commit()
    before = {name: (place.parent / name).read_bytes() for name in os.listdir(place.parent)}
    texts, _ = unpacked(place, "x")
    assert any(value(7) in text and b"\0" not in text for text in texts.values())
    assert before == {name: (place.parent / name).read_bytes() for name in os.listdir(place.parent)}
    writer.close()


def test_a_place_with_marks_of_uris_in_its_name(tmp_path: Path) -> None:
    place = tmp_path / "50%3f?mode=rwc#x.db"
    database(tmp_path / "made.db", "CREATE TABLE t (v TEXT)", "INSERT INTO t VALUES ('something')").rename(place)
    assert list(unpacked(place, "x")[0].values()) == [b"v=something"]


@pytest.mark.parametrize("name", ["Cookies", "Login Data", "cookies.sqlite", "key4.db"])
def test_browsers_stores_are_not_read_by_name(place: Path, name: str) -> None:
    database(place, "CREATE TABLE t (v TEXT)", "INSERT INTO t VALUES ('something')")
    texts, unread = unpacked(place, f"/home/ada/{name}")
    assert texts == {}
    assert unread[0].why == "a browser's own store: not read"


@pytest.mark.parametrize(
    "schema", ["moz_cookies (name, value)", "cookies (encrypted_value)", "logins (password_value)"]
)
def test_browsers_stores_are_not_read_under_another_name(place: Path, schema: str) -> None:
    database(place, "CREATE TABLE other (v TEXT)", "INSERT INTO other VALUES ('something')", f"CREATE TABLE {schema}")
    texts, unread = unpacked(place, "copy.db")
    assert texts == {}
    assert len(unread) == 1


def test_views_triggers_and_computed_columns_are_not_run(place: Path) -> None:
    database(
        place,
        "CREATE TABLE t (v TEXT, big TEXT GENERATED ALWAYS AS (hex(zeroblob(100000000))) VIRTUAL)",
        "INSERT INTO t VALUES ('something')",
        "CREATE VIEW endless AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE VIRTUAL TABLE words USING fts5(body)",
    )
    texts, unread = unpacked(place, "x")
    assert texts["x!/t.v[1]"] == b"v=something"
    assert not any("big" in name or "endless" in name for name in texts)
    assert unread == []


def test_steps_are_limited(place: Path) -> None:
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200000) SELECT i FROM n"
    database(place, "CREATE TABLE t (v INTEGER)", f"INSERT INTO t {many}")
    _, unread = unpacked(place, "x", Limits(steps=200_000))
    assert [one.why for one in unread] == ["a database that takes too many steps: the rest was not read"]


def test_a_cell_larger_than_a_member_may_be(place: Path) -> None:
    database(place, "CREATE TABLE t (v BLOB)", "INSERT INTO t VALUES (zeroblob(3000000))", "CREATE TABLE u (v TEXT)")
    texts, unread = unpacked(place, "x", Limits(member=1 << 20))
    assert texts == {}
    assert [one.what for one in unread] == ["x!/t"]


@pytest.mark.parametrize("cut", [16, 100, 600, 4096, 5000])
def test_a_database_that_is_cut_off(place: Path, cut: int) -> None:
    rows = [("INSERT INTO t VALUES (?)", (value(n, 500).decode(),)) for n in range(50)]
    database(place, "CREATE TABLE t (v TEXT)", *rows)
    whole = place.read_bytes()
    assert len(whole) > 8192
    place.write_bytes(whole[:cut])
    for source in (place, whole[:cut]):
        assert unpacked(source, "x")[1]
