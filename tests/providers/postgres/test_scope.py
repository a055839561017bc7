"""No lease is a blanket: a scope names schemas or tables of the application, or it is none (R34)."""

from __future__ import annotations

import pytest

from yett.model.errors import ConfigurationError
from yett.providers.postgres.scope import Scope, Table, read_only, read_write


def test_a_scope_that_names_nothing_or_the_system_is_refused() -> None:
    for make in (
        lambda: Scope(),
        lambda: read_only(),
        lambda: read_only(schemas=["pg_catalog"]),
        lambda: read_only(tables=[Table("pg_temp_3", "x")]),
        lambda: read_write(schemas=["information_schema"]),
        lambda: read_only(schemas=[""]),
        lambda: read_only(tables=[Table("a\0b", "c")]),
        lambda: read_only(schemas=["x" * 64]),
    ):
        with pytest.raises(ConfigurationError):
            make()
    assert read_only(tables=[Table("public", "pg_like")]).tables


def test_the_templates_differ_in_writing_only() -> None:
    table = Table("shop", "users")
    assert read_only(tables=[table], schemas=["a"]).write == frozenset()
    assert not read_only(tables=[table], schemas=["a"]).writes
    writer = read_write(tables=[table], schemas=["a"])
    assert (writer.read, writer.write) == (frozenset({table}), frozenset({table}))
    assert (writer.read_schemas, writer.write_schemas) == (frozenset({"a"}), frozenset({"a"}))
