"""The way back of a migration, in one transaction: tables that refer to each other go one by one, and come back."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.model.errors import YettError

SHOP = (
    """
CREATE TYPE mood AS ENUM ('good', 'bad');
CREATE SEQUENCE numbers;
CREATE TABLE makers (id int PRIMARY KEY, mood mood, number int DEFAULT nextval('numbers'), best int);
CREATE TABLE goods (id serial PRIMARY KEY, maker int REFERENCES makers ON DELETE CASCADE);
CREATE TABLE sold (id int PRIMARY KEY, good int REFERENCES goods, maker int REFERENCES makers);
INSERT INTO makers (id, mood) VALUES (1, 'good'), (2, 'bad');
INSERT INTO goods (maker) VALUES (1), (2);
INSERT INTO sold VALUES (1, 1, 1), (2, 2, 2);
ALTER TABLE makers ADD CONSTRAINT makers_best FOREIGN KEY (best) REFERENCES sold""",
    "UPDATE makers SET best = id",
    """
CREATE VIEW offers AS SELECT m.id, g.id AS good FROM makers m JOIN goods g ON g.maker = m.id;
CREATE MATERIALIZED VIEW sums AS SELECT count(*) FROM sold;
CREATE INDEX sold_good ON sold (good);
CREATE FUNCTION looked_at() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER sold_seen BEFORE INSERT ON sold FOR EACH ROW EXECUTE FUNCTION looked_at();
CREATE TABLE days (k int, v text) PARTITION BY RANGE (k);
CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10);
CREATE TABLE days_2 PARTITION OF days FOR VALUES FROM (10) TO (20);
INSERT INTO days SELECT i, 'x' FROM generate_series(0, 19) i;
CREATE SCHEMA stock;
CREATE TABLE stock.places (id int PRIMARY KEY, maker int REFERENCES makers); INSERT INTO stock.places VALUES (1, 1);
CREATE TABLE tree (id int PRIMARY KEY, up int REFERENCES tree); INSERT INTO tree VALUES (1, NULL), (2, 1);
COMMENT ON CONSTRAINT makers_best ON makers IS 'best'; COMMENT ON CONSTRAINT sold_maker_fkey ON sold IS 'whose'""",
)
ALL = """
SELECT
  (SELECT json_agg(json_build_array(c.oid::regclass::text, c.relkind, ARRAY(
      SELECT concat(attname, format_type(atttypid, atttypmod), pg_get_expr(adbin, adrelid)) FROM pg_attribute
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
      WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped ORDER BY attnum)) ORDER BY 1)
    FROM (SELECT * FROM pg_class ORDER BY oid::regclass::text) c
    WHERE relnamespace IN ('public'::regnamespace, 'stock'::regnamespace))::text,
  (SELECT array_agg(concat(conrelid::regclass, conname, pg_get_constraintdef(oid)) ORDER BY 1) FROM (
    SELECT * FROM pg_constraint ORDER BY conrelid::regclass::text, conname) c
    WHERE connamespace IN ('public'::regnamespace, 'stock'::regnamespace) AND contype IN ('f', 'p')),
  (SELECT array_agg(pg_get_triggerdef(oid) ORDER BY tgname) FROM pg_trigger WHERE NOT tgisinternal),
  (SELECT array_agg(concat(viewname, definition) ORDER BY viewname) FROM pg_views WHERE schemaname = 'public'),
  (SELECT array_agg(oid::regprocedure) FROM pg_proc WHERE proname = 'looked_at'),
  (SELECT array_agg(t::text ORDER BY id) FROM makers t), (SELECT array_agg(t::text ORDER BY id) FROM goods t),
  (SELECT array_agg(t::text ORDER BY id) FROM sold t), (SELECT array_agg(t::text ORDER BY k) FROM days t),
  (SELECT array_agg(t::text) FROM sums t), (SELECT array_agg(t::text) FROM stock.places t),
  (SELECT array_agg(t::text ORDER BY id) FROM tree t)"""

DOWN = [
    ("DROP TABLE sold CASCADE", "DROP TABLE goods CASCADE", "DROP TABLE makers CASCADE"),
    ("DROP TABLE makers CASCADE", "DROP TABLE goods CASCADE", "DROP TABLE sold CASCADE"),
    ("DROP INDEX sold_good", "DROP TABLE sold CASCADE", "DROP TABLE goods CASCADE"),
    ("DROP VIEW offers", "DROP TABLE goods CASCADE"),
    ("DROP VIEW offers", "ALTER TABLE goods DROP COLUMN maker"),
    ("CREATE OR REPLACE VIEW offers AS SELECT id, 1 AS good FROM makers", "DROP TABLE makers CASCADE"),
    ("ALTER VIEW offers RENAME TO bargains", "DROP TABLE goods CASCADE"),
    ("DROP MATERIALIZED VIEW sums", "DROP TABLE sold CASCADE"),
    ("REFRESH MATERIALIZED VIEW sums", "DROP TABLE sold CASCADE"),
    ("DROP TABLE days_1", "DROP TABLE days"),
    ("DROP TABLE days_1", "DROP TABLE days_2"),
    ("TRUNCATE days_1", "DROP TABLE days"),
    ("ALTER TABLE days DETACH PARTITION days_1", "DROP TABLE days_1"),
    ("DROP TABLE stock.places", "DROP SCHEMA stock"),
    ("TRUNCATE stock.places", "DROP SCHEMA stock CASCADE"),
    ("DROP SCHEMA stock CASCADE", "DROP TABLE makers CASCADE"),
    ("ALTER TABLE stock.places SET SCHEMA public", "DROP SCHEMA stock"),
    ("TRUNCATE sold CASCADE", "DROP TABLE sold CASCADE"),
    ("TRUNCATE tree", "DROP TABLE tree"),
    ("DROP TRIGGER sold_seen ON sold", "DROP FUNCTION looked_at", "DROP TABLE sold CASCADE"),
    ("DROP TABLE makers CASCADE", "DROP FUNCTION looked_at CASCADE"),
    ("ALTER TABLE sold DROP CONSTRAINT sold_good_fkey", "DROP TABLE goods CASCADE"),
    ("ALTER TABLE sold DROP CONSTRAINT sold_good_fkey", "ALTER TABLE goods DROP CONSTRAINT goods_pkey"),
    ("ALTER TABLE sold DROP COLUMN good", "ALTER TABLE goods DROP COLUMN maker CASCADE"),
    ("ALTER TABLE goods DROP COLUMN maker CASCADE", "DROP TABLE makers CASCADE"),
    ("DELETE FROM sold WHERE id = 99", "DROP TABLE goods CASCADE"),
    ("DELETE FROM tree", "DROP TABLE tree"),
    ("INSERT INTO tree VALUES (7, 1)", "TRUNCATE tree"),
    ("INSERT INTO tree VALUES (7, 1)", "ALTER TABLE tree DROP COLUMN up"),
    ("UPDATE tree SET up = NULL", "ALTER TABLE tree DROP COLUMN up"),
    ("DELETE FROM tree WHERE id = 2", "ALTER TABLE tree ADD COLUMN k int", "UPDATE tree SET k = 1"),
    ("DROP TABLE tree", "CREATE TABLE tree (id int)", "DROP TABLE tree"),
    ("CREATE TABLE fresh AS TABLE tree", "DROP TABLE tree", "ALTER TABLE fresh RENAME TO tree"),
    ("ALTER TABLE tree RENAME TO woods", "DROP TABLE woods"),
    ("DROP TABLE makers CASCADE", "DROP TYPE mood"),
    ("ALTER TABLE makers ADD COLUMN z int", "ALTER TABLE goods ADD COLUMN z int"),
    ("ALTER TABLE makers RENAME COLUMN number TO num", "ALTER TABLE goods RENAME COLUMN maker TO made_by"),
    (
        "DROP VIEW offers",
        "ALTER TABLE goods ADD COLUMN z int",
        "CREATE VIEW offers AS SELECT id, id AS good FROM goods",
    ),
    ("DROP INDEX sold_good", "DROP MATERIALIZED VIEW sums"),
    ("CREATE INDEX ON days_1 (k)", "ALTER TABLE days ADD CHECK (k < 100)"),
    ("ALTER TABLE sold ADD COLUMN z int", "DROP TABLE makers, sold CASCADE"),
    ("ALTER TABLE sold RENAME TO old", "ALTER TABLE goods RENAME TO sold", "ALTER TABLE old RENAME TO goods"),
    ("ALTER TABLE tree RENAME TO old", "ALTER TABLE makers RENAME TO tree", "DROP TABLE old"),
    ("ALTER TABLE makers SET (fillfactor = 50)", "ALTER TABLE goods ADD COLUMN z int"),
    ("ALTER TABLE makers ALTER COLUMN number SET STATISTICS 10", "DROP TABLE goods CASCADE"),
]


@pytest.fixture
def shop(company: Company) -> Company:
    for statement in SHOP:
        company.directly(statement)
    return company


@pytest.mark.parametrize("steps", DOWN, ids=str)
def test_the_newest_first_brings_all_of_it_back(shop: Company, steps: tuple[str, ...]) -> None:
    before = shop.truth(ALL)
    shop.approved(steps)
    shop.undo_back_to(0)
    assert shop.truth(ALL) == before


@pytest.mark.parametrize(
    ("reads", "steps"),
    [
        (
            "CREATE POLICY sold_ones ON tree USING (EXISTS (SELECT FROM goods WHERE goods.id = tree.id))",
            ("ALTER TABLE goods ADD COLUMN z int", "ALTER TABLE tree ADD COLUMN z int"),
        ),
        (
            "CREATE RULE seen AS ON INSERT TO days WHERE NEW.k < 0 DO INSTEAD UPDATE sold SET good = 1",
            ("DROP INDEX sold_good", "ALTER TABLE days ADD COLUMN z int"),
        ),
        (
            "CREATE FUNCTION stock.n() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM public.tree; END",
            ("DROP SCHEMA stock CASCADE", "ALTER TABLE tree ADD COLUMN z int"),
        ),
    ],
    ids=str,
)
def test_nothing_waits_for_what_the_transaction_itself_has_shut(
    shop: Company, reads: str, steps: tuple[str, ...]
) -> None:
    shop.directly(reads)
    before = shop.truth(ALL)
    shop.approved(steps)
    shop.undo_back_to(0)
    assert shop.truth(ALL) == before


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_foreign_key_comes_back_with_whichever_table_is_last(shop: Company, newest_first: bool) -> None:
    shop.directly(TO_AND_FRO)
    there = "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname IN ('to_there', 'to_here') ORDER BY 1"
    before = shop.truth(there), shop.truth("SELECT a, b FROM here a, there b")
    shop.approved(("ALTER TABLE here ADD COLUMN z int", "DROP TABLE here, there CASCADE"))
    said = shop.undo_back_to(0, newest_first=newest_first)
    assert any("with the other undos of its transaction come the foreign key" in line for line in said)
    assert (shop.truth(there), shop.truth("SELECT a, b FROM here a, there b")) == before


TO_AND_FRO = """
CREATE TABLE here (id int PRIMARY KEY, other int); CREATE TABLE there (id int PRIMARY KEY, other int);
INSERT INTO here VALUES (1, 2); INSERT INTO there VALUES (2, 1);
ALTER TABLE here ADD CONSTRAINT to_there FOREIGN KEY (other) REFERENCES there;
ALTER TABLE there ADD CONSTRAINT to_here FOREIGN KEY (other) REFERENCES here;
COMMENT ON CONSTRAINT to_there ON here IS 'to'; COMMENT ON CONSTRAINT to_here ON there IS 'fro'"""


def test_a_foreign_key_does_not_wait_for_what_the_transaction_had_not_dumped(shop: Company) -> None:
    shop.approved(("DROP TABLE stock.places",))
    shop.directly("DROP TABLE makers CASCADE")
    with pytest.raises(YettError, match=r"makers. does not exist"):
        shop.undo()
    assert shop.truth("SELECT to_regclass('stock.places')") == [(None,)]


def test_a_foreign_key_does_not_go_to_another_table_of_that_name(shop: Company) -> None:
    shop.directly("CREATE TABLE others (id int PRIMARY KEY); INSERT INTO others VALUES (1), (2)")
    before = shop.truth(ALL)
    shop.approved(("DROP TABLE stock.places", "ALTER TABLE makers RENAME TO m", "ALTER TABLE others RENAME TO makers"))
    shop.undo_back_to(0, newest_first=False)
    assert shop.truth(ALL) == before


def test_nor_if_somebody_else_has_renamed_them(shop: Company) -> None:
    shop.approved(("DROP TABLE stock.places",))
    shop.directly("ALTER TABLE makers RENAME TO m; CREATE TABLE makers AS SELECT 1 AS id")
    shop.directly("ALTER TABLE makers ADD PRIMARY KEY (id)")
    with pytest.raises(YettError, match=r"public.makers is called public.m now"):
        shop.undo()
    assert shop.truth("SELECT to_regclass('stock.places')") == [(None,)]


def test_what_somebody_else_has_locked_is_not_dumped_and_the_session_goes_on(shop: Company) -> None:
    shop.approve(shop.held("DROP TABLE tree"))
    with psycopg.connect(shop.direct) as other, shop.connect() as connection:
        other.execute("UPDATE tree SET up = 2 WHERE id = 1")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="the undo could not be made"):
            connection.execute("DROP TABLE tree")
        connection.rollback()
        assert connection.execute("SELECT count(*) FROM tree").fetchall() == [(2,)]


def test_a_view_that_somebody_made_anew_since_the_dump_is_not_lost(shop: Company) -> None:
    ((words,),) = shop.truth("SELECT pg_get_viewdef('offers'::regclass)")

    def steps() -> None:
        shop.directly(f"CREATE OR REPLACE VIEW offers AS {words}")
        with shop.connect() as connection:
            connection.execute("ALTER TABLE goods ADD COLUMN more int")
            shop.directly("CREATE OR REPLACE VIEW offers AS SELECT 1 AS id, 2 AS good")
            connection.execute("DROP VIEW offers")

    for _ in range(2):
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold") as held:
            steps()
        shop.approve(shop.hold_of(held.value))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="changed by somebody else after it was dumped"):
        steps()
    assert shop.truth("SELECT * FROM offers") == [(1, 2)]


@pytest.mark.parametrize("first", ["SELECT 1", "ALTER TABLE days ADD COLUMN z int"])
def test_rows_that_somebody_puts_in_a_partition_that_was_made_are_not_lost(shop: Company, first: str) -> None:
    shop.approved((first, "CREATE TABLE days_3 PARTITION OF days FOR VALUES FROM (20) TO (30)"))
    shop.directly("INSERT INTO days (k, v) VALUES (25, 'theirs')")
    with pytest.raises(YettError, match=r"public.days_3 1 rows: were made or changed since"):
        shop.undo()
    shop.directly("DELETE FROM days WHERE k = 25")
    shop.undo()
    assert shop.truth("SELECT to_regclass('days_3'), count(*) FROM days") == [(None, 20)]


def test_rows_in_a_table_that_became_a_partition_are_not_lost(shop: Company) -> None:
    shop.directly("CREATE TABLE days_3 (k int, v text); INSERT INTO days_3 VALUES (20, 'first')")
    attach = "ALTER TABLE days ATTACH PARTITION days_3 FOR VALUES FROM (20) TO (30)"
    shop.approved(("ALTER TABLE days_3 ALTER COLUMN v SET DEFAULT 'x'", attach))
    shop.directly("INSERT INTO days VALUES (25, 'theirs')")
    for number in (1, 0):
        with pytest.raises(YettError, match=r"public.days_3"):
            shop.undo(number)
    assert shop.truth("SELECT k, v FROM days_3 ORDER BY k") == [(20, "first"), (25, "theirs")]
    shop.directly("DELETE FROM days WHERE k = 25")
    shop.undo(0)
    shop.undo(1)
    assert shop.truth("SELECT (SELECT count(*) FROM days), (SELECT count(*) FROM days_3)") == [(20, 1)]


@pytest.mark.parametrize(
    "uses",
    [
        "CREATE TRIGGER t BEFORE INSERT ON tree FOR EACH ROW EXECUTE FUNCTION stock.seen()",
        "ALTER TABLE tree ALTER COLUMN up SET DEFAULT stock.one()",
        "CREATE POLICY p ON tree USING (id > stock.one())",
        "ALTER TABLE tree ADD CHECK (id > stock.one() - 5)",
        "CREATE INDEX odd ON tree ((id + stock.one()))",
        "CREATE FUNCTION takes(k stock.kind) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE VIEW ones AS SELECT stock.one()",
        "ALTER TABLE tree ADD COLUMN kind stock.kind",
    ],
)
def test_what_goes_with_a_schema_elsewhere_is_said_before_anybody_signs(shop: Company, uses: str) -> None:
    shop.directly("CREATE FUNCTION stock.one() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'")
    shop.directly("CREATE FUNCTION stock.seen() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'")
    shop.directly("CREATE TYPE stock.kind AS ENUM ('a')")
    (situation,) = shop.held("DROP SCHEMA stock CASCADE").document["situations"]
    assert not situation["undo"]["gaps"]
    shop.directly(uses)
    (situation,) = shop.held("DROP SCHEMA stock CASCADE").document["situations"]
    assert "this is not brought back" in str(situation["undo"]["gaps"])


@pytest.mark.parametrize("later", [False, True])
def test_default_privileges_do_not_widen_what_comes_back(shop: Company, later: bool) -> None:
    if not shop.truth("SELECT 1 FROM pg_roles WHERE rolname = 'teller'"):
        shop.directly("CREATE ROLE teller")
    each = "ALTER DEFAULT PRIVILEGES GRANT ALL ON {} TO teller"
    widen = ";".join(each.format(kind) for kind in ("TABLES", "SEQUENCES"))
    may = (
        "SELECT c.oid::regclass::text, p FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT']) p"
        " WHERE relkind IN ('r', 'v') AND relnamespace = 'public'::regnamespace"
        " AND has_table_privilege('teller', c.oid, p) UNION ALL"
        " SELECT 'sequence', 'x' WHERE has_sequence_privilege('teller', 'goods_id_seq', 'USAGE')"
    )
    shop.directly("GRANT SELECT ON offers TO teller")
    if not later:
        shop.directly(widen)
    shop.approved(("ALTER TABLE goods ADD COLUMN z int",))
    if later:
        shop.directly(widen)
    shop.undo()
    assert shop.truth(may) == [("offers", "SELECT")]


LEASE = "yett_other_0123456789abcdef"


@pytest.fixture
def another_lease(shop: Company) -> Iterator[str]:
    """What makes a lease of another task, and what ends it, as Yett does."""
    shop.directly(f"DROP ROLE IF EXISTS {LEASE}; CREATE ROLE {LEASE}")
    yield f"GRANT SELECT ON goods, offers, days TO {LEASE}; GRANT SELECT (id) ON makers TO {LEASE}"
    shop.directly(f"DROP OWNED BY {LEASE}; DROP ROLE {LEASE}")


@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize(
    "steps",
    [
        ("ALTER TABLE goods ADD COLUMN z int",),
        ("ALTER TABLE makers ADD COLUMN z int",),
        ("ALTER TABLE days ADD COLUMN z int",),
        ("TRUNCATE goods CASCADE",),
        ("DROP VIEW offers", "ALTER TABLE goods ADD COLUMN z int"),
    ],
    ids=str,
)
def test_a_task_that_begins_or_ends_is_nobodys_work(
    shop: Company, another_lease: str, steps: tuple[str, ...], ended: bool
) -> None:
    before = shop.truth(ALL)
    shop.approved(steps)
    shop.directly(another_lease.replace(", offers", "") if "DROP VIEW offers" in steps else another_lease)
    if ended:
        shop.directly(f"DROP OWNED BY {LEASE}")
    shop.undo_back_to(0)
    assert shop.truth(ALL) == before
    assert shop.truth(f"SELECT has_table_privilege('{LEASE}', 'goods', 'SELECT')") == [(not ended,)]


def test_a_grant_of_a_persons_is_somebodys_work(shop: Company, another_lease: str) -> None:
    shop.directly(f"{another_lease}; DROP OWNED BY {LEASE}")
    shop.approved(("ALTER TABLE goods ADD COLUMN z int",))
    shop.directly(another_lease)
    shop.directly("GRANT SELECT ON goods TO PUBLIC")
    with pytest.raises(YettError, match=r"public.goods the relation: was made since"):
        shop.undo()


def test_a_function_on_a_table_of_a_type_comes_back_behind_both(shop: Company) -> None:
    shop.directly("CREATE FUNCTION shown(m makers) RETURNS text LANGUAGE sql AS 'SELECT m.id::text'")
    before = shop.truth(ALL), shop.truth("SELECT pg_get_functiondef('shown'::regproc)")
    shop.approved(("DROP FUNCTION shown(makers)", "DROP TABLE makers CASCADE", "DROP TYPE mood"))
    shop.undo_back_to(0)
    assert (shop.truth(ALL), shop.truth("SELECT pg_get_functiondef('shown'::regproc)")) == before


def test_what_came_to_depend_on_a_schema_since_it_was_signed_stops_it(shop: Company) -> None:
    shop.directly("CREATE FUNCTION stock.one() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'")
    shop.approve(shop.held("DROP SCHEMA stock CASCADE"))
    shop.directly("ALTER TABLE tree ALTER COLUMN up SET DEFAULT stock.one()")
    before = shop.truth(ALL)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        shop.run("DROP SCHEMA stock CASCADE")
    assert shop.truth(ALL) == before


def test_a_table_is_dumped_under_the_name_that_its_schema_had(shop: Company) -> None:
    before = shop.truth("SELECT * FROM stock.places")
    shop.approved(("ALTER SCHEMA stock RENAME TO depot", "DROP TABLE depot.places"))
    with pytest.raises(YettError, match=r"stock. does not exist"):
        shop.undo()
    shop.directly("ALTER SCHEMA depot RENAME TO stock")
    shop.undo()
    assert shop.truth("SELECT * FROM stock.places") == before


@pytest.mark.parametrize(
    "theirs",
    [
        "ALTER SEQUENCE goods_id_seq INCREMENT 5",
        "GRANT SELECT ON SEQUENCE goods_id_seq TO PUBLIC",
        "COMMENT ON CONSTRAINT goods_pkey ON goods IS 'theirs'",
        "COMMENT ON INDEX goods_pkey IS 'theirs'",
        "ALTER INDEX goods_pkey SET (fillfactor = 50)",
        "COMMENT ON COLUMN goods.id IS 'theirs'",
        "DROP TABLE goods CASCADE",
    ],
)
@pytest.mark.parametrize("step", ["ALTER TABLE goods ADD COLUMN z int", "ALTER TABLE goods DROP COLUMN maker CASCADE"])
def test_what_somebody_does_later_is_not_overwritten(shop: Company, step: str, theirs: str) -> None:
    shop.approved((step,))
    shop.directly(theirs)
    before = shop.truth(ALL) if "TABLE goods" not in theirs else shop.truth("SELECT to_regclass('goods')")
    with pytest.raises(YettError, match="since"):
        shop.undo()
    assert (shop.truth(ALL) if "TABLE goods" not in theirs else shop.truth("SELECT to_regclass('goods')")) == before


def test_a_table_that_somebody_drops_later_does_not_come_back(shop: Company) -> None:
    shop.directly("CREATE TABLE alone (id int)")
    shop.approved(("ALTER TABLE alone ADD COLUMN z int",))
    shop.directly("DROP TABLE alone")
    with pytest.raises(YettError, match=r"public.alone the table: was dropped since"):
        shop.undo()
    assert shop.truth("SELECT to_regclass('alone')") == [(None,)]


def test_a_view_that_somebody_drops_later_does_not_come_back(shop: Company) -> None:
    shop.approved(("ALTER TABLE goods ADD COLUMN z int",))
    shop.directly("DROP VIEW offers")
    before = shop.truth(ALL)
    with pytest.raises(YettError, match="since"):
        shop.undo()
    assert shop.truth(ALL) == before


@pytest.mark.parametrize(
    "step",
    [
        "ALTER TABLE goods ADD COLUMN z int",
        "DROP TABLE goods CASCADE",
        "TRUNCATE goods CASCADE",
        "DROP INDEX CONCURRENTLY goods_found",
        "DROP INDEX goods_found",
        "DROP VIEW offers CASCADE",
    ],
)
def test_what_people_wrote_into_definitions_lies_in_the_keep_alone(shop: Company, step: str) -> None:
    """An undo's record is not sealed."""
    shop.directly("CREATE INDEX goods_found ON goods (id) WHERE id::text <> 'hunter2'")
    shop.directly("CREATE STATISTICS goods_told ON (concat(id, 'hunter2')), id FROM goods")
    shop.directly("CREATE PUBLICATION goods_sent FOR TABLE goods WHERE (id <> length('hunter2'))")
    shop.directly("COMMENT ON VIEW offers IS 'hunter2'; COMMENT ON TABLE goods IS 'hunter2'")
    _comment_on_keys_to(shop, "goods", "hunter2")
    before = shop.truth(ALL)
    shop.approve(shop.held(step))
    shop.run(step)
    kept = [path for path in shop.laws.home.rglob("*") if path.is_file()]
    assert len(kept) > 5
    assert [path.name for path in kept if b"hunter2" in path.read_bytes()] == []
    shop.undo()
    assert shop.truth(ALL) == before
    assert "hunter2" in str(shop.truth("SELECT pg_get_indexdef('goods_found'::regclass)"))


def _comment_on_keys_to(shop: Company, table: str, words: str) -> None:
    names = "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint"
    keys = shop.truth(f"{names} WHERE confrelid = '{table}'::regclass")
    assert keys
    for of, key in keys:
        shop.directly(f"COMMENT ON CONSTRAINT {key} ON {of} IS '{words}'")


def test_a_materialized_view_goes_with_its_table_and_its_index(shop: Company) -> None:
    """Nobody but who drops it can look at its index until COMMIT."""
    shop.directly("CREATE MATERIALIZED VIEW seen AS SELECT * FROM goods; CREATE UNIQUE INDEX one ON seen (id)")
    there = "SELECT pg_get_indexdef('one'::regclass), (SELECT array_agg(s::text ORDER BY id) FROM seen s)"
    before = shop.truth(there)
    shop.approved(("ALTER TABLE goods ADD COLUMN z int",))
    shop.approved(("DROP TABLE goods CASCADE",))
    shop.undo(1)
    shop.undo(0)
    assert shop.truth(there) == before
