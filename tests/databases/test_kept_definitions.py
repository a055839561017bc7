"""What holds no rows and goes all the same: signed by one person alone, kept in the server's words, brought back."""

from __future__ import annotations

import psycopg
import pytest
from tests.databases.company_of_tests import Company
from tests.databases.test_undo_attacks import in_one_transaction

from yett.model.errors import YettError

DEFINITIONS = """
SELECT 'function', p.oid::regprocedure::text, pg_get_functiondef(p.oid), r.rolname, p.proacl::text,
  obj_description(p.oid, 'pg_proc')
FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner WHERE p.pronamespace = 'public'::regnamespace AND p.prokind <> 'a'
UNION ALL SELECT 'trigger', concat(t.tgname, t.tgrelid::regclass), pg_get_triggerdef(t.oid), t.tgenabled::text, '',
  obj_description(t.oid, 'pg_trigger') FROM pg_trigger t WHERE NOT t.tgisinternal
UNION ALL SELECT 'policy', polname, concat(polrelid::regclass, polcmd, polpermissive),
  (SELECT string_agg(coalesce(rolname, 'PUBLIC'), ',' ORDER BY rolname) FROM unnest(polroles) o(oid)
    LEFT JOIN pg_roles USING (oid)),
  concat_ws('/', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)),
  obj_description(oid, 'pg_policy') FROM pg_policy
UNION ALL SELECT 'rule', rulename, pg_get_ruledef(oid), ev_enabled::text, '', obj_description(oid, 'pg_rewrite')
  FROM pg_rewrite WHERE ev_class = 'users'::regclass
UNION ALL SELECT 'index', indexrelid::regclass::text, pg_get_indexdef(indexrelid), indisclustered::text,
  indisreplident::text, obj_description(indexrelid, 'pg_class') FROM pg_index WHERE indrelid = 'users'::regclass
UNION ALL SELECT 'comment', objoid::regclass::text || objsubid, description, '', '', '' FROM pg_description
  WHERE classoid = 'pg_class'::regclass AND objoid IN ('users'::regclass, 'cars'::regclass)
UNION ALL SELECT 'default', adrelid::regclass::text || adnum, pg_get_expr(adbin, adrelid), '', '', '' FROM pg_attrdef
ORDER BY 1, 2, 3"""
MADE = """
CREATE FUNCTION price(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION price(n text, more int DEFAULT 7) RETURNS text LANGUAGE sql STABLE SET work_mem = '8MB'
  AS $$ SELECT n || '%s "quoted" \\ ' || more $$;
COMMENT ON FUNCTION price(int) IS 'what it''s worth';
REVOKE ALL ON FUNCTION price(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION price(int) TO "Teller" WITH GRANT OPTION;
CREATE PROCEDURE nightly(IN n int) LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM n; END $$;
ALTER PROCEDURE nightly OWNER TO "Teller";
CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON users FOR EACH ROW WHEN (NEW.created > '2001-02-03'::timestamptz)
  EXECUTE FUNCTION stamped('a', 'b''c');
COMMENT ON TRIGGER stamp ON users IS 'stamps';
ALTER TABLE users ENABLE ALWAYS TRIGGER stamp;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON users DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
  EXECUTE FUNCTION stamped();
CREATE POLICY "Own ones" ON users AS RESTRICTIVE FOR UPDATE TO "Teller", CURRENT_USER USING (id > price(1))
  WITH CHECK (name <> 'x');
COMMENT ON POLICY "Own ones" ON users IS 'own';
CREATE RULE silent AS ON DELETE TO users WHERE OLD.id < 0 DO INSTEAD NOTHING;
ALTER TABLE users DISABLE RULE silent;
CREATE UNIQUE INDEX users_priced ON users (id, price(id::int));
COMMENT ON INDEX users_priced IS 'fast';
ALTER INDEX users_priced ALTER COLUMN 2 SET STATISTICS 77;
ALTER TABLE users CLUSTER ON users_priced;
COMMENT ON TABLE users IS 'people';
"""


