"""What is signed of a held transaction: what nobody would be asked about alone by its form, all else to the letter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from tests.databases.company_of_tests import Company

from yett.approvals.hold import Hold
from yett.gateway.databases.statements import by_themselves

MANY = "DELETE FROM bookings WHERE id <= 500"
AUDIT = "CREATE TABLE audit (id serial PRIMARY KEY, what text, at text); INSERT INTO audit (what, at) VALUES ('a', 'b')"
Step = tuple[str, tuple[Any, ...]]


@pytest.fixture
def audited(company: Company) -> Company:
    company.directly(AUDIT)
    return company


def sent(company: Company, steps: Sequence[Step]) -> Hold | None:
    """What is asked about such a transaction; none where it has run."""
    with company.connect() as connection:
        try:
            for text, values in steps:
                connection.execute(text, values or None)  # type: ignore[call-overload]
            connection.commit()
        except psycopg.errors.InsufficientPrivilege as error:
            connection.rollback()
            return company.hold_of(error)
    return None


def approved(company: Company, steps: Sequence[Step]) -> Hold:
    hold = sent(company, steps)
    assert hold is not None
    company.approve(hold)
    return hold


@pytest.mark.parametrize(
    "added",
    [
        lambda at: ("INSERT INTO audit (what, at) VALUES ('deleted', %s)", (at,)),
        lambda at: (f"INSERT INTO audit (what, at) VALUES ('deleted', '{at}')", ()),
        lambda at: ("UPDATE audit SET at = %s WHERE id = 1", (at,)),
        lambda at: ("INSERT INTO audit (id, at) VALUES (1, %s) ON CONFLICT (id) DO UPDATE SET at = excluded.at", (at,)),
        lambda at: (f"/* {at} */ INSERT INTO audit (what, at) SELECT 'x', '{at}'", ()),
    ],
    ids=["bound", "written", "changed", "either", "commented"],
)
def test_another_time_is_another_value_of_the_same(audited: Company, added: Any) -> None:
    hold = approved(audited, [(MANY, ()), added("10:00")])
    (operation,) = hold.document["operations"]
    assert operation["parameters"]["any_values"] == [1]
    assert "10:00" not in str(hold.document)
    assert sent(audited, [(MANY, ()), added("10:01")]) is None
    assert audited.truth("SELECT max(at) FROM audit WHERE at LIKE '10%'") == [("10:01",)]
    audited.undo()
    assert audited.truth("SELECT count(*) FROM audit WHERE at LIKE '10%'") == [(0,)]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ([(MANY, ())], [("DELETE FROM bookings WHERE id <= 499", ())]),
        ([("DELETE FROM bookings WHERE id <= %s", (500,))], [("DELETE FROM bookings WHERE id <= %s", (499,))]),
        # More of them, others, or in another order.
        ([(MANY, ())], [(MANY, ()), ("INSERT INTO audit (at) VALUES ('y')", ())]),
        ([(MANY, ())], [("INSERT INTO audit (at) VALUES ('y')", ()), (MANY, ())]),
        ([(MANY, ())], [(MANY, ()), ("INSERT INTO audit (what) VALUES ('y')", ())]),
    ],
    ids=["written", "bound", "more", "order", "columns"],
)
def test_what_was_asked_about_is_signed_to_the_letter(
    audited: Company, first: Sequence[Step], then: Sequence[Step]
) -> None:
    added = ("INSERT INTO audit (at) VALUES ('x')", ())
    approved(audited, [*first, added])
    assert sent(audited, [*then, added]) is not None
    assert audited.truth("SELECT count(*) FROM bookings WHERE id <= 500") == [(500,)]


@pytest.mark.parametrize(
    "added",
    [
        ("DO $$ BEGIN INSERT INTO audit (at) VALUES ('{}'); END $$",),
        ("SELECT noted('{}')",),
        ("INSERT INTO audit (at) VALUES (coalesce(" + "NULL, " * 1400 + "'{}'))",),
        ("WITH a AS (INSERT INTO audit (at) VALUES ('{}') RETURNING id) SELECT id FROM a",),
        ("PREPARE p AS INSERT INTO audit (at) VALUES ($1)", "EXECUTE p('{}')"),
    ],
    ids=["DO", "function", "longer than its form", "WITH", "EXECUTE"],
)
def test_what_its_form_does_not_say_is_signed(audited: Company, added: tuple[str, ...]) -> None:
    body = "INSERT INTO audit (at) VALUES (said) RETURNING id"
    audited.directly(f"CREATE FUNCTION noted(said text) RETURNS int LANGUAGE sql AS '{body}'")
    first, then = ([(text, ()) for text in (MANY, *(one.format(at) for one in added))] for at in ("x", "y"))
    compared = 0
    while (hold := sent(audited, first)) is not None:
        if hold.document["operations"][0]["action"] == "postgres:delete.beyond":
            others = sent(audited, then)
            assert others is not None
            assert others.id != hold.id
            compared += 1
        audited.approve(hold)
    assert compared
    assert audited.truth("SELECT count(*) FROM audit WHERE at = 'x'") == [(1,)]


def test_only_so_many_are_asked_about_while_the_locks_are_held(
    audited: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_themselves, "MOST_FORMS", 1)
    added = [("INSERT INTO audit (at) VALUES (%s)", ("x",)), ("INSERT INTO audit (what) VALUES (%s)", ("x",))]
    hold = approved(audited, [(MANY, ()), *added])
    assert hold.document["operations"][0]["parameters"]["any_values"] == [1]


def test_more_rows_than_were_signed_are_asked_about(audited: Company) -> None:
    added = "INSERT INTO audit (at) SELECT x FROM unnest(%s::text[]) x"
    approved(audited, [(MANY, ()), (added, (["x"] * 5,))])
    assert sent(audited, [(MANY, ()), (added, (["x"] * 90,))]) is not None


def test_what_decides_on_the_rest_of_it_is_signed(audited: Company) -> None:
    """Nobody could have put that into the table before: it was not there."""
    made = ("CREATE TABLE doomed (id int)", ())
    gone = ("DELETE FROM bookings USING doomed WHERE bookings.id BETWEEN doomed.id AND doomed.id + 400", ())
    steps = [made, ("INSERT INTO doomed VALUES (1)", ()), gone]
    while (hold := sent(audited, steps)) is not None:
        audited.approve(hold)
        others = [made, ("INSERT INTO doomed VALUES (501)", ()), gone]
        if "DELETE" in str(hold.document["operations"]):
            asked = sent(audited, others)
            assert asked is not None
            assert "DELETE" in str(asked.document["operations"])
    assert audited.truth("SELECT count(*) FROM bookings WHERE id BETWEEN 501 AND 900") == [(400,)]


@pytest.mark.parametrize(
    "touching",
    [
        "CREATE FUNCTION cleans() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN DELETE FROM bookings WHERE id = NEW.id + 900; RETURN NEW; END';"
        "CREATE TRIGGER cleans AFTER INSERT ON audit FOR EACH ROW EXECUTE FUNCTION cleans()",
        "CREATE RULE cleans AS ON INSERT TO audit DO ALSO DELETE FROM bookings WHERE id = NEW.id + 900",
    ],
    ids=["trigger", "rule"],
)
def test_what_sets_a_deletion_off_is_signed(audited: Company, touching: str) -> None:
    audited.directly(touching)
    first, then = (("INSERT INTO audit (id, at) VALUES (%s, '')", (number,)) for number in (51, 52))
    approved(audited, [(MANY, ()), first])
    assert sent(audited, [(MANY, ()), then]) is not None


def test_what_adds_up_to_too_much_is_signed(few_changes: Company) -> None:
    """Three rows are all that this task may change by itself; it may add more."""
    few_changes.directly(AUDIT)
    added = [("INSERT INTO audit (at) VALUES (%s)", (at,)) for at in ("10:00", "10:01")]
    changed = [("UPDATE cars SET plate = %s WHERE id <= 5", (plate,)) for plate in ("x", "y")]
    hold = approved(few_changes, [changed[0], added[0]])
    assert hold.document["operations"][0]["action"] == "postgres:write.many.beyond"
    assert sent(few_changes, [changed[1], added[0]]) is not None
    assert sent(few_changes, [changed[0], added[1]]) is None


@pytest.mark.parametrize(
    "defining", ["ALTER TABLE users ADD COLUMN gone bool", "ALTER TABLE users DROP CONSTRAINT users_email_key CASCADE"]
)
def test_what_nobody_could_have_put_there_before_is_signed(company: Company, defining: str) -> None:
    marked = "gone = true" if "gone" in defining else "email = 'gone'"
    mark = f"UPDATE users SET {marked} WHERE id = %s"
    gone = "DELETE FROM users WHERE gone" if "gone" in defining else "DELETE FROM users WHERE email = 'gone'"

    def steps(user: int) -> list[Step]:
        return [(defining, ()), (mark, (user,)), (gone, ()), ("UPDATE cars SET seats = 5", ())]

    while (hold := sent(company, steps(5))) is not None:
        others = sent(company, steps(6))
        assert others is not None
        assert (others.id == hold.id) is ("cars" not in str(hold.document["operations"]))
        company.approve(hold)
    assert company.truth("SELECT id FROM users WHERE id IN (5, 6)") == [(6,)]


def test_what_is_too_much_by_itself_is_signed(audited: Company) -> None:
    """Of a partitioned table, whose partitions it does not name."""
    touched = "UPDATE events SET kind = %s WHERE at < '2025-09-01'"
    audited.directly("CREATE TABLE seen (of text)")
    approved(audited, [(touched, ("x",)), ("INSERT INTO seen VALUES (%s)", ("x",))])
    assert sent(audited, [(touched, ("y",)), ("INSERT INTO seen VALUES (%s)", ("x",))]) is not None
    assert sent(audited, [(touched, ("x",)), ("INSERT INTO seen VALUES (%s)", ("y",))]) is None


# ---- every row of a table that has one


@pytest.mark.parametrize(
    ("statement", "asked"),
    [
        ("UPDATE locks SET held = true", False),
        ("DELETE FROM locks", False),
        ("UPDATE locks SET held = true WHERE true", False),
        ("UPDATE cars SET seats = 5", True),
        ("DELETE FROM makers", True),
        ("UPDATE makers SET id = 7", True),
    ],
)
def test_every_row_of_a_table_is_asked_about_unless_it_is_one(company: Company, statement: str, *, asked: bool) -> None:
    company.directly("CREATE TABLE locks (held bool); INSERT INTO locks VALUES (false)")
    company.directly(
        "CREATE TABLE makers (id int PRIMARY KEY); INSERT INTO makers VALUES (1); CREATE TABLE items"
        " (maker int REFERENCES makers ON DELETE CASCADE ON UPDATE CASCADE); INSERT INTO items VALUES (1), (1)"
    )
    assert (sent(company, [(statement, ())]) is not None) is asked


def test_two_of_them_in_a_transaction(company: Company) -> None:
    company.directly("CREATE TABLE locks (held bool); INSERT INTO locks VALUES (false)")
    lock = [("UPDATE locks SET held = true", ()), ("UPDATE locks SET held = false", ())]
    assert sent(company, lock) is None
    assert sent(company, [*lock, ("UPDATE cars SET seats = 5", ())]) is not None
    assert sent(company, [("UPDATE cars SET seats = 5", ()), *lock]) is not None


def test_a_failed_one_counts_for_no_other(company: Company) -> None:
    company.directly("CREATE TABLE locks (held bool CHECK (held)); INSERT INTO locks VALUES (true)")
    with company.connect() as connection:
        connection.execute("SAVEPOINT a")
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE locks SET held = false")
        connection.execute("ROLLBACK TO a")
        connection.execute("UPDATE cars SET seats = 5")
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="hold"):
            connection.commit()
