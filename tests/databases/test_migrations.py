"""Migration tools: a file as one text, a transaction statement by statement; one person's answer for what belongs
together."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.model.errors import YettError

USERS = "SELECT count(*) FROM users"
INDEXES = "SELECT string_agg(indexdef, ',' ORDER BY indexdef) FROM pg_indexes WHERE tablename = 'bookings'"
TRIGGERS = "SELECT count(*) FROM pg_trigger WHERE tgname = 'users_counted'"
FILE = """
-- CreateEnum
CREATE TYPE "Role" AS ENUM ('ADMIN', 'MEMBER');

-- CreateTable
CREATE TABLE "Team" (
    "id" SERIAL NOT NULL,
    "name" TEXT NOT NULL DEFAULT 'it''s; a name',
    "role" "Role" NOT NULL DEFAULT 'MEMBER',
    CONSTRAINT "Team_pkey" PRIMARY KEY ("id")
);

-- AlterTable
ALTER TABLE "users" ADD COLUMN "team" INTEGER;

-- CreateIndex
CREATE UNIQUE INDEX "Team_name_key" ON "Team"("name");

/* backfill; with a semicolon */
INSERT INTO "Team" ("name") VALUES ($q$first; team$q$);;
UPDATE "users" SET "team" = (SELECT "id" FROM "Team" LIMIT 1);