@pytest.fixture
def defined(company: Company) -> Company:
    if not company.truth("SELECT 1 FROM pg_roles WHERE rolname = 'Teller'"):
        company.directly('CREATE ROLE "Teller"')
    company.directly('GRANT ALL ON SCHEMA public TO "Teller"')
    company.directly(MADE)
    return company


def signed(company: Company, text: str) -> None:
    """By one person alone, who was told that it can be brought back."""
    hold = company.held(text)
    (situation,) = hold.document["situations"]
    assert situation["undo"]["possible"] is True, situation["undo"]
    assert "kept" in situation["undo"]["how"]
    company.approve(hold)
    company.run(text)


def goes_and_comes_back(company: Company, text: str, truth: str) -> None:
    """Signed by one person, and undone."""
    before = company.truth(truth)
    signed(company, text)
    assert company.truth(truth) != before
    company.undo()
    assert company.truth(truth) == before


DROPPED = [
    "CREATE TRIGGER another BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamped()",
    "CREATE OR REPLACE TRIGGER stamp BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamped()",
    'DROP POLICY "Own ones" ON users; CREATE POLICY "Own ones" ON users; CREATE POLICY "Mine, too" ON users',
    "DROP TRIGGER stamp ON users",
    "DROP TRIGGER later ON users",
    "DROP PROCEDURE nightly",
    "DROP FUNCTION price(text, int)",
    'DROP POLICY "Own ones" ON users',
    "DROP RULE silent ON users",
    "DROP INDEX users_priced",
    "DROP FUNCTION stamped() CASCADE",
    "DROP FUNCTION price(int) CASCADE",
    "DROP ROUTINE price(text, int), stamped CASCADE",
    "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql VOLATILE AS 'SELECT 0'",
    "CREATE OR REPLACE PROCEDURE nightly(IN n int) LANGUAGE sql AS ''",
    "COMMENT ON TABLE users IS 'x'",
    "COMMENT ON COLUMN cars.plate IS 'x'",
    "COMMENT ON FUNCTION price(int) IS NULL",
    "COMMENT ON TRIGGER later ON users IS 'new'",
    "DROP FUNCTION price(int) CASCADE; CREATE FUNCTION price(n int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'",
    "DROP FUNCTION price(text, int); CREATE FUNCTION price(n text, more int) RETURNS text LANGUAGE sql AS 'SELECT n'",
    "DROP TRIGGER later ON users; DROP TRIGGER stamp ON users; DROP FUNCTION stamped()",
]


@pytest.mark.parametrize("text", DROPPED)
def test_one_person_may_let_it_go_for_it_comes_back(defined: Company, text: str) -> None:
    goes_and_comes_back(defined, text, DEFINITIONS)
    assert defined.truth("SELECT attstattarget FROM pg_attribute WHERE attrelid = 'users_priced'::regclass") in (
        [(-1,), (77,)],
        [(None,), (77,)],
    )


# ---- what was made, changed or dropped since is named, and nothing is done


@pytest.mark.parametrize(
    ("text", "since", "named"),
    [
        (
            "DROP TRIGGER stamp ON users",
            "CREATE TRIGGER stamp AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamped()",
            "trigger stamp ON public.users",
        ),
        (
            "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 0'",
            "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 5'",
            r"function public.price\(integer\)",
        ),
        (
            "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 0'",
            "DROP FUNCTION price(int) CASCADE",
            r"function public.price\(integer\)",
        ),
        (
            "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 0'",
            "GRANT EXECUTE ON FUNCTION price(int) TO PUBLIC",
            r"function public.price\(integer\)",
        ),
        ("COMMENT ON TABLE users IS 'x'", "COMMENT ON TABLE users IS 'y'", "comment TABLE public.users"),
        ("COMMENT ON TABLE users IS 'x'", "ALTER TABLE users RENAME TO people", "comment TABLE public.users"),
        ("DROP INDEX users_priced", "CREATE INDEX users_priced ON users (name)", "index public.users_priced"),
    ],
)
def test_what_was_changed_since_is_not_overwritten(defined: Company, text: str, since: str, named: str) -> None:
    signed(defined, text)
    defined.directly(since)
    before = defined.truth(NAMED)
    with pytest.raises(YettError, match=named):
        defined.undo()
    assert defined.truth(NAMED) == before


