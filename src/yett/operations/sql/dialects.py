"""Other dialects than PostgreSQL's, by sqlglot (extra `[dialects]`): careful, and no proof of anything behind a name.

No server's grammar reads the text here and no catalog resolves its names, so nothing is GUARD, and what is not plainly
a read is ASK: `Command`, which sqlglot makes of what it does not parse, unknown functions, locks, INTO, parse errors.
The wires that will use this must put a read-only login behind what passes.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.model.errors import ConfigurationError, Unreadable
from yett.operations.sql.facts import Fact, ask, effect_of, reasons_of, recovery_of, unknown, way_of
from yett.operations.sql.grammar import LARGEST
from yett.operations.sql.statement import Statement

DIALECTS = frozenset({"bigquery", "databricks", "duckdb", "mysql", "snowflake", "sqlite", "tsql"})
_READS = frozenset(tomllib.loads((Path(__file__).parent / "dialects.toml").read_text("utf-8"))["reads"])

_QUERIES = frozenset({"Except", "Intersect", "Select", "Subquery", "Union", "Values"})
_ACTS: dict[str, tuple[Effect, Recovery, str]] = {
    "Insert": (Effect.WRITE, Recovery.AUTOMATIC, "adds rows"),
    "Update": (Effect.WRITE, Recovery.FROM_BACKUP, "changes rows"),
    "Delete": (Effect.DELETE, Recovery.FROM_BACKUP, "deletes rows"),
    "Merge": (Effect.DELETE, Recovery.FROM_BACKUP, "merges rows"),
    "TruncateTable": (Effect.DELETE, Recovery.FROM_BACKUP, "empties a table"),
    "Drop": (Effect.DELETE, Recovery.NONE, "drops something"),
    "Create": (Effect.WRITE, Recovery.AUTOMATIC, "makes something"),
    "Alter": (Effect.DELETE, Recovery.FROM_BACKUP, "alters something"),
    "Grant": (Effect.ADMIN, Recovery.AUTOMATIC, "changes who may do what"),
    "Revoke": (Effect.ADMIN, Recovery.AUTOMATIC, "changes who may do what"),
}
_HIDDEN = ("/*!", "/*m!", "--+", "/*+")
"""Comments that MySQL, MariaDB and others run, or take orders from."""


def classify_dialect(sql: bytes, dialect: str) -> tuple[Statement, ...]:
    """The statements of a text in one of `DIALECTS`: PASS or ASK. `redacted` is the tag alone.

    Raises:
        Unreadable: not UTF-8, a NUL, or too long.
        ConfigurationError: the extra is not installed, or there is no such dialect.
    """
    if dialect not in DIALECTS:
        raise ConfigurationError(f"Yett reads no SQL of {dialect}", f"It reads {', '.join(sorted(DIALECTS))}.")
    try:
        import sqlglot
        from sqlglot.errors import SqlglotError
    except ImportError:
        raise ConfigurationError("sqlglot is not installed", "pip install 'yett[dialects]'") from None
    text = _text(sql)
    try:
        parsed = [tree for tree in sqlglot.parse(text, read=dialect) if tree is not None]
    except (SqlglotError, RecursionError):
        fact = unknown(f"is no SQL of {dialect} that Yett can read")
        return (Statement(text, "", fact.way, fact.effect, fact.recovery, reasons=(fact.reason,), defines=True),)
    return tuple(_statement(tree, text, dialect) for tree in parsed)


def _text(sql: bytes) -> str:
    if len(sql) > LARGEST or b"\0" in sql:
        raise Unreadable("The SQL text is too long, or holds a NUL byte", "Send less, and text.")
    try:
        return sql.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The SQL text is not UTF-8", "Send SQL in UTF-8.") from None


def _statement(tree: Any, text: str, dialect: str) -> Statement:
    """Any: sqlglot's expressions are typed in another shape with every release."""
    facts = list(_facts(tree, text, dialect))
    effect = effect_of(facts)
    tag = type(tree).__name__.upper()
    return Statement(
        text=tree.sql(dialect=dialect),
        tag=tag,
        way=way_of(facts),
        effect=effect,
        recovery=recovery_of(facts, effect),
        reasons=reasons_of(facts),
        redacted=tag,
        defines=bool(facts),
    )


def _facts(tree: Any, text: str, dialect: str) -> Iterable[Fact]:
    lowered = text.lower()
    if any(mark in lowered for mark in _HIDDEN):
        yield unknown("has a comment that the server may run")
    if dialect == "mysql" and "\\" in text:
        yield unknown("has a backslash, which a setting gives another meaning")
    if type(tree).__name__ not in _QUERIES | _ACTS.keys():
        yield unknown("is no query")  # `flush tables` is a column with an alias to sqlglot
    for node in tree.walk():
        name = type(node).__name__
        if name in _ACTS:
            yield ask(*_ACTS[name])
        elif name not in _READS:
            yield unknown(f"has a part that is not known to only read ({name})")
