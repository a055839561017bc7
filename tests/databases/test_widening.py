"""What tasks may do in a database that is known grows by a person's key alone; it shrinks by anybody's word."""

from __future__ import annotations

from typing import Any

import pytest
from tests.databases.company_of_tests import Company

from yett.approvals.errors import NotOpen
from yett.daemon.verbs import databases
from yett.gateway.databases.allowed.widening import keep_scope, widened

NARROW: dict[str, object] = {"schemas": ["public"], "read_only": True, "result_mb": 10}


def add(company: Company, **scope: object) -> dict[str, Any]:
    asked = {"name": "saas", "value": company.direct, "environment": "staging", **scope}
    return company.laws.do(databases.add(company.laws.plane, asked))


def scope_of(company: Company) -> dict[str, object]:
    return dict(company.laws.plane.databases.named("saas").scope)


@pytest.fixture
def narrow(company: Company) -> Company:
    company.directly("CREATE SCHEMA billing")
    company.directly("CREATE TABLE billing.invoices (id int PRIMARY KEY)")
    assert "database" in add(company, **NARROW)
    return company


@pytest.mark.parametrize(
    ("wider", "words"),
    [
        ({"schemas": ["public", "billing"]}, "schema billing (out of reach -> within reach)"),
        ({"schemas": []}, "schema billing (out of reach -> within reach)"),
        ({"read_only": False}, "what is within reach (read -> write)"),
        ({"result_mb": 11}, "MB that a task may be sent (10 -> 11)"),
        ({"result_mb": 0}, "MB that a task may be sent (10 -> 1,024)"),
    ],
)
def test_wider_is_signed_for_and_then_said_again(narrow: Company, wider: dict[str, object], words: str) -> None:
    before = scope_of(narrow)
    answer = add(narrow, **NARROW | wider)
    assert answer["wider"] == [words]
    assert scope_of(narrow) == before
    narrow.laws.sign(str(answer["act"]))
    assert scope_of(narrow) == before
    assert "database" in add(narrow, **NARROW | wider)
    assert scope_of(narrow) != before
    (logged,) = [one for one in narrow.laws.entries("database") if one["body"]["event"] == "widened"]
    assert logged["body"]["wider"] == [words]
    assert logged["body"]["by"] == "Ada"


def test_narrower_needs_nobody_and_counts_from_then_on(narrow: Company) -> None:
    narrower = {**NARROW, "result_mb": 5, "masked": ["users.email"]}
    assert "database" in add(narrow, **narrower)
    assert "database" in add(narrow, **narrower)
    assert add(narrow, **NARROW)["wider"] == [
        "public.users.email (hidden -> shown)",
        "MB that a task may be sent (5 -> 10)",
    ]


@pytest.mark.parametrize("way", ["removed", "renamed"])
def test_neither_a_removal_nor_another_name_widens(narrow: Company, way: str) -> None:
    plane = narrow.laws.plane
    if way == "removed":
        narrow.laws.do(databases.remove(plane, {"name": "saas"}))
        assert "sign" in add(narrow)
        return
    asked = {"name": "other", "value": narrow.direct, "environment": "staging"}
    assert "sign" in narrow.laws.do(databases.add(plane, asked))


def test_a_signature_widens_nothing_but_what_it_named(narrow: Company) -> None:
    """Asked, then narrowed elsewhere, then signed: the act would also show what nobody was told it would."""
    asked = add(narrow, **NARROW | {"result_mb": 20})
    assert "database" in add(narrow, **NARROW | {"masked": ["users.email"]})
    with pytest.raises(NotOpen, match="has changed since"):
        narrow.laws.sign(str(asked["act"]))
    assert "sign" in add(narrow, **NARROW)


def test_a_scope_that_was_kept_when_only_masks_were_takes_the_rest_from_the_registry(narrow: Company) -> None:
    plane = narrow.laws.plane
    database = plane.databases.named("saas").id
    narrow.laws.do(plane.journal.run(lambda tx: keep_scope(tx, database, {"masked": [], "veiled": []})))
    assert "sign" in add(narrow)
    assert "database" in add(narrow, **NARROW)
    narrow.laws.do(plane.journal.run(lambda tx: keep_scope(tx, database, {"masked": [], "veiled": []})))
    narrow.laws.do(databases.remove(plane, {"name": "saas"}))
    assert "sign" in add(narrow, **NARROW)


def test_a_new_database_has_nothing_to_be_compared_with() -> None:
    assert widened({}, {"mode": "write", "schemas": ["public"], "result_mb": 9999}) == ()