NAMED = "SELECT (SELECT md5(string_agg(p::text, '' ORDER BY oid)) FROM pg_proc p), (SELECT count(*) FROM pg_trigger)"


def test_what_is_there_again_as_it_was_is_left_alone(defined: Company) -> None:
    before = defined.truth(DEFINITIONS)
    signed(defined, "DROP FUNCTION stamped() CASCADE")
    defined.directly("CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$")
    defined.undo()
    assert defined.truth(DEFINITIONS) == before


# ---- what would go with it


@pytest.mark.parametrize(
    "made",
    [
        "ALTER TABLE cars ADD COLUMN worth int DEFAULT price(1)",
        "CREATE VIEW priced AS SELECT price(1)",
        "ALTER TABLE cars ADD CHECK (price(seats) > 0)",
        "ALTER TABLE cars ADD COLUMN worth int GENERATED ALWAYS AS (price(1)) STORED",
        "CREATE CAST (int AS box) WITH FUNCTION boxed(int)",
    ],
)
def test_cascade_that_takes_something_else_is_not_said_to_be_kept(defined: Company, made: str) -> None:
    defined.directly("CREATE FUNCTION boxed(int) RETURNS box LANGUAGE sql AS 'SELECT NULL::box'")
    defined.directly(made)
    before = defined.truth(DEFINITIONS)
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="nobody can bring back"):
        defined.run("DROP FUNCTION price(int), boxed(int) CASCADE")
    assert defined.truth(DEFINITIONS) == before


def test_what_came_to_depend_on_it_since_it_was_signed_stops_it(defined: Company) -> None:
    text = "DROP FUNCTION price(int) CASCADE"
    defined.approve(defined.held(text))
    defined.directly("CREATE FUNCTION price2() RETURNS int LANGUAGE sql RETURN public.price(1)")
    defined.directly("ALTER TABLE cars ADD COLUMN worth int DEFAULT price2()")
    before = defined.truth(DEFINITIONS)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        defined.run(text)
    assert defined.truth(DEFINITIONS) == before


# ---- several in one transaction


def test_one_by_one_in_a_transaction_each_is_kept_as_it_was_before_all_of_it(defined: Company) -> None:
    before = defined.truth(DEFINITIONS)
    in_one_transaction(
        defined,
        "DROP TRIGGER stamp ON users",
        "DROP TRIGGER later ON users",
        'DROP POLICY "Own ones" ON users',
        "DROP INDEX users_priced",
        "DROP FUNCTION price(int)",
        "CREATE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 2'",
        "COMMENT ON FUNCTION price(int) IS 'another'",
    )
    assert defined.truth("SELECT price(5)") == [(2,)]
    defined.undo()
    assert defined.truth(DEFINITIONS) == before


def test_what_a_savepoint_took_back_is_as_it_was_and_in_no_undo(defined: Company) -> None:
    before, count = defined.truth(DEFINITIONS), len(defined.laws.plane.undos.records())
    in_one_transaction(
        defined, "SAVEPOINT s", "DROP FUNCTION stamped() CASCADE", "ROLLBACK TO s", "DROP PROCEDURE nightly"
    )
    assert len(defined.laws.plane.undos.records()) == count + 1
    defined.undo()
    assert defined.truth(DEFINITIONS) == before


def test_rows_and_definitions_of_one_transaction_both_come_back(defined: Company) -> None:
    before, seats = defined.truth(DEFINITIONS), defined.truth("SELECT sum(seats) FROM cars")
    in_one_transaction(
        defined,
        "UPDATE cars SET seats = 9 WHERE id = 1",
        "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql AS 'SELECT 0'",
    )
    first, second = (one.id for one in defined.laws.plane.undos.records()[-2:])
    assert first != second
    defined.undo()
    defined.undo(-2)
    assert (defined.truth(DEFINITIONS), defined.truth("SELECT sum(seats) FROM cars")) == (before, seats)


def test_a_dump_and_definitions_of_one_text_both_come_back(defined: Company) -> None:
    before = defined.truth(DEFINITIONS)
    text = "ALTER TABLE cars DROP COLUMN plate; DROP FUNCTION price(text, int); DROP PROCEDURE nightly"
    signed(defined, text)
    defined.undo()
    defined.undo(-2)
    assert defined.truth(DEFINITIONS) == before


