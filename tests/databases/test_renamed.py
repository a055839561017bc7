"""Tables that a migration renames, moves or replaces by others of their name come back where they were."""

from __future__ import annotations

import pytest
from tests.databases.company_of_tests import Company

from yett.model.errors import YettError

SHAPE = """
SELECT string_agg(concat_ws('|', c.relkind, c.relname, pg_get_indexdef(c.oid), pg_get_viewdef(c.oid),
    (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
      pg_get_expr(d.adbin, d.adrelid)), ',' ORDER BY a.attnum)
      FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
      WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p')),
    (SELECT string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), ',' ORDER BY k.conname)
      FROM pg_constraint k WHERE k.conrelid = c.oid)), E'\\n' ORDER BY c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'i', 'S', 'm')"""
ROWS = "SELECT md5(string_agg(b::text, ',' ORDER BY id)) FROM bookings b"

RENAME = "ALTER TABLE bookings RENAME TO bookings_old"
NEW = "CREATE TABLE bookings (id serial PRIMARY KEY, what text)"
FILLED = "INSERT INTO bookings (id, what) SELECT id, 'was ' || id FROM bookings_old WHERE id < 5"


@pytest.mark.parametrize(
    "steps",
    [
        (RENAME,),
        (f"{RENAME}; {NEW}",),
        (RENAME, NEW, FILLED),
        (f"{RENAME}; {NEW}; {FILLED}",),
        (RENAME, "CREATE VIEW bookings AS SELECT * FROM bookings_old"),
        (RENAME, "ALTER TABLE cars RENAME TO bookings"),
        (f"{RENAME}; CREATE VIEW bookings AS SELECT; DROP VIEW bookings; CREATE VIEW bookings AS SELECT",),
        (f"{RENAME}; ALTER TABLE cars RENAME TO bookings; ALTER TABLE bookings_old RENAME TO cars",),
        (RENAME, "DELETE FROM bookings_old WHERE id < 5"),
        (RENAME, "TRUNCATE bookings_old"),
        (RENAME, "ALTER TABLE bookings_old RENAME TO bookings"),
        (RENAME, "DROP TABLE bookings_old CASCADE"),
        (f"ALTER SEQUENCE bookings_id_seq RENAME TO numbers; {RENAME}",),
        ("CREATE SCHEMA IF NOT EXISTS elsewhere", "ALTER TABLE bookings SET SCHEMA elsewhere"),
    ],
    ids=str,
)
def test_it_comes_back_under_its_name(company: Company, steps: tuple[str, ...]) -> None:
    before = company.truth(ROWS), company.truth(SHAPE)
    company.approved(steps)
    assert company.truth(SHAPE) != before[1] or "RENAME TO bookings" in steps[-1]
    company.undo_all()
    assert (company.truth(ROWS), company.truth(SHAPE)) == before


@pytest.mark.parametrize("copy_first", [True, False])
@pytest.mark.parametrize("first", [RENAME, "DROP TABLE bookings"])
def test_the_swap_of_a_copy_for_the_table_goes_back_step_by_step(
    company: Company, first: str, copy_first: bool
) -> None:
    company.directly("CREATE TABLE bookings_new AS TABLE bookings; ALTER TABLE bookings_new ADD PRIMARY KEY (id)")
    before = company.truth(ROWS), company.truth(SHAPE)
    company.approved((first, "ALTER TABLE bookings_new RENAME TO bookings"))
    dumped = [str(undo.facts["dump"]) for undo in company.laws.plane.undos.records()]
    for number in sorted(range(len(dumped)), key=lambda number: "bookings_new" in dumped[number], reverse=copy_first):
        company.undo(number)
    assert (company.truth(ROWS), company.truth(SHAPE)) == before


@pytest.mark.parametrize("also", ["", "; ALTER VIEW todays RENAME TO of_today", "; CREATE TABLE days (LIKE dates)"])
def test_partitioned_tables_and_views_come_back_under_their_names(company: Company, also: str) -> None:
    company.directly(
        "CREATE TABLE days (id serial, day int, PRIMARY KEY (id, day)) PARTITION BY RANGE (day);"
        "CREATE TABLE days_1 PARTITION OF days FOR VALUES FROM (0) TO (10);"
        "INSERT INTO days (day) SELECT n % 10 FROM generate_series(1, 50) n;"
        "CREATE VIEW todays AS SELECT * FROM days WHERE day = 0;"
        "ALTER TABLE days OWNER TO CURRENT_USER"
    )
    before = company.truth("SELECT * FROM days ORDER BY id"), company.truth(SHAPE)
    company.approved((f"ALTER TABLE days RENAME TO dates{also}",))
    company.undo_all()
    assert (company.truth("SELECT * FROM days ORDER BY id"), company.truth(SHAPE)) == before


