"""What is masked is shown by a person's key alone: to one task, those columns, until then."""

from __future__ import annotations

import re
import time

import psycopg
import pytest
from psycopg import ClientCursor
from tests.databases.company_of_tests import Company

from yett.approvals.acts import Act, ActKind
from yett.daemon.verbs import databases
from yett.model.errors import YettError

EMAIL = "SELECT email FROM users WHERE id = 7"
REAL = [("user7@example.com",)]


def ask(company: Company, *columns: str, **more: object) -> str:
    """Proposed by the owner; the act's id."""
    asked = {"name": "saas", "columns": list(columns), **more}
    return str(company.laws.do(databases.show(company.laws.plane, asked))["act"])


def sign(company: Company, act: str) -> None:
    company.laws.sign(act)
    for task in company.laws.call(lambda: list(company.laws.plane.databases._showing)):
        company.laws.do(finished(task))


async def finished(task: object) -> None:
    await task  # type: ignore[misc]


def add(company: Company, **scope: object) -> dict[str, object]:
    asked = {"name": "saas", "value": company.direct, "environment": "staging", **scope}
    return company.laws.do(databases.add(company.laws.plane, asked))


def test_a_hidden_column_is_shown_to_the_task_that_a_person_signed_for(masked: Company) -> None:
    with masked.connect(autocommit=True) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(EMAIL)
        act = ask(masked, "users.email")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(EMAIL)
        sign(masked, act)
        assert connection.execute(EMAIL).fetchall() == REAL
        assert connection.execute("SELECT upper(email) FROM users WHERE id = 7").fetchall() == [("USER7@EXAMPLE.COM",)]
    (logged,) = masked.laws.entries("unmask")
    assert logged["body"]["columns"] == ["public.users.email"]
    assert logged["body"]["session"] == masked.session.id
    assert logged["body"]["by"] == "Ada"


def test_a_column_shown_masked_is_shown_as_it_is(veiled: Company) -> None:
    with veiled.connect(autocommit=True) as connection:
        for _ in range(6):
            assert connection.execute(EMAIL).fetchall() == [("***",)]
        sign(veiled, ask(veiled, "public.users.email"))
        assert connection.execute(EMAIL).fetchall() == REAL
        with connection.cursor().copy("COPY (SELECT email FROM users WHERE id = 7) TO STDOUT") as copy:
            assert b"".join(copy) == b"user7@example.com\n"


def test_it_is_over_when_it_was_signed_to_be(masked: Company) -> None:
    with masked.connect(autocommit=True) as connection:
        sign(masked, ask(masked, "users.email", minutes=0.1))
        assert connection.execute(EMAIL).fetchall() == REAL
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                connection.execute(EMAIL)
            except psycopg.errors.InsufficientPrivilege:
                return
            time.sleep(0.5)
    raise AssertionError("it is still shown")


def test_what_was_signed_before_the_first_connection_holds_from_it_on(masked: Company) -> None:
    sign(masked, ask(masked, "users.email"))
    assert masked.run(EMAIL) == REAL


def test_it_is_for_one_session_and_its_lease(masked: Company) -> None:
    sign(masked, ask(masked, "users.email"))
    role = masked.run("SELECT current_user")[0][0]
    other = masked.laws.session("staging")
    with pytest.raises(YettError, match="no running task"):
        ask(masked, "users.email", session=other.id)
    masked.laws.do(masked.seat.close())
    assert masked.truth(f"SELECT count(*) FROM pg_roles WHERE rolname = '{role}'") == [(0,)]


def test_a_column_that_is_not_masked_is_not_asked_for(masked: Company) -> None:
    with pytest.raises(YettError, match="not masked"):
        ask(masked, "users.name")
    with pytest.raises(YettError, match="no column"):
        ask(masked)


@pytest.mark.parametrize("scope", [{}, {"veiled": ["users.email"]}, {"masked": ["users.name"]}])
def test_a_database_that_is_known_is_not_masked_less_without_a_key(masked: Company, scope: dict[str, object]) -> None:
    answer = add(masked, **scope)
    assert "sign" in answer
    assert masked.laws.plane.databases.named("saas").scope["masked"] == ["users.email"]
    masked.laws.sign(str(answer["act"]))
    assert masked.laws.plane.databases.named("saas").scope["masked"] == ["users.email"]
    assert "database" in add(masked, **scope)


