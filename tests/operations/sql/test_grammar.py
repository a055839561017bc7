"""Hostile texts: the process survives all, and whatever was not read is refused or asked about."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from yett.model.errors import Unreadable
from yett.operations.sql import grammar, trees
from yett.operations.sql.cache import Cache
from yett.operations.sql.classify import classify
from yett.operations.sql.grammar import GrammarError, is_tame
from yett.operations.sql.snapshot import Snapshot, of
from yett.operations.sql.statement import Way
from yett.operations.sql.worker import Worker, WouldWait, not_waiting, worker

EMPTY = of()
SECONDS = 2.0


@pytest.fixture(scope="module")
def helper() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.close()


HOSTILE = {
    "133 KB of 1-1-1": b"select " + b"1-" * 66_500 + b"1",
    "1 MB of 1-1-1": b"select " + b"1-" * 524_000 + b"1",
    "48 KB of 1-1-1": b"select " + b"1-" * 24_000 + b"1",
    "43 KB of 1-1-1": b"select " + b"1-" * 21_500 + b"1",
    "16 KB of 1-1-1": b"select " + b"1-" * 8_100 + b"1",
    "casts": b"select 1" + b"::int" * 20_000,
    "unions": b"select 1" + b" union select 1" * 30_000,
    "parentheses": b"select " + b"(" * 200_000 + b"1" + b")" * 200_000,
    "16 KB of parentheses": b"select " + b"(" * 8_000 + b"1" + b")" * 8_000,
    "not": b"select " + b"not " * 100_000 + b"true",
    "case": b"select " + b"case when true then " * 20_000 + b"1" + b" end" * 20_000,
    "sub-selects": b"select " + b"(select " * 40_000 + b"1" + b")" * 40_000,
    "function calls": b"select " + b"f(" * 100_000 + b"1" + b")" * 100_000,
    "arrays": b"select " + b"array[" * 50_000 + b"1" + b"]" * 50_000,
    "subscripts": b"select a" + b"[1]" * 50_000,
    "fields": b"select (a)" + b".b" * 50_000,
    "and": b"select 1 where " + b"a = 1 and " * 50_000 + b"true",
    "or and": b"select 1 where " + b"(a or b) and " * 20_000 + b"true",
    "nested comments": b"/*" * 60_000 + b"*/" * 60_000 + b"select 1",
    "16 KB of nested comments": b"/*" * 4_000 + b"*/" * 4_000 + b"select 1",
    "a comment without an end": b"/*" * 200_000,
    "a string without an end": b"select '" + b"a" * 200_000,
    "dollar quotes": b"select " + b"$a$" * 100_000,
    "operators": b"select 1 " + b"+" * 100_000 + b" 1",
    "many statements": b"select 1;" * 100_000,
    "semicolons": b";" * 1_000_000,
    "joins": b"select * from " + b"(" * 20_000 + b"a" + b" join a on true)" * 20_000,
    "with": b"with a as (" * 10_000 + b"select 1" + b") select 1" * 10_000,
    "identifiers": b"select " + b"a." * 100_000 + b"a",
    "an identifier": b'select "' + b"a" * 500_000 + b'"',
    "numbers": b"select " + b"9" * 500_000,
    "unicode": "select '\u202e\U0010ffff' as \u00e9".encode() * 1,
    "a DO with BEGIN ATOMIC": b"create function f() returns int begin atomic select 1; end",
    "a DO that nests": b"do $$" + b"begin " * 20_000 + b"end;" * 20_000 + b"$$",
    "a DO of ifs": b"do $$begin " + b"if true then " * 10_000 + b"end if;" * 10_000 + b" end$$",
    "a DO with a deep expression": b"do $$begin perform " + b"1-" * 60_000 + b"1; end$$",
    "a DO with comments": b"do $$begin " + b"/*" * 5_000 + b"*/" * 5_000 + b" end$$",
    "explain": b"explain " * 50_000 + b"select 1",
    "prepare": b"prepare p as " * 20_000 + b"select 1",
    "create schema": b"create schema s " + b"create table t (a int) " * 20_000,
    "replacement characters": "\ufffd".encode() * 100_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_text_is_survived(text: bytes) -> None:
    try:
        statements = classify(text, EMPTY, {})
    except Unreadable:
        return
    for statement in statements[:100]:
        assert statement.way is not Way.PASS or b"select 1;" in text or "-1-" not in statement.text or len(text) < 4096


@pytest.mark.parametrize(
    "text",
    [
        b"select 1\0; drop table users",
        b"\0",
        b"select '\xff'",
        b"select \xc0\xaf",
        b"\xed\xa0\x80",
        b" " * (1 << 20) + b" ",
    ],
)
def test_what_c_and_the_server_read_differently_is_refused(text: bytes) -> None:
    with pytest.raises(Unreadable):
        classify(text, EMPTY, {})


@pytest.mark.parametrize("text", [b"selec 1", b"START_REPLICATION SLOT x", b"IDENTIFY_SYSTEM", b"\\d", b"'"])
def test_what_is_not_sql_is_refused(text: bytes) -> None:
    with pytest.raises(Unreadable):
        classify(text, EMPTY, {})


def test_text_is_parsed_here_only_if_it_is_tame() -> None:
    assert is_tame(b"select 1")
    assert is_tame(b" " * grammar.INLINE_BYTES)
    assert not is_tame(b" " * (grammar.INLINE_BYTES + 1))
    assert not is_tame(b"/*" * 201)


def test_a_thread_with_a_small_stack_parses_nothing_itself() -> None:
    before = threading.stack_size(1 << 20)
    answers: list[bool] = []
    try:
        thread = threading.Thread(target=lambda: answers.append(is_tame(b"select 1")))
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert answers == [False]


def test_the_worker_dies_and_the_next_call_works(helper: Worker) -> None:
    atomic = b"create function f() returns int begin atomic select 1; end"
    for _ in range(3):
        with pytest.raises(GrammarError):
            helper.body(atomic)
        assert b"SelectStmt" in helper.parse(b"select 1")
    assert helper.deaths == 3
    assert helper.split(b"select 1; select 2") == [(0, 8), (10, 8)]


def test_the_worker_has_little_time() -> None:
    hurried = Worker(seconds=0.2)
    try:
        with pytest.raises(GrammarError):
            hurried.parse(b"/*" * 60_000 + b"*/" * 60_000)
        assert hurried.deaths == 1
    finally:
        hurried.close()


def test_the_worker_says_what_the_parser_says(helper: Worker) -> None:
    with pytest.raises(GrammarError, match="syntax error"):
        helper.parse(b"selec 1")


def test_the_worker_reads_as_this_process_does(helper: Worker) -> None:
    text = b"select a, b::int, '\"A_Const\":{' from t where f(a, 1.5, true, null, 'x') > 1; delete from t"
    theirs, ours = helper.parse(text), grammar.grammar().parse(text)
    assert json.loads(theirs)["stmts"] == _plain(json.loads(ours)["stmts"])


def _plain(tree: Any) -> Any:
    """Constants as 0, positions left out."""
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.keys() == {"A_Const"}:
        return 0
    return {key: _plain(value) for key, value in tree.items() if key != "location"}


def test_a_tree_too_deep_is_asked_about_if_it_is_rows_and_refused_if_not(catalog: Snapshot) -> None:
    deep = b"1-" * 2000 + b"1"
    kinds = classify(b"select " + deep + b"; delete from plain where id = " + deep + b"; commit", catalog, {})
    assert [(one.tag, one.way) for one in kinds] == [("SELECT", Way.ASK), ("DELETE", Way.ASK), ("COMMIT", Way.PASS)]
    (one,) = classify(b"prepare p as select " + deep, catalog, {})
    assert one.way is Way.REFUSE
    (one,) = classify(b"do $$begin perform " + deep + b"; end$$", catalog, {})
    assert one.way is Way.ASK


def test_an_event_loop_never_waits_for_the_worker(catalog: Snapshot) -> None:
    cache = Cache()
    long = b"select " + b"1, " * 6000 + b"1"
    with not_waiting(), pytest.raises(WouldWait):
        cache.view(catalog).classify(long, {})

    async def both() -> tuple[object, object]:
        return await cache.classify(long, catalog, {}), await cache.classify(b"do $$begin null; end$$", catalog, {})

    first, second = asyncio.run(both())
    assert first[0].way is Way.PASS  # type: ignore[index]
    assert second[0].way is Way.GUARD  # type: ignore[index]


def test_no_text_ends_early_in_c() -> None:
    for read in (grammar.grammar().parse, grammar.grammar().split, grammar.grammar().body):
        with pytest.raises(GrammarError, match="NUL"):
            read(b"select 1\0; drop table users")


def test_the_grammar_is_one_that_was_tested() -> None:
    assert grammar.grammar().parse(b"").startswith(b'{"version":180004')


def test_a_library_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grammar, "VERSIONS", ("190000",))
    with pytest.raises(OSError, match="180004"):
        grammar.Grammar(grammar.locate())


def test_pieces_of_a_text_are_bytes_of_it() -> None:
    found = trees.trees("select 'é'; select 2 ;".encode())
    assert [tree.text for tree in found] == ["select 'é'".encode(), b"select 2"]
    assert worker() is worker()
