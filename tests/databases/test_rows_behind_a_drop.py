"""Undos of rows go back behind the undo of a DROP, TRUNCATE or ALTER of their table, which puts all of it back under
one id; and that of an ALTER goes back behind those of rows."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.model.errors import YettError
from yett.providers.postgres.guard.dumps import versions

SHOP = """
CREATE TABLE goods (id int PRIMARY KEY, name text, n numeric DEFAULT 1.50);
INSERT INTO goods SELECT i, 'g' || i FROM generate_series(1, 6) i;
CREATE TABLE sold (id int PRIMARY KEY, good int REFERENCES goods ON DELETE CASCADE, what text);
INSERT INTO sold VALUES (1, 1), (2, 2), (3, 3);
CREATE TABLE loose (k int); INSERT INTO loose VALUES (1), (2);
CREATE TABLE texts (id int PRIMARY KEY, x jsonpath); INSERT INTO texts VALUES (1, '$.a')"""
SHAPE = """
SELECT (SELECT array_agg(concat(c.relname, attname, format_type(atttypid, atttypmod)) ORDER BY c.relname, attnum)
    FROM pg_class c JOIN pg_attribute ON attrelid = c.oid AND attnum > 0 AND NOT attisdropped
    WHERE relname IN ('goods', 'sold')),
  (SELECT array_agg(concat(conrelid::regclass, conname, pg_get_constraintdef(oid)) ORDER BY conname)
    FROM pg_constraint WHERE conrelid IN (to_regclass('goods'), to_regclass('sold')) AND contype <> 'n')"""
CHANGE = "UPDATE goods SET name = 'x' WHERE id IN (1, 2)"
DELETE = "DELETE FROM goods WHERE id IN (2, 5)"
ADD = "INSERT INTO goods (id, name) VALUES (7, 'new')"
SELL = "UPDATE sold SET what = 'x' WHERE id = 3"
WIDER = "ALTER TABLE goods ADD COLUMN z int"
DROP = "DROP TABLE goods CASCADE"


@pytest.fixture
def shop(company: Company) -> Company:
    company.directly(SHOP)
    return company


def now(shop: Company) -> list[object]:
    there = [name for name in ("goods", "sold") if shop.truth(f"SELECT to_regclass('{name}')") != [(None,)]]
    return [shop.truth(SHAPE), *(shop.truth(f"SELECT t::text FROM {name} t ORDER BY id") for name in there)]


@pytest.mark.parametrize(
    "steps",
    [
        (CHANGE, DROP),
        (DELETE, DROP),
        (ADD, DROP),
        (ADD, DELETE, CHANGE, "DELETE FROM goods WHERE id = 1", DROP),
        (CHANGE, SELL, "DROP TABLE goods, sold"),
        (SELL, "DROP TABLE sold", CHANGE, DROP),
        (CHANGE, WIDER, "UPDATE goods SET z = 4 WHERE id = 2", DROP),
        (CHANGE, "TRUNCATE goods CASCADE", ADD),
        (ADD, "TRUNCATE goods CASCADE", ADD, DROP),
        (WIDER, CHANGE),
        (WIDER, DELETE, DROP),
        (WIDER, "UPDATE goods SET z = 4 WHERE id = 1", "ALTER TABLE goods DROP COLUMN name CASCADE", DROP),
        ("ALTER TABLE goods ALTER COLUMN name TYPE varchar(99)", CHANGE, "DROP TABLE sold", DELETE, DROP),
        ("ALTER TABLE sold ALTER COLUMN what TYPE varchar(99)", "TRUNCATE sold", "DROP TABLE sold"),
        ("TRUNCATE goods CASCADE", ADD, WIDER, "UPDATE goods SET z = 4 WHERE id = 7"),
        ("ALTER TABLE loose ADD COLUMN z int", "UPDATE loose SET z = 4 WHERE k = 1"),
    ],
    ids=" - ".join,
)
def test_each_goes_back(shop: Company, steps: tuple[str, ...]) -> None:
    left = []
    for step in steps:
        left.append(now(shop))
        shop.approved((step,))
    for number in reversed(range(len(steps))):
        shop.undo(number)
        assert now(shop) == left[number]


def test_through_several_drops(shop: Company) -> None:
    before = now(shop)
    shop.approved((WIDER,))
    shop.approved((CHANGE,))
    for _ in range(3):
        shop.approved((DROP,))
        shop.undo()
    shop.undo(1)
    shop.undo(0)
    assert now(shop) == before


@pytest.mark.parametrize("at", ["before the rows", "before the drop", "behind the drop", "behind the rows"])
@pytest.mark.parametrize(
    ("theirs", "in_the_way"),
    [
        ("UPDATE goods SET n = 9 WHERE id = 1", True),
        ("UPDATE goods SET n = n WHERE id = 1", True),
        ("DELETE FROM goods WHERE id = 1", True),
        ("DELETE FROM goods WHERE id = 1; INSERT INTO goods VALUES (1, 'x')", True),
        ("INSERT INTO goods VALUES (70, 'theirs')", False),
        ("DELETE FROM goods WHERE id = 6; INSERT INTO goods VALUES (6, 'g6')", False),
        ("DELETE FROM goods WHERE id = 6", False),
        ("ALTER TABLE goods DROP COLUMN name; ALTER TABLE goods ADD COLUMN name text", True),
        ("ALTER TABLE goods ADD COLUMN theirs int", True),
        ("ALTER TABLE goods RENAME name TO it; ALTER TABLE goods ADD COLUMN name text", True),
    ],
    ids=["changed", "rewritten", "gone", "instead", "more", "another_6", "less", "other_name", "wider", "renamed"],
)
def test_what_somebody_else_did_is_not_lost(shop: Company, theirs: str, at: str, *, in_the_way: bool) -> None:
    """Whatever would go back behind it is refused; what lies behind it goes back with it."""

    def somebody(when: str) -> None:
        if when == at:
            shop.directly(theirs)

    shop.approved((WIDER,))
    somebody("before the rows")
    before = now(shop)
    shop.approved((CHANGE,))
    somebody("before the drop")
    changed = now(shop)
    shop.approved((DROP,))
    shop.undo()
    assert now(shop) == changed
    somebody("behind the drop")
    if at in ("before the drop", "behind the drop") and in_the_way:
        refused(shop, 1)
    else:
        others = "SELECT t::text FROM goods t WHERE id NOT IN (1, 2) ORDER BY id"
        left = shop.truth(others)
        shop.undo(1)
        assert shop.truth(others) == left
        assert shop.truth("SELECT name FROM goods WHERE id IN (1, 2)") == [("g1",), ("g2",)] or at == "before the rows"
        assert now(shop) == before or at != "before the rows"
    somebody("behind the rows")
    refused(shop, 0)


def refused(shop: Company, number: int, words: str | None = None) -> YettError:
    there = now(shop)
    with pytest.raises(YettError, match=words) as found:
        shop.undo(number)
    assert now(shop) == there
    return found.value


@pytest.mark.parametrize("rows", [CHANGE, DELETE, ADD])
@pytest.mark.parametrize("last", [DROP, "TRUNCATE goods CASCADE", "ALTER TABLE goods ADD COLUMN y int"])
def test_no_step_can_be_left_out(shop: Company, rows: str, last: str) -> None:
    before = now(shop)
    for step in (WIDER, rows, last):
        shop.approved((step,))
    refused(shop, 0)
    refused(shop, 1) if last == DROP else None
    shop.undo(2)
    refused(shop, 0)
    shop.undo(1)
    shop.undo(0)
    assert now(shop) == before


def test_another_table_of_that_name_gets_none_of_its_rows(shop: Company) -> None:
    shop.approved((DELETE,))
    shop.approved((DROP,))
    shop.undo()
    shop.directly("CREATE TABLE theirs (LIKE goods INCLUDING ALL); INSERT INTO theirs SELECT * FROM goods")
    shop.directly("DROP TABLE goods CASCADE; ALTER TABLE theirs RENAME TO goods")
    refused(shop, 0, "was dropped since")


@pytest.mark.parametrize(
    "theirs",
    [
        "ALTER TABLE goods DROP COLUMN more; ALTER TABLE goods ADD COLUMN more text",
        "ALTER TABLE goods RENAME name TO x; ALTER TABLE goods RENAME more TO name; ALTER TABLE goods RENAME x TO more",
    ],
    ids=["made_again", "exchanged"],
)
@pytest.mark.parametrize("twice", [False, True], ids=["once", "twice"])
def test_another_column_of_that_name_gets_none_of_its_values(shop: Company, theirs: str, *, twice: bool) -> None:
    shop.directly("ALTER TABLE goods ADD COLUMN more text DEFAULT 'm'")
    shop.approved((DELETE,))
    shop.approved((DROP,))
    shop.undo()
    shop.directly(theirs)
    if twice:
        shop.approved((DROP,))
        shop.undo()
    refused(shop, 0)


def test_one_that_has_another_name_is_left_alone(shop: Company) -> None:
    shop.approved((DELETE,))
    shop.approved((DROP,))
    shop.undo()
    shop.directly("ALTER TABLE goods RENAME TO goods_1")
    there = shop.truth("SELECT t::text FROM goods_1 t ORDER BY id")
    refused(shop, 0, "another name")
    assert shop.truth("SELECT t::text FROM goods_1 t ORDER BY id") == there


def test_what_is_to_be_applied_first_is_said(shop: Company) -> None:
    shop.approved((CHANGE,))
    shop.approved((DROP,))
    newest = shop.laws.plane.undos.records()[-1].id
    assert f"yett undo apply {newest}, then this one" in refused(shop, 0, "was dropped since").remedy


@pytest.mark.parametrize("first", [CHANGE, WIDER])
def test_rows_that_were_too_many_to_keep_twice_do_not_go_back(
    shop: Company, first: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "MOST_BYTES", 0)
    shop.approved((first,))
    shop.approved((SELL if first == WIDER else CHANGE,))
    shop.approved(("UPDATE goods SET name = 'y' WHERE id = 1",))
    shop.approved((DROP,))
    shop.undo()
    refused(shop, -2, "does not say whose the row was")
    refused(shop, 0)


@pytest.mark.parametrize(
    ("change", "drop", "words"),
    [
        ("UPDATE loose SET k = 3 WHERE k = 2", "DROP TABLE loose", "has no key"),
        ("UPDATE texts SET x = '$.b' WHERE id = 1", "DROP TABLE texts", "does not say whose the row was"),
    ],
    ids=["without a key", "of a type that may not come back as the same bytes"],
)
def test_rows_that_cannot_be_told_again_do_not_go_back(shop: Company, change: str, drop: str, words: str) -> None:
    shop.approved((change,))
    shop.approved((drop,))
    shop.undo()
    table = drop.split()[-1]
    there = shop.truth(f"SELECT array_agg(t::text) FROM {table} t")
    refused(shop, 0, words)
    assert shop.truth(f"SELECT array_agg(t::text) FROM {table} t") == there


def test_what_was_let_go_says_nothing(shop: Company) -> None:
    """The DROP's undo, once it was applied, is all that knows whose the rows were."""
    shop.approved((CHANGE,))
    shop.approved((DROP,))
    shop.undo()
    shop.let_go(-1)
    refused(shop, 0, "does not say whose the row was")


