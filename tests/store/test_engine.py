"""Opening a store, reading it, and what it refuses."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, inspect, select, update
from sqlalchemy.exc import IntegrityError, StatementError

import yett
from yett.model.errors import ConfigurationError, StoreUnavailable
from yett.store import Store, open_store
from yett.store.migrate import Step, steps
from yett.store.tables import acts, keys, lockdown, meta, metadata, persons, schema_version


def test_opening_twice_is_the_same_store(store: Store, store_url: str) -> None:
    again = open_store(store_url)
    assert again.id == store.id
    assert len(again.id) == 32
    again.close()


def test_the_migrated_schema_is_the_declared_one(store: Store) -> None:
    def actual(connection):
        inspector = inspect(connection)
        return {
            table: (
                {c["name"]: (c["type"].python_type, c["nullable"]) for c in inspector.get_columns(table)},
                inspector.get_pk_constraint(table)["constrained_columns"],
                {i["name"] for i in inspector.get_indexes(table) if not i["unique"]},
                {(f["constrained_columns"][0], f["referred_table"]) for f in inspector.get_foreign_keys(table)},
                {tuple(u["column_names"]) for u in inspector.get_unique_constraints(table)},
            )
            for table in inspector.get_table_names()
        }

    declared = {
        table.name: (
            {c.name: (_python_type(c, store), bool(c.nullable)) for c in table.columns},
            [c.name for c in table.primary_key.columns],
            {str(i.name) for i in table.indexes if not i.unique},
            {(f.parent.name, f.column.table.name) for f in table.foreign_keys},
            {(c.name,) for c in table.columns if c.unique},
        )
        for table in metadata.tables.values()
    }
    assert store.read(actual) == declared


def _python_type(column, store: Store) -> type:
    kind = getattr(column.type, "impl_instance", column.type).python_type
    return int if kind is bool and store.dialect == "sqlite" else kind


def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable):
        store.read(lambda connection: connection.execute(delete(meta)))
    assert store.read(lambda c: c.execute(select(meta.c.value).where(meta.c.key == "realm")).scalar()) == "real"


def test_a_read_sees_one_moment(store: Store) -> None:
    def twice(connection):
        first = connection.execute(select(persons)).all()
        with store.writing() as other:
            other.execute(insert(persons), {"id": "ada", "name": "Ada", "enrolled_at": 1})
        return first == connection.execute(select(persons)).all()

    assert store.read(twice)
    assert len(store.read(lambda c: c.execute(select(persons)).all())) == 1


def test_a_failed_write_leaves_nothing(store: Store) -> None:
    ada = {"id": "ada", "name": "Ada", "enrolled_at": 1}
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(insert(persons), [ada, ada])
    assert store.read(lambda c: c.execute(select(persons)).all()) == []


def test_a_key_belongs_to_an_enrolled_person(store: Store) -> None:
    key = {
        "id": "k",
        "person": "nobody",
        "public_key": b"",
        "sign_count": 0,
        "aaguid": "",
        "label": "",
        "enrolled_at": 1,
    }
    with pytest.raises(IntegrityError), store.writing() as connection:
        connection.execute(insert(keys), key)


def test_json_is_stored_canonical_and_floats_are_refused(store: Store) -> None:
    times = {"created_at": 1, "expires_at": 2}
    row = {"id": "s-1", "kind": "k", "state": "waiting", "nonce": "n", "proposed_by": "ada", **times}
    with store.writing() as connection:
        connection.execute(insert(acts), {**row, "checkpoint": "", "ended": "", "body": [{"b": 1, "a": "é"}]})
    assert store.read(lambda c: c.execute(select(acts.c.body)).scalar()) == [{"a": "é", "b": 1}]
    raw = store.read(lambda c: c.exec_driver_sql("SELECT body FROM acts").scalar())
    assert raw == '[{"a":"é","b":1}]'
    with pytest.raises(StatementError, match="float"), store.writing() as connection:
        connection.execute(update(acts).values(body=[1.5]))


def test_reserved_words_are_columns_like_any_other(store: Store) -> None:
    with store.writing() as connection:
        connection.execute(insert(lockdown), {"scope": "all", "on": True, "since": 1, "by": "ada"})
    assert store.read(lambda c: c.execute(select(lockdown.c.on, lockdown.c.by)).one()) == (True, "ada")


def test_a_newer_schema_is_refused_in_words(store: Store, store_url: str) -> None:
    with store.writing() as connection:
        connection.execute(insert(schema_version), {"version": 99, "name": "tomorrow", "applied_at": 1})
    with pytest.raises(ConfigurationError, match="schema 99, made by a newer Yett") as refused:
        open_store(store_url)
    assert "Upgrade" in refused.value.remedy


def test_an_older_schema_is_brought_forward(store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step = Step(len(steps()) + 1, "fruit", ("CREATE TABLE fruit (id {integer} PRIMARY KEY NOT NULL) {table_end}",))
    monkeypatch.setattr("yett.store.engine.steps", lambda: (*steps(), step))
    again = open_store(store_url)
    assert again.id == store.id
    assert again.read(lambda c: inspect(c).has_table("fruit"))
    again.close()


def test_a_migration_that_fails_leaves_the_old_schema(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(store_url).close()
    bad = Step(len(steps()) + 1, "bad", ("CREATE TABLE fruit (id {integer}) {table_end}", "CREATE NONSENSE"))
    with monkeypatch.context() as patch:
        patch.setattr("yett.store.engine.steps", lambda: (*steps(), bad))
        with pytest.raises(StoreUnavailable):
            open_store(store_url)
    again = open_store(store_url)
    assert not again.read(lambda c: inspect(c).has_table("fruit"))
    again.close()


def test_a_drill_never_opens_a_real_store(store: Store, store_url: str) -> None:
    assert store.realm == "real"
    with pytest.raises(ConfigurationError, match="real realm"):
        open_store(store_url, realm="drill")


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x", "not a url"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError):
        open_store(url)


def test_the_file_is_its_owners_only(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/yett.db")
    with store.writing() as connection:
        connection.execute(insert(persons), {"id": "ada", "name": "Ada", "enrolled_at": 1})
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {"yett.db": 0o600, "yett.db-wal": 0o600, "yett.db-shm": 0o600}
    store.close()


def test_sqlite_commits_reach_the_disk(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/yett.db")
    with store.writing() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]
    store.close()


def test_postgresql_commits_reach_the_disk_even_if_the_server_defaults_otherwise(postgres) -> None:
    url = postgres.database()
    store = open_store(url)
    with store.writing() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")
    store.close()
    store = open_store(url)
    with store.writing() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    store.close()


def test_what_is_not_a_store_is_refused(tmp_path: Path) -> None:
    (tmp_path / "yett.db").write_bytes(os.urandom(8192))
    with pytest.raises(StoreUnavailable, match="not a database"):
        open_store(f"sqlite:///{tmp_path}/yett.db")
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}/missing/yett.db")


def test_a_database_server_that_is_not_there_is_said_in_words() -> None:
    with pytest.raises(StoreUnavailable) as refused:
        open_store("postgresql://postgres:hunter2@127.0.0.1:1/yett")
    assert "hunter2" not in refused.value.diagnostics()


def test_only_the_ledgers_writer_and_the_migrations_write() -> None:
    """Law 2: a change of state without its log entry in the same transaction cannot be written by accident."""
    source = Path(yett.__file__).parent
    users = {str(file.relative_to(source)) for file in source.rglob("*.py") if ".writing()" in file.read_text()}
    assert users == {"store/engine.py", "ledger/writer.py"}