def test_a_function_that_an_agent_made_itself_comes_back_as_the_agent_made_it(company: Company) -> None:
    made = "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    company.approve(company.held(made))
    company.run(made)
    signed(company, "CREATE OR REPLACE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 2'")
    signed(company, "DROP FUNCTION mine()")
    company.undo()
    assert company.truth("SELECT mine()") == [(2,)]
    company.undo(-2)
    assert company.truth("SELECT mine()") == [(1,)]


def test_a_trigger_dropped_and_made_anew_statement_by_statement_comes_back(defined: Company) -> None:
    before = defined.truth(DEFINITIONS)
    in_one_transaction(
        defined,
        "DROP TRIGGER IF EXISTS stamp ON users",
        "CREATE TRIGGER stamp AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION stamped()",
    )
    assert defined.truth(DEFINITIONS) != before
    defined.undo()
    assert defined.truth(DEFINITIONS) == before


def test_a_trigger_dropped_and_made_anew_in_one_text_comes_back(defined: Company) -> None:
    before = defined.truth(DEFINITIONS)
    signed(
        defined,
        "DROP TRIGGER stamp ON users; CREATE TRIGGER stamp AFTER INSERT ON users FOR EACH ROW"
        " EXECUTE FUNCTION stamped()",
    )
    assert defined.truth(DEFINITIONS) != before
    defined.undo()
    assert defined.truth(DEFINITIONS) == before


def test_a_function_that_was_renamed_is_not_said_to_be_dropped(defined: Company) -> None:
    before = defined.truth(DEFINITIONS)
    text = "ALTER FUNCTION price(int) RENAME TO worth; CREATE OR REPLACE PROCEDURE nightly(n int) LANGUAGE sql AS ''"
    hold = defined.held(text)
    assert "'possible': False" in str(hold.document["situations"])
    defined.approve(hold)
    defined.run(text)
    defined.undo()
    defined.directly("ALTER FUNCTION worth(int) RENAME TO price")
    assert defined.truth(DEFINITIONS) == before


# ---- attacks


def test_a_name_that_the_statement_does_not_spell_out_is_refused_and_not_lost(defined: Company) -> None:
    """The server cuts a name at 63 bytes: what was signed as kept was not read beforehand."""
    defined.directly(f"CREATE PROCEDURE {'n' * 63}() LANGUAGE sql AS ''")
    before = defined.truth(DEFINITIONS)
    text = f"DROP PROCEDURE {'n' * 70}()"
    defined.approve(defined.held(text))
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="which no undo holds"):
        defined.run(text)
    assert defined.truth(DEFINITIONS) == before


def test_what_is_put_back_in_its_own_transaction_hides_nothing(defined: Company) -> None:
    defined.directly("GRANT EXECUTE ON FUNCTION price(int) TO PUBLIC")
    before, totals = defined.truth(DEFINITIONS), defined.truth("SELECT count(*) FROM totals")
    fine = "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'"
    worse = (
        "CREATE OR REPLACE FUNCTION price(n int) RETURNS int LANGUAGE sql SECURITY DEFINER VOLATILE"
        " AS 'DELETE FROM public.totals RETURNING 1'"
    )
    in_one_transaction(defined, worse, "SELECT price(1)", fine)
    assert defined.truth("SELECT count(*) FROM totals") == [(0,)]
    assert defined.truth(DEFINITIONS) == before
    defined.undo()
    assert defined.truth("SELECT count(*) FROM totals") == totals


def test_a_setting_of_the_agent_does_not_change_the_words(defined: Company) -> None:
    before = defined.truth(DEFINITIONS)
    for _ in range(3):
        with defined.connect(autocommit=True) as connection:
            try:
                connection.execute("SET datestyle = 'SQL, DMY'")
                connection.execute("DROP TRIGGER stamp ON public.users")
                break
            except psycopg.errors.InsufficientPrivilege as error:
                defined.approve(defined.hold_of(error))
    assert defined.truth(DEFINITIONS) != before
    defined.undo()
    assert defined.truth(DEFINITIONS) == before