COLLATE = 'ALTER TABLE goods ALTER COLUMN name TYPE text COLLATE "C"'
"""It leaves the same columns."""


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM goods WHERE id = 2",
        "UPDATE goods SET name = 'x' WHERE id = 2",
        "INSERT INTO goods (id, name) VALUES (7, 'new')",
    ],
)
def test_of_two_tables_of_one_dump_each_gets_its_own(shop: Company, change: str) -> None:
    shop.directly("CREATE TABLE more (LIKE goods INCLUDING ALL); INSERT INTO more SELECT * FROM goods")
    shop.approved((change,))
    shop.approved((change.replace("goods", "more"),))
    shop.approved(("DROP TABLE goods, more CASCADE",))
    shop.undo()
    exchange = "ALTER TABLE goods RENAME TO x; ALTER TABLE more RENAME TO goods; ALTER TABLE x RENAME TO more"
    shop.directly(exchange)
    both = "SELECT (SELECT array_agg(t::text ORDER BY id) FROM {} t)"
    there = shop.truth(both.format("more"))
    refused(shop, 0)
    refused(shop, 1)
    assert shop.truth(both.format("more")) == there
    shop.directly(exchange)
    shop.undo(0)
    shop.undo(1)
    assert shop.truth(both.format("goods")) == shop.truth(both.format("more")) != there


