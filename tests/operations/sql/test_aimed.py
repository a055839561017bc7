"""The rows that a statement names in plain words: a hint, which may never say more than the statement does."""

from __future__ import annotations

import subprocess

import pytest

from yett.operations.sql.aimed import aimed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("update t set a = 1 where id = 5", (("id", ("5",)),)),
        ("update t as x set a = 1 where x.id = 0", (("id", ("0",)),)),
        ("delete from s.t where 7 = id", (("id", ("7",)),)),
        ("delete from t where id = -7", (("id", ("-7",)),)),
        ("delete from t where id = 12345678901", (("id", ("12345678901",)),)),
        ("delete from t where id in (1, 2)", (("id", ("1", "2")),)),
        ("delete from t where id = $1 and b = $2", (("id", ("41",)), ("b", ("two",)))),
        ("delete from t where name = 'a''b' and upper(name) = 'A'", (("name", ("a'b",)),)),
        ("delete from t where id = '5'::uuid returning *", (("id", ("5",)),)),
        ("delete from t where id = $1::bigint", (("id", ("41",)),)),
        ("update t set a = 1 where id = 5 and (b = 1 or c = 2) and d > 3", (("id", ("5",)),)),
        ("update t set a = (select 1) where id = 5 and exists (select 1)", (("id", ("5",)),)),
    ],
)
def test_plain_words_are_taken(text: str, said: object) -> None:
    assert aimed(text.encode(), [b"41", b"two"]) == said


@pytest.mark.parametrize(
    "text",
    [
        "update t set a = 1",
        "update t set a = 1 where id <> 5",
        "update t set a = 1 where id not in (5, 6)",
        "update t set a = 1 where not id = 5",
        "update t set a = 1 where id = 5 or b = 1",
        "update t set a = 1 where id = b",
        "update t set a = 1 where id in (1, b)",
        "update t set a = 1 where id = null",
        "update t set a = 1 where id = f(5)",
        "update t set a = 1 where id = (select 5)",
        "update t set a = 1 where id = $3",
        "update t set a = 1 where id = $9",
        "update t set a = 1 where current of c",
        "update t set a = 1 where id operator(pg_catalog.<) 5",
        "update t set a = 1 from u where id = 5",
        "delete from t using u where id = 5",
        "with x as (select 1) delete from t where id = 5",
        "insert into t values (1) on conflict (id) do update set a = 1 where t.id = 5",
        "select 1 where 1 = 1",
        "delete from t where id = 1; delete from t where id = 2",
        "delete from",
        "",
    ],
)
def test_of_all_else_nothing_is_said(text: str) -> None:
    assert aimed(text.encode(), [b"41", b"two", None]) == ()


@pytest.mark.parametrize(
    "text", [b"/**/" * 300 + b"delete from t where id = 1", b"delete from t where id = 1" + b" " * 20_000]
)
def test_a_text_that_takes_a_process_of_its_own_is_not_waited_for(text: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: asked.append(1))
    assert aimed(text, []) == ()
    assert not asked