@pytest.mark.parametrize("way", ["removed", "renamed"])
def test_neither_a_removal_nor_another_name_forgets_a_mask(masked: Company, way: str) -> None:
    laws = masked.laws
    if way == "removed":
        laws.do(databases.remove(laws.plane, {"name": "saas"}))
        assert "sign" in add(masked)
    else:
        asked = {"name": "other", "value": masked.direct, "environment": "staging"}
        assert "sign" in laws.do(databases.add(laws.plane, asked))


def test_more_masks_need_no_key(veiled: Company) -> None:
    assert "database" in add(veiled, masked=["public.users.email", "users.name"])
    assert "sign" in add(veiled, veiled=["users.email", "users.name"])


# ---- an agent's refused read


def proposed(company: Company) -> None:
    """What was asked lies before people."""
    for task in company.laws.call(lambda: list(company.laws.plane.databases._asking._proposing)):
        company.laws.do(finished(task))


def waiting(company: Company) -> list[Act]:
    return [one for one in company.laws.plane.desk.waiting_acts() if one.kind is ActKind.UNMASK]


def refused(company: Company, statement: str, prepared: bool = False) -> str:
    """What the agent is told to do."""
    with company.connect(autocommit=True) as connection:
        cursor = connection.cursor() if prepared else ClientCursor(connection)
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as error:
            cursor.execute(statement)
    return str(error.value.diag.message_hint or "")


def act_of(hint: str) -> str:
    (found,) = re.findall(r"\bs-[0-9a-z]+", hint)
    return str(found)


@pytest.mark.parametrize("prepared", [False, True])
@pytest.mark.parametrize("statement", [EMAIL, "SELECT * FROM users", "SELECT id FROM users WHERE email = 'a'"])
def test_a_refused_read_is_put_before_a_person_who_may_sign_it(masked: Company, statement: str, prepared: bool) -> None:
    hint = refused(masked, statement, prepared)
    proposed(masked)
    (act,) = waiting(masked)
    assert act.id == act_of(hint)
    assert act.body["columns"] == ["public.users.email"]
    assert act.body["session"] == masked.session.id
    sign(masked, act.id)
    assert masked.run(EMAIL) == REAL


def test_the_same_columns_of_a_task_are_one_act_however_often(masked: Company) -> None:
    found = {act_of(refused(masked, EMAIL, n % 2 == 0)) for n in range(12)}
    found.add(act_of(refused(masked, "SELECT upper(email), * FROM users")))
    assert len(found) == 1
    proposed(masked)
    assert len(waiting(masked)) == 1


def test_one_that_was_declined_is_not_asked_again(masked: Company) -> None:
    act = act_of(refused(masked, EMAIL))
    proposed(masked)
    masked.laws.do(masked.laws.plane.desk.decline(act, "Ada"))
    assert "declined" in refused(masked, EMAIL)
    proposed(masked)
    assert waiting(masked) == []


def test_what_is_not_about_a_masked_column_asks_nobody(masked: Company) -> None:
    masked.run("SELECT 1")  # its role is made, with no right to what comes later
    masked.directly("CREATE TABLE private (email text)")
    masked.laws.call(lambda: masked.laws.plane.databases.changed(masked.seat.database))
    assert refused(masked, "SELECT email FROM private") == ""
    proposed(masked)
    assert waiting(masked) == []


def test_no_constant_of_the_statement_is_in_what_is_asked(masked: Company) -> None:
    refused(masked, "SELECT 1 FROM users WHERE email = 'user7@example.com'")
    proposed(masked)
    (act,) = waiting(masked)
    assert "user7" not in str(dict(act.body))


def test_an_agent_does_not_crowd_out_what_people_propose(wide: Company) -> None:
    columns = ("email", "name", "plan", "created")
    hints = [refused(wide, f"SELECT {column} FROM users") for column in columns]
    proposed(wide)
    assert len(waiting(wide)) == 3
    assert "yett database show saas public.users.created" in hints[-1]