def test_of_two_tables_of_one_dump_neither_takes_the_others_place(shop: Company) -> None:
    shop.directly("CREATE TABLE k (x int); INSERT INTO k VALUES (1); CREATE TABLE l (x int); INSERT INTO l VALUES (2)")
    for step in ("ALTER TABLE k ADD COLUMN z int", "ALTER TABLE l ADD COLUMN z int", "DROP TABLE k, l"):
        shop.approved((step,))
    shop.undo(2)
    shop.directly("ALTER TABLE k RENAME TO t; ALTER TABLE l RENAME TO k; ALTER TABLE t RENAME TO l")
    refused(shop, 0)
    refused(shop, 1)
    assert shop.truth("SELECT (SELECT x FROM l), (SELECT x FROM k)") == [(1, 2)]


@pytest.mark.parametrize("change", [CHANGE, "DELETE FROM goods WHERE id = 2"])
@pytest.mark.parametrize("behind", [(COLLATE,), (WIDER, "ALTER TABLE goods DROP COLUMN z"), (COLLATE, DROP)])
def test_what_an_undo_put_back_is_not_what_a_later_step_had_found(
    shop: Company, change: str, behind: tuple[str, ...]
) -> None:
    """Its rows are as old as the table, and did not stand there when it was dumped."""
    shop.approved((change,))
    for step in behind:
        shop.approved((step,))
    if DROP in behind:
        shop.undo()
    shop.undo(0)
    refused(shop, 1)


