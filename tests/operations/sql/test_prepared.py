"""PREPARE and EXECUTE: one namespace with the protocol's, judged by the statement inside."""

from __future__ import annotations

from collections.abc import Mapping

from yett.model.effects import Effect
from yett.operations.sql.cache import Cache
from yett.operations.sql.classify import classify
from yett.operations.sql.snapshot import Snapshot
from yett.operations.sql.statement import Statement, Touched, Verb, Way


def _one(sql: str, catalog: Snapshot, prepared: Mapping[str, Statement]) -> Statement:
    (statement,) = classify(sql.encode(), catalog, prepared)
    return statement


def test_execute_does_what_was_prepared(catalog: Snapshot) -> None:
    prepare = _one("prepare p(int) as delete from plain where id = $1", catalog, {})
    assert (prepare.prepares, prepare.way, prepare.effect) == ("p", Way.GUARD, Effect.DELETE)
    execute = _one("execute p(1)", catalog, {"p": prepare})
    assert (execute.executes, execute.way, execute.effect) == ("p", Way.GUARD, Effect.DELETE)
    assert Touched(catalog.relation_named("public", "plain").oid, "public", "plain", Verb.DELETE) in execute.touched  # type: ignore[union-attr]


def test_execute_of_what_the_protocol_parsed(catalog: Snapshot) -> None:
    parsed = _one("delete from plain where id = $1", catalog, {})
    assert _one("execute s1(1)", catalog, {"s1": parsed}).effect is Effect.DELETE
    assert _one("explain analyze execute s1(1)", catalog, {"s1": parsed}).effect is Effect.DELETE
    assert _one("explain execute s1(1)", catalog, {"s1": parsed}).way is Way.PASS
    assert _one("create table n as execute s1(1)", catalog, {"s1": parsed}).effect is Effect.DELETE
    assert _one("create temp table n as execute s1(1)", catalog, {"s1": parsed}).way is Way.GUARD


def test_arguments_of_execute_are_looked_at(catalog: Snapshot) -> None:
    parsed = _one("select $1::int", catalog, {})
    assert _one("execute s1(1)", catalog, {"s1": parsed}).way is Way.PASS
    assert _one("execute s1(boom(1))", catalog, {"s1": parsed}).way is Way.ASK


def test_what_was_prepared_is_read_with_the_catalog_of_today(catalog: Snapshot, database: str) -> None:
    from .conftest import load

    before = _one("prepare p as select upper(name) from users", catalog, {})
    assert before.way is Way.PASS
    assert _one("execute p", load(database, ("public", "traps")), {"p": before}).way is Way.ASK


def test_names_fold_as_the_server_folds_them(catalog: Snapshot) -> None:
    assert _one("PREPARE Foo AS select 1", catalog, {}).prepares == "foo"
    assert _one('prepare "Foo" as select 1', catalog, {}).prepares == "Foo"
    assert _one("deallocate Foo", catalog, {}).deallocates == "foo"
    assert _one("deallocate all", catalog, {}).deallocates == "*"
    assert _one("discard all", catalog, {}).deallocates == "*"


def test_control_and_copy_under_another_name_are_refused(catalog: Snapshot) -> None:
    for hidden in ("commit", "copy users from stdin"):
        assert _one("execute s", catalog, {"s": _one(hidden, catalog, {})}).way is Way.REFUSE


def test_a_statement_that_executes_one_that_executes_is_refused(catalog: Snapshot) -> None:
    """Itself, too: reading it ends."""
    itself = _one("execute s", catalog, {})
    assert _one("execute s", catalog, {"s": itself}).way is Way.REFUSE


def test_what_depends_on_the_session_is_not_remembered(catalog: Snapshot) -> None:
    view = Cache().view(catalog)
    read, write = _one("select 1", catalog, {}), _one("delete from plain", catalog, {})
    assert view.classify(b"execute p", {"p": read})[0].way is Way.PASS
    assert view.classify(b"execute p", {"p": write})[0].way is Way.GUARD
