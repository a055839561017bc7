"""Undos of the same rows go back step by step, the newest first; any other order, and others' rows, are refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from chained import Steps
from guarded import Database
from test_restore import ACCOUNTS

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
