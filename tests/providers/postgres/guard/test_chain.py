"""Undos of the same rows go back step by step, the newest first; any other order, and others' rows, are refused."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psycopg
import pytest
from chained import Steps
from guarded import VERSIONS, Cluster, Database, cluster, guarded
from test_restore import ACCOUNTS

from yett.model.errors import YettError
from yett.providers.postgres.guard.dumps import versions
from yett.providers.postgres.guard.restore import Refused

BOTH = {
    "update, update": ("UPDATE accounts SET n = 50 WHERE id < 5", "UPDATE accounts SET n = n + 1 WHERE id < 9"),
    "update, delete": ("UPDATE accounts SET n = 50 WHERE id < 5", "DELETE FROM accounts WHERE id < 3"),
    "insert, update": ("INSERT INTO accounts VALUES (50, 'new')", "UPDATE accounts SET n = 7 WHERE id > 18"),
    "insert, delete": ("INSERT INTO accounts VALUES (50, 'new'), (51, 'b')", "DELETE FROM accounts WHERE id = 50"),
    "delete, insert": ("DELETE FROM accounts WHERE id = 5", "INSERT INTO accounts VALUES (5, 'else')"),
    "insert, cascade": (
        "INSERT INTO accounts VALUES (50, 'new'); INSERT INTO notes VALUES (90, 50), (91, 5)",
        "DELETE FROM accounts WHERE id IN (5, 50)",
    ),
    "update, cascade": (
        "UPDATE notes SET t = 'changed' WHERE id < 5; UPDATE accounts SET n = 0",
        "DELETE FROM accounts WHERE id < 8",
    ),
    "key": ("UPDATE notes SET id = id + 100 WHERE id < 5", "UPDATE notes SET id = id + 100, t = 'x' WHERE id > 100"),
    "the same value": ("UPDATE accounts SET n = n WHERE id < 5", "UPDATE accounts SET n = n WHERE id < 5"),
    "there and back": ("UPDATE accounts SET n = 50 WHERE id = 5", "UPDATE accounts SET n = 5 WHERE id = 5"),
    "without a key: update, update": ("UPDATE loose SET b = 'y' WHERE a = 1", "UPDATE loose SET b = 'z' WHERE a > 0"),
    "without a key: update, delete": ("UPDATE loose SET b = 'y' WHERE a = 1", "DELETE FROM loose WHERE a > 0"),
    "without a key: insert, delete": ("INSERT INTO loose VALUES (1, 'x'), (8, 'x')", "DELETE FROM loose WHERE a > 0"),
    "without a key: insert, update": ("INSERT INTO loose VALUES (1, 'x')", "UPDATE loose SET b = 'z' WHERE a = 1"),
    "without a key: delete, delete": (
        "DELETE FROM loose WHERE ctid IN (SELECT ctid FROM loose WHERE a = 1 LIMIT 2)",
        "DELETE FROM loose WHERE ctid IN (SELECT ctid FROM loose WHERE a = 1 LIMIT 2)",
    ),
    "partitions": ("UPDATE parts SET k = 15 WHERE id < 4", "UPDATE parts SET k = 25, t = 'y' WHERE id IN (2, 3, 6)"),
    "partitions, delete": ("UPDATE parts SET k = 15 WHERE id < 4", "DELETE FROM parts WHERE id IN (2, 6)"),
}
PARTS = """
CREATE TABLE parts (id int, k int, t text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (10) TO (20);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO parts SELECT g, g, 'x' FROM generate_series(1, 9) g;
GRANT ALL ON ALL TABLES IN SCHEMA public TO agent;
"""


@pytest.fixture
def steps(database: Database, tmp_path: Path) -> Steps:
    database.run(ACCOUNTS + PARTS)
    return Steps(database, tmp_path)


@pytest.mark.parametrize("case", BOTH)
def test_two_steps_go_back_the_newest_first(steps: Steps, case: str) -> None:
    first, second = BOTH[case]
    before = steps.database.digest()
    steps.do("a", *first.split("; "))
    between = steps.database.digest()
    steps.do("b", second)
    steps.undo("b")
    assert steps.database.digest() == between
    steps.undo("a")
    assert steps.database.digest() == before
    assert steps.opened or case in ("delete, insert", "without a key: delete, delete")


NOT_IN_THE_WAY = {
    "insert, delete": "a row that it made and that is gone is not missed",
    "insert, cascade": "the same",
    "the same value": "what stands there is what was there before",
    "there and back": "the same",
    "without a key: delete, delete": "they have no row in common",
}


@pytest.mark.parametrize("case", sorted(BOTH.keys() - NOT_IN_THE_WAY.keys()))
def test_the_older_one_first_is_refused_and_names_the_newer(steps: Steps, case: str) -> None:
    first, second = BOTH[case]
    steps.do("a", *first.split("; "))
    steps.do("b", second)
    refusal = steps.refused("a")
    if case.startswith("without") and case.endswith("delete"):
        return  # nobody can say which rows are missing
    assert "yett undo apply b, then this one" in refusal.remedy, refusal.diagnostics()
    assert "by what b undoes" in refusal.what
    steps.undo("b")
    steps.undo("a")


def test_a_row_that_came_back_twice_is_followed_through_both_undos(steps: Steps) -> None:
    before = steps.database.digest()
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    first = steps.database.digest()
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.undo("b")
    steps.do("c", "DELETE FROM accounts WHERE id < 3")
    steps.do("d", "INSERT INTO accounts VALUES (1, 'else')")
    steps.undo("d")
    steps.undo("c")
    assert steps.database.digest() == first
    steps.undo("a")
    assert steps.database.digest() == before


def test_each_of_three_names_the_next(steps: Steps) -> None:
    before = steps.database.digest()
    for name in "abc":
        steps.do(name, "UPDATE accounts SET n = n * 2 WHERE id < 5", "UPDATE loose SET b = b || 'y' WHERE a = 1")
    assert "yett undo apply c," in steps.refused("a").remedy
    assert "yett undo apply c," in steps.refused("b").remedy
    steps.undo("c")
    assert "yett undo apply b," in steps.refused("a").remedy, "what stands there is the version that b left"
    steps.undo("b")
    steps.undo("a")
    assert steps.database.digest() == before


@pytest.mark.parametrize("case", BOTH)
def test_the_same_undo_twice_is_once(steps: Steps, case: str) -> None:
    """Without a key, too: what it put back is known. Where rows that it took out are missed then, it is refused."""
    first, second = BOTH[case]
    contents = [steps.database.digest()]
    for name, statements in ("a", first), ("b", second):
        steps.do(name, *statements.split("; "))
        contents.append(steps.database.digest())
    for name in "ba":
        contents.pop()
        steps.undo(name)
        with contextlib.suppress(Refused):
            again = steps.undo(name)
            assert (again.returned, again.removed) == (0, 0)
        assert steps.database.digest() == contents[-1]


def test_what_was_undone_and_removed_since_comes_back_again(steps: Steps) -> None:
    before = steps.database.digest()
    steps.do("a", "DELETE FROM loose WHERE a = 1")
    steps.undo("a")
    steps.database.run("DELETE FROM loose WHERE ctid = (SELECT max(ctid) FROM loose WHERE a = 1)")
    assert steps.undo("a").returned == 1
    assert steps.database.digest() == before


def test_an_undo_that_was_undone_by_the_agent_itself_goes_back(steps: Steps) -> None:
    """What an undo brought back, changed again by a guarded transaction, is a step like any other."""
    before = steps.database.digest()
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    after = steps.database.digest()
    steps.undo("a")
    steps.do("again", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.undo("again")
    assert steps.database.digest() == before
    assert steps.undo("a").returned == 0
    steps.do("again2", "UPDATE accounts SET n = 50 WHERE id < 5")
    assert steps.database.digest() == after
    assert steps.refused("a").remedy.startswith("go back step by step: yett undo apply again2,")


# ---- what must not pass for a row that an undo put back


@pytest.mark.parametrize(
    "meanwhile",
    [
        "UPDATE accounts SET n = n WHERE id = 3",
        "CREATE TEMP TABLE t AS SELECT * FROM accounts WHERE id = 3; DELETE FROM notes WHERE account = 3;"
        "DELETE FROM accounts WHERE id = 3; INSERT INTO accounts SELECT * FROM t",
        "UPDATE accounts SET n = 51 WHERE id = 3",
    ],
)
def test_somebody_elses_version_is_not_ours_whatever_it_holds(steps: Steps, meanwhile: str) -> None:
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.undo("b")
    steps.database.run(meanwhile)
    refusal = steps.refused("a")
    assert [(one.key, one.later) for one in refusal.conflicts] == [("id=3", None)]


def test_a_row_that_somebody_changed_between_two_steps_stays(steps: Steps) -> None:
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.database.run("UPDATE accounts SET n = 55 WHERE id = 2")
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.undo("b")
    refusal = steps.refused("a")
    assert [(one.key, one.later) for one in refusal.conflicts] == [("id=2", None)]
    assert "by hand" in refusal.remedy


def test_an_undo_that_is_no_longer_kept_says_nothing(steps: Steps) -> None:
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.pruned.add("b")
    refusal = steps.refused("a")
    assert "by what b undid, which was let go" in refusal.what
    assert "b," not in refusal.remedy
    steps.pruned.clear()
    steps.undo("b")
    steps.pruned.add("b")
    refusal = steps.refused("a")
    assert sorted(one.key for one in refusal.conflicts) == ["id=1", "id=2", "id=3"]
    assert "what b holds does not say" in refusal.what


def test_a_restore_that_was_not_written_down_says_nothing(steps: Steps) -> None:
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.undo("b")
    (xid,) = steps.by["b"]
    for recorded in ([], [xid + 1], [xid + 2**32], [xid - 1]):
        steps.by["b"] = recorded
        assert {one.key for one in steps.refused("a").conflicts} == {"id=1", "id=2", "id=3"}, recorded
    steps.by["b"] = [xid]
    steps.undo("a")


def test_a_restore_that_never_committed_says_nothing(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    before = steps.database.digest()
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.loses_its_way = True
    with pytest.raises(YettError, match="the ledger is away"):
        steps.undo("b")
    steps.loses_its_way = False
    assert len(steps.by["b"]) == 1
    assert "yett undo apply b" in steps.refused("a").remedy
    steps.undo("b")
    steps.undo("a")
    assert steps.database.digest() == before


def test_a_number_that_is_another_transactions_needs_the_very_bytes(steps: Steps) -> None:
    """As if a server had gone back to a backup, and given the restore's number to somebody else."""
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.database.run("UPDATE accounts SET n = 61 WHERE id < 4")
    ((xid,),) = steps.database.ask("SELECT xmin::text::int8 FROM accounts WHERE id = 3")
    steps.by["b"] = [xid]
    assert sorted(one.key for one in steps.refused("a").conflicts) == ["id=1", "id=2", "id=3"]


def test_equal_rows_without_a_key_are_told_apart_by_number_only_if_all_are_there(steps: Steps) -> None:
    steps.do("a", "INSERT INTO loose VALUES (1, 'x'), (1, 'x')")
    steps.database.run("INSERT INTO loose VALUES (1, 'x'), (1, 'x')")
    with_a = steps.database.digest()
    steps.do("b", "DELETE FROM loose WHERE a = 1")
    steps.undo("b")
    assert steps.database.digest() == with_a
    steps.database.run("DELETE FROM loose WHERE ctid = (SELECT max(ctid) FROM loose WHERE a = 1)")
    assert "left there" in steps.refused("a").conflicts[0].key


def test_a_table_that_came_back_from_a_dump_tells_whose_its_rows_were(steps: Steps) -> None:
    before = steps.database.digest()
    steps.do("a", "UPDATE notes SET t = 'y' WHERE id < 3")
    steps.dump("b", "notes", "TRUNCATE notes")
    steps.undo("b")
    steps.undo("a")
    assert steps.database.digest() == before


def test_but_not_if_that_was_too_much_to_keep_twice(steps: Steps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "MOST_BYTES", 0)
    steps.do("a", "UPDATE notes SET t = 'y' WHERE id < 3")
    steps.dump("b", "notes", "TRUNCATE notes")
    steps.undo("b")
    refusal = steps.refused("a")
    assert sorted(one.key for one in refusal.conflicts) == ["id=1", "id=2"]
    assert "what b holds does not say" in refusal.what


def test_columns_that_were_changed_in_between_are_refused(steps: Steps) -> None:
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.undo("b")
    steps.database.run("ALTER TABLE accounts ADD COLUMN x int")
    with pytest.raises(YettError, match="other columns"):
        steps.undo("a")


@pytest.mark.parametrize(
    "later", ["VACUUM FREEZE accounts", "VACUUM FULL accounts", "CLUSTER accounts USING accounts_pkey"]
)
def test_rows_may_be_moved_and_frozen_between_two_steps(steps: Steps, later: str) -> None:
    before = steps.database.digest()
    steps.do("a", "UPDATE accounts SET n = 50 WHERE id < 5")
    steps.database.run(later)
    steps.do("b", "UPDATE accounts SET n = 60 WHERE id < 4")
    steps.database.run(later)
    steps.undo("b")
    steps.database.run(later)
    steps.undo("a")
    assert steps.database.digest() == before


def test_a_transaction_that_began_later_and_ended_sooner_is_the_older_step(steps: Steps) -> None:
    """Its id is the higher one: what counts is who saw whose row."""
    before = steps.database.digest()

    async def meanwhile() -> None:
        _, steps.kept["a"] = await guarded(
            steps.database, steps.folder / "a", "UPDATE accounts SET n = 50 WHERE id < 5"
        )
        steps.by["a"] = []

    first, later = "INSERT INTO loose VALUES (9, 'first')", "UPDATE accounts SET n = 60 WHERE id < 4"
    steps.do("b", first, meanwhile, later)
    assert steps.kept["b"].xid < steps.kept["a"].xid
    assert "yett undo apply b," in steps.refused("a").remedy
    steps.undo("b")
    steps.undo("a")
    assert steps.database.digest() == before


@pytest.mark.parametrize("version", VERSIONS)
def test_an_undo_puts_nothing_in_under_a_number_that_older_rows_carry(version: int, tmp_path: Path) -> None:
    """Rows keep 32 bits of their maker's id for ever: the undo's own would make them look like what it put back."""
    with cluster(version) as server:
        steps = Steps(server.database(), tmp_path)
        steps.database.run(ACCOUNTS)
        ((xid,),) = steps.database.ask("SELECT xmin::text::int8 FROM loose LIMIT 1")
        frozen(server, steps.database)
        server.run_down()
        server.renumber(1, xid - 8)
        server.start()
        frozen(server, steps.database)
        before = steps.database.digest()
        steps.do("a", "DELETE FROM loose WHERE a = 1")
        deleted = steps.database.digest()
        while next_xid(steps.database) < xid:
            steps.database.run("SELECT pg_current_xact_id()")
        refused = ""
        try:
            steps.undo("a")
        except YettError as refusal:
            refused = refusal.what
            assert steps.database.digest() == deleted
        assert "4 billion transactions ago" in refused
        assert steps.undo("a").returned == 7
        assert steps.database.digest() == before
        steps.do("b", "UPDATE loose SET b = 'y' WHERE a = 1")
        steps.undo("b")
        assert steps.undo("a").returned == 0
        assert steps.database.digest() == before


def frozen(server: Cluster, database: Database) -> None:
    for name in ("postgres", "template1", database.name):
        with psycopg.connect(f"{server.url}/{name}", autocommit=True) as connection:
            connection.execute("VACUUM FREEZE")


def next_xid(database: Database) -> int:
    ((xid,),) = database.ask("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::int8 & 4294967295")
    return int(xid)
