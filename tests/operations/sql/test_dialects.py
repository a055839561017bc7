"""Other dialects: what is not plainly a read is asked about."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.model.effects import Effect
from yett.model.errors import ConfigurationError, Unreadable
from yett.operations.sql.dialects import DIALECTS, classify_dialect
from yett.operations.sql.statement import Way

READS = [
    "select 1",
    "select a, count(*) from t where b like 'x%' group by a order by 2 limit 5",
    "select * from t join u on t.a = u.a",
]


@pytest.mark.parametrize("dialect", sorted(DIALECTS - {"tsql"}))
@pytest.mark.parametrize("sql", READS)
def test_reads(sql: str, dialect: str) -> None:
    (statement,) = classify_dialect(sql.encode(), dialect)
    assert (statement.way, statement.effect) == (Way.PASS, Effect.READ)


@pytest.mark.parametrize(
    ("dialect", "sql"),
    [
        ("mysql", "delete from t"),
        ("mysql", "with x as (select 1) delete from t"),
        ("mysql", "select 1 into outfile '/tmp/x'"),
        ("mysql", "select * from t for update"),
        ("mysql", "select load_file('/etc/passwd')"),
        ("mysql", "select sleep(100), get_lock('a', 1)"),
        ("mysql", "select 1 /*! into outfile '/tmp/x' */"),
        ("mysql", "select /*!50000 benchmark(1, 1) */ 1"),
        ("mysql", "select '\\' or 1; drop table t; -- '"),
        ("mysql", "call wipe()"),
        ("mysql", "set sql_mode = 'ANSI_QUOTES'"),
        ("mysql", "load data infile '/x' into table t"),
        ("mysql", "replace into t values (1)"),
        ("mysql", "selec 1 fro"),
        ("mysql", "select ("),
        ("mysql", "handler t open"),
        ("mysql", "flush tables"),
        ("mysql", "do sleep(1)"),
        ("sqlite", "attach database 'x' as y"),
        ("sqlite", "pragma writable_schema = 1"),
        ("sqlite", "select load_extension('x')"),
        ("sqlite", "vacuum into '/x'"),
        ("tsql", "exec xp_cmdshell 'dir'"),
        ("tsql", "select * into n from t"),
        ("tsql", "select * from openrowset('a', 'b', 'c')"),
        ("bigquery", "export data options(uri = 'x') as select 1"),
        ("bigquery", "execute immediate 'drop table x'"),
        ("snowflake", "undrop table t"),
        ("snowflake", "copy into t from @s"),
        ("duckdb", "copy t to 'x'"),
        ("duckdb", "select * from read_csv('/etc/passwd')"),
        ("databricks", "optimize t"),
    ],
)
def test_asked(dialect: str, sql: str) -> None:
    assert {statement.way for statement in classify_dialect(sql.encode(), dialect)} == {Way.ASK}


def test_effects_that_are_known_are_told() -> None:
    one, other, third = classify_dialect(b"update t set a = 1; drop table t; grant select on t to u", "mysql")
    assert (one.effect, other.effect, third.effect) == (Effect.WRITE, Effect.DELETE, Effect.ADMIN)


@pytest.mark.parametrize("sql", [b"select '\xff'", b"select 1\0"])
def test_unreadable(sql: bytes) -> None:
    with pytest.raises(Unreadable):
        classify_dialect(sql, "mysql")


def test_no_such_dialect() -> None:
    with pytest.raises(ConfigurationError):
        classify_dialect(b"select 1", "oracle")


@given(st.text(alphabet="select *from()'\"`;-/!a1\\,=\n", max_size=60), st.sampled_from(sorted(DIALECTS)))
@settings(max_examples=300, deadline=None)
def test_whatever_comes_is_answered(text: str, dialect: str) -> None:
    try:
        classify_dialect(text.encode(), dialect)
    except Unreadable:
        return