-- AddForeignKey
ALTER TABLE "users" ADD CONSTRAINT "users_team_fkey" FOREIGN KEY ("team") REFERENCES "Team"("id");
"""


def refused(company: Company, text: str) -> psycopg.Error:
    with company.connect(autocommit=True) as connection, pytest.raises(psycopg.Error) as found:
        connection.execute(text)
    return found.value


def sent(company: Company, text: str) -> list[Any]:
    """All results of one Query."""
    with company.connect(autocommit=True) as connection:
        cursor = connection.execute(text)
        found: list[Any] = []
        while True:
            found.append(list(cursor.fetchall()) if cursor.description else cursor.statusmessage)
            if not cursor.nextset():
                return found


def test_a_migration_file_is_one_hold_and_then_passes_whole(company: Company) -> None:
    hold = company.hold_of(refused(company, FILE))
    assert company.truth("SELECT to_regtype('\"Role\"'), to_regclass('\"Team\"')") == [(None, None)]
    (operation,) = hold.document["operations"]
    assert len(operation["parameters"]["statements"]) == 7
    company.approve(hold)
    assert [str(one).split()[0] for one in sent(company, FILE)] == [
        "CREATE", "CREATE", "ALTER", "CREATE", "INSERT", "UPDATE", "ALTER",
    ]  # fmt: skip
    assert company.truth("SELECT count(team) FROM users") == [(400,)]
    assert company.truth('SELECT name FROM "Team"') == [("first; team",)]


def test_what_a_migration_did_to_a_table_and_its_rows_comes_back(company: Company) -> None:
    text = "ALTER TABLE users ADD COLUMN tier int; UPDATE users SET tier = 1; DELETE FROM users WHERE id = 400"
    company.directly("DELETE FROM bookings WHERE driver = 400")
    before = company.truth("SELECT md5(string_agg(users::text, ',' ORDER BY id)) FROM users")
    company.approve(company.hold_of(refused(company, text)))
    sent(company, text)
    assert company.truth("SELECT count(tier) FROM users") == [(399,)]
    company.undo(0)
    assert company.truth("SELECT md5(string_agg(users::text, ',' ORDER BY id)) FROM users") == before


def test_a_table_that_was_emptied_and_filled_anew_comes_back(company: Company) -> None:
    text = "TRUNCATE bookings; INSERT INTO bookings (driver, car) SELECT id, 1 FROM users WHERE id <= 7"
    before = company.truth("SELECT md5(string_agg(bookings::text, ',' ORDER BY id)) FROM bookings")
    company.approve(company.hold_of(refused(company, text)))
    sent(company, text)
    assert company.truth("SELECT count(*) FROM bookings") == [(7,)]
    company.undo(0)
    assert company.truth("SELECT md5(string_agg(bookings::text, ',' ORDER BY id)) FROM bookings") == before


def test_an_undo_of_a_migration_does_not_overwrite_what_came_after(company: Company) -> None:
    text = "ALTER TABLE cars ADD COLUMN wheels int; INSERT INTO cars (plate, seats) VALUES ('NEW', 1)"
    company.approve(company.hold_of(refused(company, text)))
    sent(company, text)
    company.directly("DELETE FROM cars WHERE plate = 'NEW'")
    with pytest.raises(Exception, match="are there, and"):
        company.undo(0)


# ---- a text in which a statement means something else once those before it have run


@pytest.mark.parametrize("wrapped", ["{}", "BEGIN; {}; COMMIT"])
def test_a_function_that_the_text_made_worse_deletes_nothing_unasked(company: Company, wrapped: str) -> None:
    company.directly("CREATE FUNCTION fine() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    worse = "CREATE OR REPLACE FUNCTION fine() RETURNS int LANGUAGE sql AS 'DELETE FROM bookings RETURNING 1'"
    text = wrapped.format(f"{worse}; SELECT fine()")
    before = company.truth("SELECT count(*) FROM bookings")
    first = company.hold_of(refused(company, text))
    company.approve(first)
    second = company.hold_of(refused(company, text))
    assert second.id != first.id
    assert "bookings" in str(second.document["rows"])
    assert company.truth("SELECT count(*) FROM bookings") == before
    company.approve(second)
    sent(company, text)  # the first approval was not used up by what was rolled back
    assert company.truth("SELECT count(*) FROM bookings") == [(0,)]


def test_a_name_that_moved_to_another_table_is_asked_about(company: Company) -> None:
    text = "ALTER TABLE cars RENAME TO old; ALTER TABLE users RENAME TO cars; DROP TABLE cars CASCADE"
    company.approve(company.hold_of(refused(company, text)))
    second = company.hold_of(refused(company, text))
    (operation,) = second.document["operations"]
    assert operation["parameters"]["statements"] == ["DROP TABLE cars CASCADE"]
    assert company.truth(USERS) == [(400,)]


@pytest.mark.parametrize(
    "text",
    [
        "ALTER TABLE cars ADD a int; SET search_path = pg_temp, public; SELECT 1",
        "SET standard_conforming_strings = off; ALTER TABLE cars ADD a int; SELECT '\\'; DELETE FROM bookings; --'",
        "ALTER TABLE cars ADD a int; SET ROLE postgres; DELETE FROM bookings",
        "ALTER TABLE cars ADD a int; COMMIT; DELETE FROM bookings",
        "ALTER TABLE cars ADD a int; ROLLBACK; DELETE FROM bookings",
        "BEGIN; ALTER TABLE cars ADD a int; COMMIT; DELETE FROM bookings",
        "ALTER TABLE cars ADD a int; VACUUM cars",
        "ALTER TABLE cars ADD a int; CREATE INDEX CONCURRENTLY ON cars (a)",
        "ALTER TABLE cars ADD a int; PREPARE TRANSACTION 'x'",
        "ALTER TABLE cars ADD a int; COPY users TO PROGRAM 'cat'",
    ],
)
def test_what_never_passes_passes_in_no_text_with_a_definition(company: Company, text: str) -> None:
    before = company.truth("SELECT count(*) FROM bookings")
    error = refused(company, text)
    if "h-" in str(error):
        company.approve(company.hold_of(error))
        assert "yett" in str(refused(company, text))
    else:
        assert "yett" in str(error) or error.sqlstate == "25001"
    assert company.truth("SELECT count(*) FROM bookings") == before
    assert company.truth("SELECT count(*) FROM pg_attribute WHERE attrelid = 'cars'::regclass AND attname = 'a'") == [
        (0,)
    ]


def test_an_approved_text_stands_for_itself_alone(company: Company) -> None:
    text = "ALTER TABLE cars ADD COLUMN wheels int; UPDATE cars SET wheels = 4"
    company.approve(company.hold_of(refused(company, text)))
    assert "h-" in str(refused(company, text + " WHERE id > 0"))
    assert "h-" in str(refused(company, "UPDATE cars SET wheels = 4; " + text))
    sent(company, text)
    assert "h-" in str(refused(company, text))


def test_an_error_in_the_middle_ends_the_text_and_takes_everything_back(company: Company) -> None:
    text = "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); INSERT INTO t VALUES (1); CREATE TABLE u ()"
    company.approve(company.hold_of(refused(company, text)))
    assert refused(company, text).sqlstate == "23505"
    assert company.truth("SELECT to_regclass('t'), to_regclass('u')") == [(None, None)]


def test_quotes_comments_and_empty_statements_part_nothing(company: Company) -> None:
    text = (
        "/* a; /* nested; */ b */ CREATE TABLE odd (t text DEFAULT 'a;''b'); ;; -- DROP TABLE users;\n"
        "CREATE FUNCTION twice(int) RETURNS int LANGUAGE sql AS $f$ SELECT $1 * 2; $f$; ;"
        "INSERT INTO odd VALUES ($a$;DROP TABLE users;$a$), (E'\\';'), (U&'d\\0061t;a');;"
    )
    company.approve(company.hold_of(refused(company, text)))
    sent(company, text)
    assert company.truth("SELECT t FROM odd") == [(";DROP TABLE users;",), ("';",), ("dat;a",)]


def test_masked_columns_stay_masked_in_a_text_that_defines(masked: Company) -> None:
    text = "CREATE TABLE copied (e text); INSERT INTO copied SELECT email FROM users; SELECT * FROM copied"
    error = refused(masked, text)
    if "h-" in str(error):
        masked.approve(masked.hold_of(error))
        error = refused(masked, text)
    assert "@example.com" not in str(error)
    assert masked.truth("SELECT to_regclass('copied')") == [(None,)]


# ---- statement by statement


def test_a_transaction_of_definitions_needs_each_approval_once(company: Company) -> None:
    """What was approved is not used up by a run that ended at the next question."""
    statements = (
        "CREATE TABLE django_migrations (id serial PRIMARY KEY, app text, name text)",
        "ALTER TABLE cars ADD COLUMN wheels int",
        "CREATE INDEX cars_wheels ON cars (wheels)",
        "ALTER TABLE cars ADD COLUMN doors int DEFAULT 4",
        "INSERT INTO django_migrations (app, name) VALUES ('fleet', '0001_initial')",
    )
    asked = 0
    for _ in range(10):
        try:
            with company.connect() as connection:
                for statement in statements:
                    connection.execute(statement)
                assert connection.execute("SELECT count(*) FROM django_migrations").fetchone() == (1,)
            break
        except psycopg.Error as error:
            company.approve(company.hold_of(error))
            asked += 1
    assert asked == 4
    assert company.truth("SELECT wheels, doors FROM cars LIMIT 1") == [(None, 4)]
    assert company.truth("SELECT name FROM django_migrations") == [("0001_initial",)]


def test_a_temporary_table_is_filled_in_its_transaction_without_a_question(company: Company) -> None:
    with company.connect() as connection:
        connection.execute("CREATE TEMP TABLE picked (id int)")
        connection.execute("INSERT INTO picked SELECT id FROM users WHERE id < 5")
        assert connection.execute("SELECT count(*) FROM picked").fetchone() == (4,)


@pytest.mark.parametrize("how", ["the same text", "another number", "prepared"])
def test_reads_behind_a_definition_are_read_with_it(company: Company, how: str) -> None:
    company.directly("CREATE FUNCTION fine(int) RETURNS int LANGUAGE sql AS 'SELECT $1'")
    worse = "CREATE OR REPLACE FUNCTION fine(int) RETURNS int LANGUAGE sql AS 'DELETE FROM bookings RETURNING 1'"
    company.approve(company.held(worse))
    before = company.truth("SELECT count(*) FROM bookings")
    with company.connect(autocommit=True) as connection:
        if how == "prepared":
            connection.execute("SELECT fine(%s)", [1], prepare=True)
        else:
            for number in range(5):
                connection.execute(f"SELECT fine({number})")
        connection.execute("BEGIN")
        connection.execute(worse)
        with pytest.raises(psycopg.Error, match="h-"):  # noqa: PT012 - at the read, or at COMMIT
            if how == "prepared":
                connection.execute("SELECT fine(%s)", [1], prepare=True)
            else:
                connection.execute(f"SELECT fine({4 if how == 'the same text' else 9})")
            connection.execute("COMMIT")
    assert company.truth("SELECT count(*) FROM bookings") == before


@pytest.mark.parametrize("prepare", [False, True], ids=["Query", "Parse"])
def test_the_way_back_from_a_failure_forgets_no_definition(company: Company, *, prepare: bool) -> None:
    """While a transaction has failed, nobody can read its catalog; what it defined before its savepoint stands."""
    company.directly("CREATE FUNCTION fine(int) RETURNS int LANGUAGE sql AS 'SELECT $1'")
    worse = "CREATE OR REPLACE FUNCTION fine(int) RETURNS int LANGUAGE sql AS 'DELETE FROM bookings RETURNING 1'"
    company.approve(company.held(worse))
    before = company.truth("SELECT count(*) FROM bookings")
    with company.connect(autocommit=True) as connection:
        connection.execute("SELECT fine(%s)", [1], prepare=prepare)
        for statement in ("BEGIN", worse, "SAVEPOINT here"):
            connection.execute(statement, prepare=prepare)  # type: ignore[call-overload]
        for failing in ("SELECT 1/0", "SELECT fine(1)"):
            with pytest.raises(psycopg.Error):
                connection.execute(failing, prepare=prepare)  # type: ignore[call-overload]
        connection.execute("ROLLBACK TO here", prepare=prepare)
        with pytest.raises(psycopg.Error, match="h-"):  # noqa: PT012 - at the read, or at COMMIT
            connection.execute("SELECT fine(%s)", [1], prepare=prepare)
            connection.execute("COMMIT", prepare=prepare)
    assert company.truth("SELECT count(*) FROM bookings") == before


DROPS = ("DROP INDEX bookings_driver", "ALTER TABLE bookings DROP COLUMN note")


SHUTTING = (
    ("CREATE INDEX again ON bookings (note)", "DROP INDEX again"),
    ("CREATE TRIGGER again BEFORE UPDATE ON bookings FOR EACH ROW EXECUTE FUNCTION"
     " suppress_redundant_updates_trigger()", "DROP TRIGGER again ON bookings"),
    ("CREATE POLICY again ON bookings USING (true)", "DROP POLICY again ON bookings"),
    ("CREATE RULE again AS ON DELETE TO bookings DO ALSO NOTHING", "DROP RULE again ON bookings"),
)  # fmt: skip


@pytest.mark.parametrize(("made", "dropped"), SHUTTING, ids=["index", "trigger", "policy", "rule"])
def test_what_shuts_a_table_goes_before_what_changes_it(company: Company, made: str, dropped: str) -> None:
    """As alembic and Django send it: the second is dumped for at the first, once it is known that it comes."""
    company.directly(made)
    shape = (
        "SELECT md5(string_agg(bookings::text, ',' ORDER BY id)), (SELECT string_agg(indexdef, ',' ORDER BY indexdef)"
        " FROM pg_indexes WHERE tablename = 'bookings'), (SELECT count(*) FROM pg_trigger WHERE tgname = 'again'),"
        " (SELECT count(*) FROM pg_policy WHERE polname = 'again'), (SELECT count(*) FROM pg_rewrite"
        " WHERE rulename = 'again') FROM bookings"
    )
    before = company.truth(shape)
    steps = (dropped, "UPDATE cars SET plate = 'none' WHERE id = 3", "ALTER TABLE bookings DROP COLUMN note")
    cars = company.truth("SELECT * FROM cars ORDER BY id")
    assert company.approved(steps) == 2
    assert company.truth(shape) != before
    undone = 0
    while company.truth(shape) != before or company.truth("SELECT * FROM cars ORDER BY id") != cars:
        company.undo(-1 - undone)
        undone += 1


def test_rows_that_came_after_the_signature_are_counted_in_what_was_dumped_ahead(company: Company) -> None:
    steps = ("DROP INDEX bookings_driver", "ALTER TABLE bookings DROP COLUMN note")
    columns = "driver, car, paid, note, at"
    company.directly("DELETE FROM bookings WHERE id > 100; ANALYZE bookings")
    for _ in steps:
        hold = company.asked(steps)
        assert hold is not None
        company.approve(hold)  # both are signed, and have not run
    company.directly(
        f"INSERT INTO bookings ({columns}) SELECT {columns} FROM bookings CROSS JOIN generate_series(1, 9)"
    )
    with company.connect() as connection:
        connection.execute(steps[0])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="more than was signed"):
            connection.execute(steps[1])
    assert company.truth("SELECT count(*) FROM bookings WHERE note IS NOT NULL OR true") == [(1000,)]


def test_what_was_signed_by_itself_is_sent_again(company: Company) -> None:
    steps = ("DROP INDEX bookings_driver", "ALTER TABLE bookings DROP COLUMN note")
    for step in steps:
        company.approve(company.held(step))
    with company.connect() as connection:
        connection.execute(steps[0])
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="dumped before") as refused:
            connection.execute(steps[1])
    assert "send the transaction again" in str(refused.value)
    assert company.approved(steps) < 3
    assert company.truth("SELECT to_regclass('bookings_driver') IS NULL") == [(True,)]


def test_a_lock_of_the_agents_own_cannot_be_dumped_behind(company: Company) -> None:
    steps = ("LOCK TABLE bookings IN ACCESS EXCLUSIVE MODE", "ALTER TABLE bookings DROP COLUMN note")
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="cannot be dumped any more") as refused:
        company.approved(steps)
    assert "as one text" in str(refused.value)
    behind = (steps[0], "DROP INDEX bookings_driver", steps[1])
    with pytest.raises(psycopg.Error, match="cannot be dumped any more"):
        company.approved(behind)
    assert company.truth("SELECT to_regclass('bookings_driver') IS NULL") == [(False,)]


ROWS = "SELECT md5(string_agg(bookings::text, ',' ORDER BY id)), max(pg_get_indexdef('bookings_driver'::regclass))"


@pytest.mark.parametrize("steps", [("; ".join(DROPS),), DROPS[::-1]], ids=["one text", "the other way round"])
def test_sent_as_that_says_it_passes_and_comes_back(company: Company, steps: tuple[str, ...]) -> None:
    before = company.truth(f"{ROWS} FROM bookings")
    company.approved(steps)
    assert company.truth("SELECT to_regclass('bookings_driver') IS NULL") == [(True,)]
    while company.truth("SELECT to_regclass('bookings_driver') IS NULL") == [(True,)]:
        company.undo()
    assert company.truth(f"{ROWS} FROM bookings") == before


STEPS = ("DROP INDEX never_v", "ALTER TABLE never ADD COLUMN a int", "ALTER TABLE never DROP COLUMN v")


@pytest.mark.parametrize("steps", [STEPS, STEPS[1:]], ids=["ahead", "as it comes"])
def test_of_a_table_that_nobody_counted_ever(company: Company, steps: tuple[str, ...]) -> None:
    company.directly("CREATE TABLE never AS SELECT n AS id, n % 7 AS v FROM generate_series(1, 5000) n")
    company.directly("CREATE INDEX never_v ON never (v)")
    before = company.truth("SELECT * FROM never ORDER BY id")
    assert company.approved(steps) <= len(steps) + 1
    assert company.truth("SELECT count(a) FROM never") == [(0,)]
    company.undo_all()
    assert company.truth("SELECT * FROM never ORDER BY id") == before


OUTSIDE = """
CREATE FUNCTION outside() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN EXECUTE 'SELECT nextval(''cars_id_seq'')'; RETURN 1; END $$"""


@pytest.mark.parametrize(
    "call", ["SELECT outside()", "ALTER TABLE bookings ADD COLUMN more bigint DEFAULT outside()"], ids=str
)
def test_what_may_reach_beyond_the_transaction_runs_once_for_a_signature(company: Company, call: str) -> None:
    company.directly(OUTSIDE)
    company.approve(company.held(call))
    with company.connect() as connection:
        for step in ("SAVEPOINT a", call, "ROLLBACK TO a"):
            connection.execute(step)  # type: ignore[call-overload]
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
            connection.execute(call)  # type: ignore[call-overload]
        connection.rollback()


def test_tables_of_two_owners_are_dumped_ahead(company: Company) -> None:
    company.directly(
        "CREATE ROLE another_owner_of_all; CREATE TABLE theirs AS SELECT 1 AS id, 2 AS v;"
        "ALTER TABLE theirs OWNER TO another_owner_of_all; CREATE INDEX theirs_v ON theirs (v)"
    )
    try:
        before = company.truth("SELECT * FROM theirs")
        steps = ("DROP INDEX bookings_driver", "ALTER TABLE bookings DROP COLUMN note", "DROP INDEX theirs_v",
                 "ALTER TABLE theirs DROP COLUMN v")  # fmt: skip
        company.approved(steps)
        assert company.truth("SELECT * FROM theirs") == [(1,)]
        company.undo_all()
        assert company.truth("SELECT * FROM theirs") == before
    finally:
        company.directly("DROP OWNED BY another_owner_of_all; DROP ROLE another_owner_of_all")


# ---- what is dumped, and then emptied, made anew or taken in the same transaction


@pytest.mark.parametrize(
    ("steps", "there"),
    [
        (("DROP INDEX bookings_driver", "TRUNCATE bookings"), INDEXES),
        (("DROP INDEX bookings_driver; TRUNCATE bookings",), INDEXES),
        (("DROP TRIGGER users_counted ON users", "TRUNCATE users CASCADE"), TRIGGERS),
        (("ALTER TABLE bookings ALTER COLUMN note TYPE int USING 0", "TRUNCATE bookings"), INDEXES),
        (("ALTER TABLE bookings ALTER COLUMN note TYPE int USING 0; TRUNCATE bookings",), INDEXES),
        (("DROP INDEX bookings_driver", "ALTER TABLE bookings DROP COLUMN note", "TRUNCATE bookings"), INDEXES),
        (("DROP TABLE bookings; CREATE TABLE bookings AS SELECT 1 AS id",), INDEXES),
        (("TRUNCATE bookings",), INDEXES),
        (("TRUNCATE bookings", "DROP INDEX bookings_driver"), INDEXES),
        (("TRUNCATE bookings; DROP INDEX bookings_driver",), INDEXES),
        (("TRUNCATE users CASCADE", "DROP TRIGGER users_counted ON users"), TRIGGERS),
        (("DELETE FROM bookings WHERE id < 9", "TRUNCATE bookings"), INDEXES),
    ],
    ids=str,
)
def test_it_comes_back_with_its_rows_and_its_definition(company: Company, steps: tuple[str, ...], there: str) -> None:
    rows = "SELECT md5(string_agg(bookings::text, ',' ORDER BY id)) FROM bookings"
    before, defined = company.truth(rows), company.truth(there)
    company.approved(steps)
    for number in range(len(company.laws.plane.undos.records())):
        company.undo(-1 - number)
        if (company.truth(rows), company.truth(there)) == (before, defined):
            return
    assert company.truth(rows) == before
    assert company.truth(there) == defined


@pytest.mark.parametrize(
    "steps",
    [
        ("ALTER TABLE cars DROP COLUMN seats", "DROP TABLE bookings"),
        ("DROP TABLE bookings", "ALTER TABLE cars DROP COLUMN seats"),
        ("TRUNCATE bookings RESTART IDENTITY", "ALTER TABLE cars DROP COLUMN seats"),
        ("DROP TABLE bookings", "DROP TABLE cars"),
        ("DROP INDEX bookings_driver", "ALTER TABLE cars DROP COLUMN seats", "DROP TABLE bookings"),
    ],
    ids=str,
)
def test_two_dumps_of_a_transaction_with_a_key_between(company: Company, steps: tuple[str, ...]) -> None:
    shape = (
        "SELECT (SELECT md5(string_agg(c::text, ',' ORDER BY id)) FROM cars c),"
        " md5(string_agg(b::text, ',' ORDER BY id)),"
        " (SELECT string_agg(pg_get_constraintdef(oid), ',' ORDER BY conname) FROM pg_constraint"
        " WHERE conrelid = 'bookings'::regclass) FROM bookings b"
    )
    before = company.truth(shape)
    company.approved(steps)
    undone = set[int]()
    while left := set(range(len(company.laws.plane.undos.records()))) - undone:
        for number in sorted(left, reverse=True):
            try:
                company.undo(number)
                undone.add(number)
            except YettError as error:
                if "undo that first" not in error.remedy:
                    raise
    assert company.truth(shape) == before


@pytest.mark.parametrize(
    "first",
    [
        ("ALTER TABLE bookings ALTER COLUMN paid TYPE numeric(12,3)",),
        ("DROP INDEX bookings_driver", "ALTER TABLE bookings ADD COLUMN zz int"),
    ],
    ids=str,
)
def test_who_has_signed_for_fewer_rows_has_not_signed_for_what_was_rewritten(
    company: Company, first: tuple[str, ...]
) -> None:
    columns = "driver, car, paid, note, at"
    company.directly("DELETE FROM bookings WHERE id > 100; ANALYZE bookings")
    company.approve(company.held("TRUNCATE bookings"))
    company.directly(f"INSERT INTO bookings ({columns}) SELECT {columns} FROM bookings, generate_series(1, 9)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as refused:  # noqa: PT012
        for _ in range(4):
            with company.connect() as connection:
                try:
                    for step in (*first, "TRUNCATE bookings"):
                        connection.execute(step.encode())
                except psycopg.errors.InsufficientPrivilege as error:
                    connection.rollback()
                    if "(hold" not in str(error) or "TRUNCATE" in str(company.hold_of(error).document["operations"]):
                        raise
                    company.approve(company.hold_of(error))
                else:
                    break
    assert "signed for" in str(refused.value) or "hold" in str(refused.value)
    assert company.truth("SELECT count(*) FROM bookings") == [(1000,)]


# ---- what a transaction has made itself, which has another oid each time

MADE_HERE = [
    (2, "CREATE TABLE x (id int PRIMARY KEY)", "ALTER TABLE x ADD COLUMN g int REFERENCES cars"),
    (1, "CREATE TABLE x (id int PRIMARY KEY, g int)", "CREATE INDEX ON x (g)", "CREATE UNIQUE INDEX ON x (g, id)"),
    (1, "CREATE TABLE x (id int)", "INSERT INTO x SELECT id FROM cars", "CREATE INDEX ON x (id)"),
    (1, "CREATE TYPE e AS ENUM ('a')", "CREATE TABLE x (e e DEFAULT 'a', CHECK (e = 'a'))", "CREATE INDEX ON x (e)"),
    (1, "CREATE TABLE x (id int PRIMARY KEY)", "CREATE TABLE y (x int REFERENCES x)"),
    (
        1,
        "CREATE TABLE x (id int)",
        "CREATE TABLE y (x int)",
        "ALTER TABLE x ADD UNIQUE (id)",
        "ALTER TABLE y ADD FOREIGN KEY (x) REFERENCES x (id)",
        "ALTER TABLE y ALTER x SET NOT NULL",
    ),
    (1, "CREATE TABLE x (id int)", "COMMENT ON TABLE x IS 'a'", "COMMENT ON COLUMN public.x.id IS 'b'"),
    (2, "CREATE TABLE x (id int)", "COMMENT ON TABLE cars IS 'a'"),
    (2, "CREATE TABLE x (id int)", "COMMENT ON COLUMN cars.id IS 'a'"),
    (2, "CREATE TABLE x (id int PRIMARY KEY)", "COMMENT ON INDEX x_pkey IS 'a'"),
    (2, "CREATE TABLE x (id int)", "ALTER TABLE x ADD FOREIGN KEY (id) REFERENCES cars"),
    (2, "CREATE TABLE x (car int REFERENCES cars)", "CREATE INDEX ON x (car)"),
    (2, "CREATE TABLE x (id int)", "ALTER TABLE x ADD COLUMN at int DEFAULT 1"),
    (2, "CREATE TABLE x (id int)", "ALTER TABLE x ADD CHECK (id > 0)"),
    (2, "CREATE TABLE x (id int)", "CREATE INDEX ON x ((id + 1))"),
    (2, "CREATE TABLE x (id int)", "CREATE INDEX ON x (id) WHERE id > 1"),
    (2, "CREATE TABLE x (id int)", "CREATE INDEX ON cars (id)"),
    (3, "CREATE TABLE x (id int)", "CREATE TABLE y (LIKE cars)", "CREATE TABLE z () INHERITS (cars)"),
    (2, "CREATE TABLE x (id int)", "ALTER TABLE x RENAME TO y", "CREATE INDEX ON y (id)"),
    (2, "CREATE VIEW v AS SELECT id FROM cars", "CREATE VIEW w AS SELECT id FROM v"),
    (2, "CREATE VIEW v AS SELECT id FROM cars", "GRANT SELECT ON v TO PUBLIC"),
    (2, "CREATE MATERIALIZED VIEW m AS SELECT id FROM cars", "CREATE UNIQUE INDEX ON m (id)"),
    (3, "CREATE TABLE x (id int)", "ALTER TABLE x ENABLE ROW LEVEL SECURITY", "CREATE POLICY p ON x USING (id > 1)"),
    (1, "CREATE SEQUENCE s", "CREATE TABLE x (id int DEFAULT nextval('s'))", "ALTER SEQUENCE s OWNED BY x.id"),
    (2, "CREATE SEQUENCE s", "ALTER SEQUENCE s OWNED BY cars.id"),
    (3, "CREATE TABLE x (id int)", "ALTER TABLE x RENAME TO y", "DROP TABLE y"),
    (2, "CREATE TABLE x (id int)", "TRUNCATE x"),
    (1, "CREATE TABLE x (id serial PRIMARY KEY, t text)", "INSERT INTO x (t) VALUES ('a')", "DELETE FROM x"),
    (3, "CREATE TABLE x (LIKE cars INCLUDING ALL)", "ALTER TABLE cars RENAME TO o", "ALTER TABLE x RENAME TO cars"),
]


@pytest.mark.parametrize(("questions", "steps"), [(count, steps) for count, *steps in MADE_HERE], ids=str)
def test_each_is_asked_about_once(company: Company, questions: int, steps: list[str]) -> None:
    assert company.approved(steps, most=questions) == questions


def test_what_was_signed_for_a_table_of_its_own_is_not_signed_for_somebody_elses(company: Company) -> None:
    company.approved(("CREATE TABLE x (id int)", "TRUNCATE x", "DROP TABLE x"))
    company.approve(company.held("CREATE TABLE x (id int)"))
    with company.connect() as connection:
        connection.execute("CREATE TABLE x (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as held:
            connection.execute("TRUNCATE x")
    company.approve(company.hold_of(held.value))
    company.directly("CREATE TABLE x (id int); INSERT INTO x VALUES (1)")
    with company.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
        connection.execute("TRUNCATE x")
    assert company.truth("SELECT id FROM x") == [(1,)]


def test_an_index_on_somebody_elses_table_of_that_name_is_asked_about(company: Company) -> None:
    company.directly("CREATE SCHEMA other; CREATE TABLE other.x (id int); GRANT ALL ON SCHEMA other TO PUBLIC")
    company.approve(company.held("CREATE TABLE x (id int)"))
    with company.connect() as connection:
        connection.execute("CREATE TABLE x (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
            connection.execute("CREATE INDEX ON other.x (id)")


# ---- what runs before anybody was asked


def test_nothing_of_it_is_there_until_somebody_has_said_yes(company: Company) -> None:
    with company.connect() as connection:
        connection.execute("CREATE TABLE x (id int PRIMARY KEY)")
        assert company.truth("SELECT to_regclass('x')") == [(None,)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as held:
            connection.commit()
    assert company.truth("SELECT to_regclass('x')") == [(None,)]
    company.approve(company.hold_of(held.value))
    assert company.truth("SELECT to_regclass('x')") == [(None,)]
    assert company.approved(["CREATE TABLE x (id int PRIMARY KEY)"]) == 0
    assert company.truth("SELECT to_regclass('x')") == [("x",)]


@pytest.mark.parametrize("how", ["Query", "Parse", "pipeline"])
def test_what_comes_behind_it_runs_as_the_lease(company: Company, how: str) -> None:
    with company.connect() as connection:
        if how == "pipeline":
            with connection.pipeline():
                connection.execute("CREATE TABLE x (id int PRIMARY KEY)")
                who = connection.execute("SELECT current_user, session_user")
                connection.execute("CREATE INDEX ON x (id)")
                again = connection.execute("SELECT current_user, session_user")
        else:
            connection.execute("CREATE TABLE x (id int PRIMARY KEY)", prepare=how == "Parse")
            who = connection.execute("SELECT current_user, session_user", prepare=how == "Parse")
            connection.execute("CREATE INDEX ON x (id)", prepare=how == "Parse")
            again = connection.execute("SELECT current_user, session_user", prepare=how == "Parse")
        for cursor in (who, again):
            ((now, first),) = cursor.fetchall()
            assert now == first
            assert now.startswith("yett_")
        connection.rollback()
    assert company.truth("SELECT to_regclass('x')") == [(None,)]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE x (id int DEFAULT worse())",
        "CREATE TABLE x (id int CHECK (worse() > id))",
        "CREATE TABLE x (id int GENERATED ALWAYS AS (worse()) STORED)",
        "CREATE TABLE x (id int) PARTITION BY RANGE ((worse() + id))",
        "CREATE TABLE x AS SELECT worse()",
        "CREATE TABLE x PARTITION OF days FOR VALUES FROM (worse()) TO (9)",
        "CREATE TABLE x (id int, EXCLUDE (id WITH =))",
        "CREATE SEQUENCE x OWNED BY cars.id",
        "CREATE TABLE x (id int) TABLESPACE pg_default",
        "CREATE TABLE x (id int REFERENCES cars)",
        "CREATE TABLE x (LIKE cars INCLUDING ALL)",
        "CREATE TABLE x OF kind",
        "CREATE TABLE x (id worst)",
        "CREATE TABLE x (id worst[] DEFAULT '{1}')",
        "CREATE TABLE x (id kind)",
        "CREATE TABLE x (id int CHECK (mine(1) > id))",
        "CREATE TABLE x (id int DEFAULT mine(1))",
    ],
)
def test_what_could_run_or_lock_anything_is_asked_about_before_it_runs(company: Company, statement: str) -> None:
    company.directly("CREATE TABLE ran (n int); CREATE TABLE days (k int) PARTITION BY RANGE (k);")
    company.directly("CREATE TYPE kind AS (a int)")
    body = "BEGIN INSERT INTO ran VALUES (1); RETURN 1; END"
    company.directly(f"CREATE FUNCTION worse() RETURNS int IMMUTABLE LANGUAGE plpgsql AS '{body}'")
    company.directly("CREATE FUNCTION mine(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1'")
    company.directly("CREATE DOMAIN worst AS int CHECK (value <> 7)")
    with company.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(statement)


def test_with_an_event_trigger_it_is_asked_about_before_it_runs(company: Company) -> None:
    company.directly("CREATE FUNCTION seen() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'")
    company.directly("CREATE EVENT TRIGGER see ON ddl_command_end EXECUTE FUNCTION seen()")
    with company.connect() as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("CREATE TABLE x (id int)")


@pytest.mark.parametrize(
    ("asked", "steps"),
    [
        (1, ("CREATE TABLE x (id int)", "SAVEPOINT a", "CREATE INDEX ON x (id)", "ROLLBACK TO a")),
        (2, ("CREATE TABLE x (id int)", "SAVEPOINT a", "CREATE INDEX ON x (id)", "RELEASE a")),
        (2, ("CREATE TABLE x (id int)", "SAVEPOINT a", "SAVEPOINT b", "RELEASE a", "CREATE INDEX ON x (id)")),
        (1, ("CREATE TABLE x (id int)", "SAVEPOINT a", "SAVEPOINT a", "CREATE INDEX ON x (id)", "ROLLBACK TO A")),
        # Set before the first write: nobody has noted it, and so nothing is forgotten.
        (1, ("SAVEPOINT a", "CREATE TABLE x (id int)", "ROLLBACK TO a")),
        # Both are one to the server, which is not what anybody else has to know.
        (2, ("CREATE TABLE x (id int)", f"SAVEPOINT {'a' * 63}", "CREATE INDEX ON x (id)", f"ROLLBACK TO {'a' * 64}")),
    ],
    ids=str,
)
def test_what_a_savepoint_took_back_is_not_asked_about(company: Company, asked: int, steps: tuple[str, ...]) -> None:
    with company.connect() as connection:
        for step in steps:
            connection.execute(step.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as held:
            connection.commit()
    (operation,) = company.hold_of(held.value).document["operations"]
    assert len(operation["parameters"]["statements"]) == asked


@pytest.mark.parametrize("how", ["one by one", "Parse", "pipeline"])
def test_all_that_stands_is_in_the_question(company: Company, how: str) -> None:
    steps = ["CREATE TABLE x (id int PRIMARY KEY)", "CREATE TABLE y (id int REFERENCES x)", "CREATE INDEX ON y (id)"]
    with company.connect() as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as held:  # noqa: PT012 - at COMMIT, however they came
            if how == "pipeline":
                with connection.pipeline():
                    for step in steps:
                        connection.execute(step.encode())
            else:
                for step in steps:
                    connection.execute(step.encode(), prepare=how == "Parse")
            connection.commit()
        connection.rollback()
    (operation,) = company.hold_of(held.value).document["operations"]
    assert operation["parameters"]["statements"] == steps
    assert company.truth("SELECT to_regclass('x')") == [(None,)]


def test_what_failed_is_not_what_was_signed(company: Company) -> None:
    first, second = "CREATE TABLE w (id int)", "CREATE TABLE w (id int, CHECK (id > 0))"
    with company.connect() as connection:
        for step in ("SAVEPOINT a", first, "ROLLBACK TO a", second):
            connection.execute(step.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as held:
            connection.commit()
    company.approve(company.hold_of(held.value))
    with company.connect() as connection:
        connection.execute(first.encode())
        connection.execute("SAVEPOINT a")
        with pytest.raises(psycopg.errors.DuplicateTable):
            connection.execute(second.encode())
        connection.execute("ROLLBACK TO a")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
            connection.commit()
    assert company.truth("SELECT to_regclass('w')") == [(None,)]


@pytest.mark.parametrize(
    "key",
    [
        "pid text DEFAULT current_user REFERENCES p ON DELETE SET DEFAULT",
        "pid text REFERENCES p ON DELETE SET NULL CHECK (pid > '')",
        "pid text REFERENCES p ON UPDATE CASCADE",
        "pid text, FOREIGN KEY (pid) REFERENCES p ON UPDATE SET DEFAULT",
    ],
)
@pytest.mark.parametrize("altered", [False, True])
def test_no_foreign_key_evaluates_anything_as_the_owner_unasked(company: Company, key: str, *, altered: bool) -> None:
    how = key.partition("REFERENCES")[2].partition("CHECK")[0]
    statement = f"ALTER TABLE c ADD FOREIGN KEY (pid) REFERENCES {how}" if altered else f"CREATE TABLE d (k int, {key})"
    with company.connect() as connection:
        connection.execute("CREATE TABLE p (id text PRIMARY KEY)")
        connection.execute("CREATE TABLE c (pid text DEFAULT current_user)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
            connection.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE f (id int REFERENCES theirs)",
        "CREATE INDEX ON theirs (id)",
        "ALTER TABLE theirs ALTER id SET NOT NULL",
        "COMMENT ON COLUMN theirs.id IS 'x'",
        "CREATE TABLE IF NOT EXISTS theirs (id int)",
    ],
)
def test_somebody_elses_table_of_just_now_is_not_its_own(company: Company, statement: str) -> None:
    with company.connect() as connection:
        connection.execute("CREATE TABLE x (id int)")
        company.directly("CREATE TABLE theirs (id int PRIMARY KEY); INSERT INTO theirs VALUES (1)")
        if "IF NOT EXISTS" in statement:  # it is there, and is nobody's to give
            connection.execute(statement.encode())
            statement = "SELECT * FROM theirs"
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TYPE pg_temp.level AS ENUM ('high', 'low')",
        "CREATE TEMP SEQUENCE users",
        "CREATE TYPE pg_catalog.evil AS ENUM ('a')",
        "CREATE TABLE information_schema.evil (id int)",
        "CREATE TABLE hr.x (id int)",
        "CREATE TYPE hr.x AS ENUM ('a')",
        "CREATE SEQUENCE hr.x",
    ],
)
def test_nothing_is_made_elsewhere_unasked(company: Company, statement: str) -> None:
    company.directly("CREATE SCHEMA hr")
    with company.connect() as connection:
        connection.execute("CREATE TABLE x (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement.encode())


@pytest.mark.parametrize(
    ("steps", "passes"),
    [
        (("CREATE TABLE cars2 (id int PRIMARY KEY, up int REFERENCES cars2)",), True),
        (("CREATE TABLE hr.cars (id int PRIMARY KEY, up int REFERENCES cars)",), False),
        (("CREATE TABLE cars2 (id int REFERENCES public.cars2)",), False),
        (("CREATE TABLE hr.cars (id int PRIMARY KEY)", "CREATE TABLE cars2 (id int REFERENCES cars)"), False),
    ],
    ids=str,
)
def test_a_table_may_refer_to_itself_and_to_nobody_elses(
    two_schemas: Company, steps: tuple[str, ...], *, passes: bool
) -> None:
    two_schemas.directly("CREATE SCHEMA hr")
    *first, last = steps
    with two_schemas.connect() as connection:
        for step in first:
            connection.execute(step.encode())
        if passes:
            connection.execute(last.encode())
        else:
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
                connection.execute(last.encode())
        connection.rollback()


def test_children_that_are_somebodys_are_not_changed_unasked(company: Company) -> None:
    company.directly("CREATE TABLE kid (id int)")
    steps = ("CREATE TABLE par (id int)", "ALTER TABLE kid INHERIT par")
    with company.connect() as connection:
        connection.execute(steps[0].encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as held:
            connection.execute(steps[1].encode())
    company.approve(company.hold_of(held.value))
    with company.connect() as connection:
        for step in steps:
            connection.execute(step.encode())
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
            connection.execute("ALTER TABLE par ALTER id SET NOT NULL")


def test_an_index_on_a_temporary_table_lends_nothing(company: Company) -> None:
    with company.connect() as connection:
        connection.execute("CREATE TEMP TABLE tt (id int)")
        connection.execute("CREATE INDEX ON tt (id)")
        connection.execute("INSERT INTO tt VALUES (1)")
        assert connection.execute("SELECT * FROM tt").fetchall() == [(1,)]
        connection.rollback()


def test_what_was_taken_back_costs_nothing(company: Company) -> None:
    """Each run up to the next question takes what was approved before it: only the last one happens."""
    tables = [f"t{number}" for number in range(6)]
    company.directly("; ".join(f"CREATE TABLE {name} (id int)" for name in tables))
    assert company.approved([f"DROP TABLE {name}" for name in tables], most=7) == 6
    state = company.laws.plane.checkpoint._sessions[company.session.id]
    assert state.spent.deletes == 6
