"""Whatever comes: an answer or Unreadable, never another error; and never PASS with a writing node in the tree."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from yett.model.errors import Unreadable
from yett.operations.sql.classify import HANDLERS, classify
from yett.operations.sql.grammar import GrammarError, grammar
from yett.operations.sql.lexer import tokens
from yett.operations.sql.snapshot import Snapshot
from yett.operations.sql.statement import Statement, Way

from .test_statements import CASES

PATIENT = settings(max_examples=1500, deadline=None, suppress_health_check=list(HealthCheck))
TEXTS = [sql for _, _, sql in CASES]
WORDS = sorted({token.text for sql in TEXTS for token in tokens(sql)})
READING = {
    "SelectStmt",
    "TransactionStmt",
    "VariableSetStmt",
    "VariableShowStmt",
    "ExplainStmt",
    "PrepareStmt",
    "ExecuteStmt",
    "DeallocateStmt",
    "DiscardStmt",
    "DeclareCursorStmt",
    "FetchStmt",
    "ClosePortalStmt",
    "ListenStmt",
    "UnlistenStmt",
    "ConstraintsSetStmt",
    "CopyStmt",
    "LockStmt",
    "RawStmt",
}
KINDS = re.compile(r'"(\w+Stmt)":')
FORMS = [
    "{a} {b}",
    "{a}; {b}",
    "with x as ({a}) {b}",
    "with x as ({a} returning 1) select * from x",
    "select ({a})",
    "select * from ({a}) x",
    "select * from users where id in ({a})",
    "select 1 where exists ({a})",
    "insert into plain {a}",
    "explain {a}",
    "explain (analyze) {a}",
    "explain (analyze off, verbose) {a}",
    "copy ({a}) to stdout",
    "prepare p as {a}",
    "declare c cursor for {a}",
    "create temp table mine as {a}",
    "do $x$ begin {a}; end $x$",
    "do $x$ begin perform ({a}); end $x$",
    "create view v as {a}",
    "create schema s {a}",
]

_catalogs: list[Snapshot] = []


@pytest.fixture(autouse=True)
def _for_properties(catalog: Snapshot) -> None:
    _catalogs[:] = [catalog]


def _classified(text: bytes) -> tuple[Statement, ...]:
    try:
        statements = classify(text, _catalogs[0], {})
    except Unreadable:
        return ()
    for statement in statements:
        assert not any("shape too odd" in reason for reason in statement.reasons), statement.text
        assert statement.tag, statement.text
        if statement.way is Way.PASS:
            assert _only_reads(statement.text), statement.text
    return statements


def _only_reads(text: str) -> bool:
    tree = json.loads(grammar().parse(text.encode()))
    ((kind, fields),) = tree["stmts"][0]["stmt"].items()
    if kind == "ExplainStmt":
        return True  # planned, not run: what analyze is, cases.txt says
    if kind in ("CreateStmt", "CreateTableAsStmt"):
        return _is_temporary(fields)
    if kind in ("InsertStmt", "DeleteStmt", "UpdateStmt", "MergeStmt"):
        return False
    found = set(KINDS.findall(json.dumps(fields))) | {kind}
    return found <= READING and ("intoClause" not in fields or _is_temporary(fields["intoClause"]))


def _is_temporary(fields: dict[str, Any]) -> bool:
    relation = fields.get("relation") or fields.get("into", fields)["rel"]
    return relation["relpersistence"] == "t" or relation.get("schemaname") == "pg_temp"


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xef\xbb\xbfselect 1")
@PATIENT
def test_bytes(text: bytes) -> None:
    _classified(text)


@given(st.lists(st.sampled_from(WORDS), max_size=30))
@PATIENT
def test_words(words: list[str]) -> None:
    _classified("".join(words).encode())
    _classified(" ".join(words).encode())


@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.sampled_from(FORMS))
@PATIENT
def test_statements_inside_each_other(one: str, other: str, form: str) -> None:
    _classified(form.format(a=one, b=other).encode())


@given(st.sampled_from(TEXTS), st.sampled_from(TEXTS), st.data())
@PATIENT
def test_statements_cut_and_joined(one: str, other: str, data: st.DataObject) -> None:
    first, second = [token.text for token in tokens(one)], [token.text for token in tokens(other)]
    cut, joint = data.draw(st.integers(0, len(first))), data.draw(st.integers(0, len(second)))
    _classified("".join((*first[:cut], " ", *second[joint:])).encode())


@given(st.sampled_from(TEXTS), st.data())
@PATIENT
def test_statements_with_a_word_changed(sql: str, data: st.DataObject) -> None:
    words = [token.text for token in tokens(sql)]
    words[data.draw(st.integers(0, len(words) - 1))] = data.draw(st.sampled_from(WORDS))
    _classified("".join(words).encode())


def test_every_statement_of_the_grammar_has_a_reader() -> None:
    """Names in the shared object that end in Stmt and can stand as a statement of their own."""
    from yett.operations.sql.grammar import locate

    with open(locate(), "rb") as library:
        names = {found.decode() for found in re.findall(rb"PgQuery__(\w+Stmt)\0", library.read())}
    inner = {"RawStmt", "ReturnStmt", "PLAssignStmt", "SetOperationStmt", "ReplicaIdentityStmt"}
    missing = names - HANDLERS.keys() - inner
    assert len(names) > 100
    assert not missing


def test_an_unknown_statement_is_asked_about(catalog: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("SelectStmt", "DropStmt"):
        monkeypatch.setattr("yett.operations.sql.classify.HANDLERS", {k: v for k, v in HANDLERS.items() if k != kind})
        text = {"SelectStmt": b"select 1", "DropStmt": b"drop table users"}[kind]
        (statement,) = classify(text, catalog, {})
        assert statement.way is Way.ASK


def test_an_unknown_node_is_never_a_read(catalog: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    parse = grammar().parse

    def newer(text: bytes, mode: int = 0) -> bytes:
        return parse(text, mode).replace(b'"CoalesceExpr"', b'"NewerExpr"')

    class Newer:
        split = grammar().split
        parse = staticmethod(newer)

    monkeypatch.setattr("yett.operations.sql.trees.grammar", Newer)
    (statement,) = classify(b"select coalesce(1, 2)", catalog, {})
    assert statement.way is Way.ASK


def test_text_that_does_not_parse_is_the_parsers_business() -> None:
    with pytest.raises(GrammarError):
        grammar().parse(b"selec")