@pytest.mark.parametrize("last", [DROP, WIDER, COLLATE])
def test_nor_when_it_is_applied_again(shop: Company, last: str) -> None:
    shop.approved((CHANGE,))
    shop.approved((last,))
    shop.undo(1)
    shop.undo(0)
    refused(shop, 1)


def test_a_deletion_that_another_makes_up_for_is_not_lost(shop: Company) -> None:
    shop.approved(("DELETE FROM goods WHERE id = 2",))
    shop.approved((COLLATE,))
    shop.directly("DELETE FROM goods WHERE id = 6")
    shop.undo(0)
    refused(shop, 1)


@pytest.mark.parametrize(
    ("made", "value"),
    [
        ("CREATE TYPE kind AS (t regclass, n int)", "ROW('goods', 1)"),
        ("CREATE TYPE kind AS (f float8)", "ROW('inf'::float8 - 'inf'::float8)"),
    ],
    ids=["regclass", "NaN"],
)
def test_rows_that_do_not_come_back_as_the_same_bytes_are_not_as_they_were_left(
    shop: Company, made: str, value: str
) -> None:
    shop.directly(f"{made}; CREATE TABLE r (id int PRIMARY KEY, c kind, v text)")
    shop.directly(f"INSERT INTO r VALUES (1, {value}, 'a'), (2, NULL, 'b')")
    for step in (
        "ALTER TABLE r ADD COLUMN z int",
        "UPDATE r SET v = 'new' WHERE id = 1",
        "DROP TABLE r, goods CASCADE",
    ):
        shop.approved((step,))
    shop.undo(2)
    refused(shop, 0)
    assert shop.truth("SELECT v FROM r WHERE id = 1") == [("new",)]