SEATS = "ALTER TABLE cars DROP COLUMN seats"
PARTS = """
CREATE INDEX cars_odd ON cars ((id % 2)); CREATE POLICY cars_odd ON cars USING (true);
CREATE STATISTICS cars_odd ON id, plate FROM cars;
CREATE TRIGGER cars_odd BEFORE UPDATE ON cars FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE RULE cars_odd AS ON UPDATE TO cars WHERE false DO ALSO NOTHING; COMMENT ON COLUMN cars.id IS 'a number'"""


@pytest.mark.parametrize(
    ("steps", "somebody"),
    [
        ((RENAME,), "CREATE TABLE bookings (id int)"),
        ((RENAME,), "CREATE VIEW bookings AS SELECT 1 AS id"),
        ((RENAME,), "CREATE SEQUENCE bookings"),
        ((RENAME,), "ALTER TABLE cars RENAME TO bookings"),
        ((SEATS,), "ALTER TABLE bookings DROP CONSTRAINT bookings_car_fkey;"
         " ALTER TABLE bookings ADD CONSTRAINT bookings_car_fkey CHECK (id > 0)"),
        ((SEATS,), "ALTER TABLE bookings DROP CONSTRAINT bookings_car_fkey; ALTER TABLE"
         " bookings ADD CONSTRAINT bookings_car_fkey FOREIGN KEY (car) REFERENCES cars ON DELETE SET NULL"),
        ((SEATS,), "ALTER TABLE bookings DROP CONSTRAINT bookings_car_fkey"),
        ((SEATS,), "DROP INDEX cars_odd"),
        ((SEATS,), "DROP TRIGGER cars_odd ON cars"),
        ((SEATS,), "DROP POLICY cars_odd ON cars"),
        ((SEATS,), "DROP RULE cars_odd ON cars"),
        ((SEATS,), "COMMENT ON COLUMN cars.id IS NULL"),
        ((SEATS,), "DROP STATISTICS cars_odd"),
        (("TRUNCATE cars CASCADE; ALTER TABLE cars DROP COLUMN seats",),
         "ALTER TABLE bookings DROP CONSTRAINT bookings_car_fkey"),
        ((RENAME,), "INSERT INTO bookings_old SELECT (b).* FROM (SELECT b FROM bookings_old b LIMIT 0) x;"
         " UPDATE bookings_old SET note = 'later' WHERE id = 1"),
        ((RENAME,), "ALTER TABLE bookings_old ADD COLUMN later int"),
        ((RENAME, NEW), "INSERT INTO bookings (what) VALUES ('later')"),
        ((RENAME, NEW), "ALTER TABLE bookings ADD COLUMN later int"),
        ((RENAME, "CREATE VIEW bookings AS SELECT * FROM bookings_old"), "CREATE VIEW more AS SELECT * FROM bookings"),
        ((RENAME, "CREATE VIEW bookings AS SELECT * FROM bookings_old"),
         "CREATE OR REPLACE VIEW bookings AS SELECT * FROM bookings_old WHERE id > 5"),
    ],
    ids=str,
)  # fmt: skip
def test_what_somebody_did_since_is_not_overwritten(company: Company, steps: tuple[str, ...], somebody: str) -> None:
    company.directly(PARTS)
    company.approved(steps)
    company.directly(somebody)
    before = company.truth(SHAPE)
    with pytest.raises(YettError, match=r"nothing was (undone|changed)"):
        company.undo(0)
    assert company.truth(SHAPE) == before


@pytest.mark.parametrize("what", ["TABLE bookings (id int)", "VIEW bookings AS SELECT 1 AS id"])
def test_it_is_said_that_another_has_taken_the_name(company: Company, what: str) -> None:
    company.approved((RENAME,))
    company.directly(f"CREATE {what}")
    with pytest.raises(YettError, match=r"public.bookings the name: is another relation's now"):
        company.undo(0)


@pytest.mark.parametrize("newest_first", [True, False])
def test_a_view_that_took_the_tables_name_is_not_lost(company: Company, *, newest_first: bool) -> None:
    company.directly("CREATE VIEW chosen AS SELECT 1 AS id; CREATE VIEW behind AS SELECT * FROM chosen")
    before = company.truth(SHAPE)
    company.approved((RENAME, "ALTER VIEW chosen RENAME TO bookings"))
    company.undo_back_to(0, newest_first=newest_first)
    assert company.truth(SHAPE) == before
    assert company.truth("SELECT * FROM behind") == [(1,)]
