"""What is masked is shown by a person's key alone: to one task, those columns, until then."""

from __future__ import annotations

import time

import psycopg
import pytest
from tests.databases.company_of_tests import Company

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
