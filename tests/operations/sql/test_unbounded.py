"""Conditions that select nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from yett.operations.sql.statement import Statement

ALL_ROWS = """
true
1 = 1
1 = 2 or true
id = id
plain.id = id
id <= id
id is not null
id is not distinct from id
not false
'a' = 'a'
$1
$1 = 1
id = id and true
id = 1 or true
id = 1 or 1 = 1
coalesce(true, false)
length('a') = 1
id + 1 = id + 1
exists (select 1)
exists (select 1 from users)
1 in (select 1)
(select true)
current_date is not null
random() >= 0
v ~~ v
exists (select 1 from users where users.id = 1)
"""
SOME_ROWS = """
id = 1
id in (1, 2)
id = $1
id = any($1)
id between 1 and 2
doc @> '{}'
v is null
id = v
id = 1 and true
id in (select id from users)
exists (select 1 from users where users.id = plain.id)
not (id = 1)
upper(doc::text) like 'A%'
(id, v) = (1, 2)
current of c
"""


@pytest.mark.parametrize("condition", ALL_ROWS.strip().splitlines())
@pytest.mark.parametrize("statement", ["delete from plain where ", "update plain set v = 1 where "])
def test_all_rows(statement: str, condition: str, one: Callable[[str], Statement]) -> None:
    judged = one(statement + condition)
    assert judged.unbounded
    assert judged.effect.value == "delete"


@pytest.mark.parametrize("condition", SOME_ROWS.strip().splitlines())
def test_some_rows(condition: str, one: Callable[[str], Statement]) -> None:
    assert not one("delete from plain where " + condition).unbounded
    assert one("update plain set v = 1 where " + condition).effect.value == "write"


def test_joined_rows_are_not_taken_for_the_same(one: Callable[[str], Statement]) -> None:
    assert not one("update plain set v = 1 from users where users.id = plain.id").unbounded
    assert not one("delete from plain p using users u where p.id = u.id").unbounded


@pytest.mark.parametrize(
    ("merge", "unbounded"),
    [
        ("merge into plain using users on plain.id = users.id when matched then delete", False),
        ("merge into plain using users on true when matched then delete", True),
        ("merge into plain using users on 1 = 1 when matched then update set v = 1", True),
        ("merge into plain using users on true when matched and plain.id = 1 then delete", False),
        ("merge into plain using users on plain.id = users.id when not matched by source then delete", True),
        ("merge into plain using users on plain.id = users.id when not matched then insert values (1)", False),
        ("merge into plain using users on true when matched then do nothing", False),
    ],
)
def test_merge(merge: str, unbounded: bool, one: Callable[[str], Statement]) -> None:
    assert one(merge).unbounded is unbounded


def test_rows_inside_other_statements_count(one: Callable[[str], Statement]) -> None:
    assert one("with d as (delete from plain) select 1").unbounded
    assert one("explain analyze delete from plain").unbounded
    assert not one("explain delete from plain").unbounded
    assert one("prepare p as delete from plain").unbounded
    assert one("do $$begin delete from plain; end$$").unbounded


@pytest.mark.parametrize(
    ("condition", "unbounded"),
    [
        ("id = r.id", False),
        ("plain.id = r.id", False),
        ("id = plain.id", True),
        ("public.plain.id = id", True),
        ("r.id = r.id", True),
        ("id = r.id or true", True),
    ],
)
def test_a_row_that_a_block_has_in_hand_is_another(
    condition: str, unbounded: bool, one: Callable[[str], Statement]
) -> None:
    loop = "for r in select id from users loop update plain set v = 1 where " + condition
    assert one(f"do $$declare r record; begin {loop}; end loop; end$$").unbounded is unbounded


def test_an_alias_is_a_name_of_the_table(one: Callable[[str], Statement]) -> None:
    assert one("delete from plain p where id = p.id").unbounded
    assert one("update plain p set v = 1 from users u where name = u.name").unbounded