def test_what_hides_rows_from_its_owner_comes_back_from_a_truncate(shop: Company) -> None:
    shop.directly("CREATE POLICY none ON sold USING (false)")
    shop.directly("ALTER TABLE sold ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    before = now(shop)
    shop.approved(("TRUNCATE sold",))
    assert now(shop) != before
    shop.undo()
    assert now(shop) == before


@pytest.mark.parametrize("empty", ["DELETE FROM goods", "TRUNCATE goods CASCADE"])
@pytest.mark.parametrize(
    "steps", [(COLLATE,), (COLLATE, CHANGE, DROP), (DROP,), ("TRUNCATE goods CASCADE",)], ids=" - ".join
)
def test_what_somebody_emptied_stays_empty(shop: Company, steps: tuple[str, ...], empty: str) -> None:
    for step in steps:
        shop.approved((step,))
    if steps != (COLLATE,):
        shop.undo()
    shop.directly(empty)
    refused(shop, 0)


@pytest.mark.parametrize(
    "theirs",
    [
        "COMMENT ON CONSTRAINT pos ON parts IS 'theirs'",
        "COMMENT ON INDEX parts_name IS 'theirs'",
        "ALTER INDEX parts_name SET (fillfactor = 70)",
        "ALTER SEQUENCE parts_id_seq INCREMENT 5",
    ],
)
@pytest.mark.parametrize("first", [(), ("ALTER TABLE parts ADD COLUMN z int",)], ids=["again", "the step before"])
def test_what_somebody_did_to_a_part_of_what_came_back_is_not_lost(
    shop: Company, first: tuple[str, ...], theirs: str
) -> None:
    shop.directly(
        "CREATE TABLE parts (id serial PRIMARY KEY, name text, n int CONSTRAINT pos CHECK (n > 0));"
        " CREATE INDEX parts_name ON parts (name); INSERT INTO parts (name) VALUES ('a')"
    )
    for step in (*first, "DROP TABLE parts"):
        shop.approved((step,))
    shop.undo()
    shop.directly(theirs)
    refused(shop, 0)


def test_through_another_name(shop: Company) -> None:
    before = now(shop)
    for step in (
        "ALTER TABLE goods RENAME TO wares",
        "UPDATE wares SET n = 3 WHERE id = 1",
        "DROP TABLE wares CASCADE",
    ):
        shop.approved((step,))
    for number in (2, 1, 0):
        shop.undo(number)
    assert now(shop) == before


def test_what_is_to_be_applied_first_is_said_when_it_was_dropped_again(shop: Company) -> None:
    shop.approved((CHANGE,))
    shop.approved((DROP,))
    shop.undo()
    shop.approved((DROP,))
    newest = shop.laws.plane.undos.records()[-1].id
    assert f"yett undo apply {newest}, then this one" in refused(shop, 0, "was dropped since").remedy


def test_what_a_transaction_wrote_that_was_open_all_the_time_is_not_lost(shop: Company) -> None:
    """Its id is older than the dump, and its rows are not."""
    with psycopg.connect(shop.direct) as somebody:
        somebody.execute("INSERT INTO loose VALUES (3)")
        shop.approved((WIDER,))
        somebody.execute("UPDATE goods SET n = 9 WHERE id = 1")
    refused(shop, 0)


@pytest.mark.parametrize("last", ["TRUNCATE goods CASCADE", DROP, WIDER])
def test_what_was_begun_and_never_became_final_counts_for_nothing(
    shop: Company, last: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What its tables would have become was written down already."""
    before = now(shop)
    for step in (CHANGE, last):
        shop.approved((step,))

    async def lost(undo: str, by: str, xact: str) -> None:
        raise YettError("the ledger is away")

    monkeypatch.setattr(shop.laws.plane.undos, "applying", lost)
    refused(shop, 1, "the ledger is away")
    assert shop.laws.plane.undos.records()[1].facts["became"]
    monkeypatch.undo()
    shop.undo(1)
    shop.undo(0)
    assert now(shop) == before


def test_what_is_kept_twice_lies_in_the_keep_alone(shop: Company) -> None:
    """Values, and what people wrote into an expression: an undo's record is not sealed."""
    shop.directly("ALTER TABLE goods ADD COLUMN made text GENERATED ALWAYS AS (name || 'hunter2') STORED")
    before = now(shop)
    shop.approved(("UPDATE goods SET name = 'o' || 'zone' WHERE id = 1",))
    for _ in range(2):
        shop.approved((DROP,))
        shop.undo()
    kept = [path.read_bytes() for path in shop.laws.home.rglob("*") if path.is_file()]
    assert any(b"goods" in one for one in kept)
    assert not [one for one in kept if b"hunter2" in one or b"ozone" in one]
    shop.undo(0)
    assert now(shop) == before


def test_what_came_back_and_is_shut_now_stops_no_dump_of_another_table(shop: Company) -> None:
    """TypeORM, forwards again behind an undo."""
    shop.directly("CREATE TABLE places (id int PRIMARY KEY); INSERT INTO places VALUES (1)")
    shop.approved(("ALTER TABLE goods ADD COLUMN a int",))
    shop.undo()
    before = now(shop)
    shop.approved(("ALTER TABLE goods ADD COLUMN b int", "ALTER TABLE places ADD COLUMN c int"))
    assert now(shop) != before
    shop.undo_back_to(1)
    assert now(shop) == before
    assert shop.truth("SELECT * FROM places") == [(1,)]
