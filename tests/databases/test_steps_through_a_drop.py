"""Steps go back, newest first, through the undo of a DROP or ALTER: what came back is what the step before left."""

from __future__ import annotations

import pytest
from tests.databases.company_of_tests import Company

from yett.model.errors import YettError
from yett.providers.postgres.guard.dumps import as_left

SHOP = """
CREATE TABLE goods (id serial PRIMARY KEY, name text); INSERT INTO goods (name) VALUES ('a'), ('b');
CREATE TABLE sold (id int PRIMARY KEY, good int REFERENCES goods); INSERT INTO sold VALUES (1, 1);
CREATE VIEW names AS SELECT name FROM goods;
CREATE TABLE days (k int) PARTITION BY RANGE (k);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (9); INSERT INTO days VALUES (1), (2)"""
ALL = """
SELECT (SELECT array_agg(concat(c.oid::regclass, relkind, attname, format_type(atttypid, atttypmod)) ORDER BY 1) FROM (
    SELECT * FROM pg_class ORDER BY relname) c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relname IN ('goods', 'sold', 'names', 'days', 'days_1')),
  (SELECT array_agg(concat(conrelid::regclass, conname, pg_get_constraintdef(oid)) ORDER BY 1) FROM (
    SELECT * FROM pg_constraint ORDER BY conname) k WHERE conrelid IN ('goods'::regclass, 'sold'::regclass)),
  (SELECT array_agg(t::text ORDER BY id) FROM goods t), (SELECT array_agg(t::text ORDER BY id) FROM sold t),
  (SELECT array_agg(t::text ORDER BY k) FROM days t), (SELECT array_agg(t::text ORDER BY name) FROM names t)"""


@pytest.fixture
def shop(company: Company) -> Company:
    company.directly(SHOP)
    return company


@pytest.mark.parametrize(
    "steps",
    [
        ("ALTER TABLE goods ADD COLUMN z int", "DROP TABLE goods CASCADE"),
        ("ALTER TABLE goods DROP COLUMN name CASCADE", "DROP TABLE goods CASCADE"),
        ("ALTER TABLE goods ADD COLUMN z int", "ALTER TABLE goods ADD COLUMN y int", "DROP TABLE goods, sold CASCADE"),
        ("ALTER TABLE goods ADD COLUMN z int", "ALTER TABLE goods ADD COLUMN y int", "ALTER TABLE goods DROP COLUMN z"),
        ("TRUNCATE goods CASCADE", "DROP TABLE goods CASCADE"),
        ("TRUNCATE sold", "ALTER TABLE sold ADD COLUMN z int", "TRUNCATE sold"),
        ("ALTER TABLE sold ADD COLUMN z int", "DROP TABLE goods CASCADE", "DROP TABLE sold"),
        ("ALTER TABLE days ADD COLUMN z int", "DROP TABLE days"),
        ("DROP VIEW names", "ALTER TABLE goods ADD COLUMN z int", "DROP TABLE goods CASCADE"),
    ],
    ids=str,
)
def test_each_goes_back(shop: Company, steps: tuple[str, ...]) -> None:
    left = []
    for step in steps:
        left.append(_now(shop))
        shop.approved((step,))
    for number in reversed(range(len(steps))):
        shop.undo(number)
        assert _now(shop) == left[number]


def _now(shop: Company) -> object:
    there = shop.truth("SELECT to_regclass('goods'), to_regclass('sold'), to_regclass('days'), to_regclass('names')")
    return shop.truth(ALL) if None not in there[0] else there


def test_twice(shop: Company) -> None:
    before = _now(shop)
    shop.approved(("ALTER TABLE goods ADD COLUMN z int",))
    for _ in range(2):
        shop.approved(("DROP TABLE goods CASCADE",))
        shop.undo()
    shop.undo(0)
    assert _now(shop) == before


@pytest.mark.parametrize(
    "theirs",
    [
        "UPDATE goods SET name = 'theirs' WHERE id = 1",
        "INSERT INTO goods (name) VALUES ('theirs')",
        "DELETE FROM goods WHERE id = 2",
        "CREATE INDEX theirs ON goods (name)",
        "COMMENT ON TABLE goods IS 'theirs'",
        "ALTER TABLE goods ALTER COLUMN name SET DEFAULT 'theirs'",
        "CREATE OR REPLACE VIEW names AS SELECT 'theirs'::text AS name FROM goods",
        "ALTER TABLE sold DROP CONSTRAINT sold_good_fkey",
        "GRANT SELECT ON goods TO PUBLIC",
        "DELETE FROM goods WHERE id = 2; INSERT INTO goods VALUES (2, 'theirs')",
    ],
)
@pytest.mark.parametrize("between", [True, False], ids=["between", "behind"])
def test_what_somebody_else_did_is_not_lost(shop: Company, theirs: str, *, between: bool) -> None:
    shop.approved(("ALTER TABLE goods ADD COLUMN z int",))
    if between:
        shop.directly(theirs)
    shop.approved(("DROP TABLE goods CASCADE",))
    shop.undo()
    if not between:
        shop.directly(theirs)
    now = _now(shop)
    with pytest.raises(YettError):
        shop.undo(0)
    assert _now(shop) == now


def test_what_somebody_did_to_another_table_of_the_first_dump_is_not_lost(shop: Company) -> None:
    shop.approved(("ALTER TABLE goods ADD COLUMN z int; ALTER TABLE sold ADD COLUMN z int",))
    shop.approved(("DROP TABLE goods CASCADE",))
    shop.undo()
    shop.directly("INSERT INTO sold VALUES (2, 2)")
    with pytest.raises(YettError, match=r"public.sold"):
        shop.undo(0)
    shop.directly("DELETE FROM sold WHERE id = 2")
    shop.undo(0)
    assert shop.truth("SELECT count(*) FROM information_schema.columns WHERE column_name = 'z'") == [(0,)]


def test_who_asks_longest_about_earlier_undos_keeps_no_lock(shop: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's lock keeps writers out meanwhile: without an answer the steps just do not go back through it."""
    before = _now(shop)
    shop.approved(("ALTER TABLE goods ADD COLUMN z int",))
    monkeypatch.setattr(as_left, "_SECONDS", 0.0)
    left = _now(shop)
    shop.approved(("DROP TABLE goods CASCADE",))
    shop.undo()
    assert _now(shop) == left
    with pytest.raises(YettError, match="since"):
        shop.undo(0)
    monkeypatch.undo()
    shop.approved(("DROP TABLE goods CASCADE",))
    shop.undo()
    with pytest.raises(YettError, match="since"):
        shop.undo(0)
    assert before != left
