"""What was classified before, by exact text; and rows' statements by their text without numbers.

A fingerprint is no key (findings 3.1): `SET ROLE a` and `SET ROLE b` share one. Numbers may be left out only where
nothing that is said of a statement depends on them: one SELECT, INSERT, UPDATE, DELETE or MERGE that is PASS or GUARD,
in a text without quotes, comments, parameters and letters beyond ASCII, so that every run of digits is a number.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Mapping

from yett.operations.sql.catalog import Catalog
from yett.operations.sql.classify import classify
from yett.operations.sql.statement import Statement, Way
from yett.operations.sql.worker import WouldWait, not_waiting

Statements = tuple[Statement, ...]

_NUMBER = re.compile(rb"[0-9](?<![\w.].)[0-9]*(?![\w.])", re.DOTALL)
_TOO_MUCH = re.compile(rb"""['"$\\\x00\x80-\xff]|--|/\*|set_config|float\s*\(""", re.IGNORECASE)
"""FLOAT(24) is another type than FLOAT(25)."""
_NO_DIGITS = bytes(0 if chr(byte) in "0123456789" else byte for byte in range(256))
_MOST_FORMS, _FORM_BYTES = 4096, 1024
_ROWS = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE", "MERGE"})
_OVERHEAD_BYTES = 2048
"""A Statement with its tuples and strings, roughly; beside the text, which is kept three times."""


class View:
    """The cache for one version of one catalog. `get` is a dict's own: text -> Statements, or None."""

    def __init__(self, catalog: Catalog, most_bytes: int) -> None:
        self._catalog = catalog
        self._most_bytes = most_bytes
        self._bytes = 0
        self._exact: dict[bytes, Statements] = {}
        self._shapes: dict[bytes, Statement] = {}
        self.get: Callable[[bytes], Statements | None] = self._exact.get

    def classify(self, sql: bytes, prepared: Mapping[str, Statement]) -> Statements:
        """As `classify.classify`, remembering.

        Raises:
            Unreadable: as there.
        """
        found = self._exact.get(sql)
        if found is not None:
            return found
        shape = b"" if _TOO_MUCH.search(sql) else without_numbers(sql)
        if shape in self._shapes:
            return (_renumbered(self._shapes[shape], sql),)
        statements = classify(sql, self._catalog, prepared)
        if not any(statement.executes for statement in statements):
            self._keep(sql, shape, statements)
        return statements

    def is_shape(self, shape: bytes) -> bool:
        """Whether all that is said of a text, besides the text itself, is said of every text without NUL that
        `without_numbers` makes this of."""
        return shape in self._shapes

    def _keep(self, sql: bytes, shape: bytes, statements: Statements) -> None:
        size = 4 * len(sql) + _OVERHEAD_BYTES * max(1, len(statements))
        if size > self._most_bytes // 8:
            return
        if self._bytes + size > self._most_bytes:
            self._exact.clear()
            self._shapes.clear()
            self._bytes = 0
        self._bytes += size
        if shape and shape != sql and len(statements) == 1 and _ignores_numbers(statements[0]):
            self._shapes[shape] = statements[0]
        else:
            self._exact[sql] = statements


class Cache:
    """Views by catalog version, the latest few: one in front of all sessions that see the same database alike."""

    def __init__(self, most_bytes: int = 32 << 20, most_views: int = 16) -> None:
        self._most_bytes = most_bytes
        self._most_views = most_views
        self._views: OrderedDict[Hashable, View] = OrderedDict()

    async def classify(
        self,
        sql: bytes,
        catalog: Catalog,
        prepared: Mapping[str, Statement],
        run: Callable[..., Awaitable[Statements]] = asyncio.to_thread,
    ) -> Statements:
        """As `classify.classify`, from an event loop: what needs the worker is `run` in a thread.

        Raises:
            Unreadable: as there.
        """
        view = self.view(catalog)
        found = view.get(sql)
        if found is not None:
            return found
        try:
            with not_waiting():
                return view.classify(sql, prepared)
        except WouldWait:
            return await run(view.classify, sql, prepared)

    def view(self, catalog: Catalog) -> View:
        """The view of a catalog; hold it for as long as the catalog has this version."""
        view = self._views.get(catalog.version)
        if view is None:
            view = self._views[catalog.version] = View(catalog, self._most_bytes // self._most_views)
            if len(self._views) > self._most_views:
                self._views.popitem(last=False)
        self._views.move_to_end(catalog.version)
        return view


_forms: dict[bytes, bytes] = {}
"""Texts with a NUL for each digit, and what `without_numbers` makes of them: a quarter of the time of the pattern."""


def without_numbers(sql: bytes) -> bytes:
    """The text, in which there is no NUL, with one for each number that stands alone: what may not be in it for that
    (_TOO_MUCH) is no number, so texts that give the same have it alike."""
    form = sql.translate(_NO_DIGITS)
    shape = _forms.get(form)
    if shape is None:
        shape = _NUMBER.sub(b"\0", sql)
        # Where no digit is left, all of them stood in numbers: so they do in every text of that form.
        if len(form) <= _FORM_BYTES and shape.translate(_NO_DIGITS) == shape and b"\0" not in sql:
            if len(_forms) >= _MOST_FORMS:
                _forms.clear()
            _forms[form] = shape
    return shape


def _ignores_numbers(statement: Statement) -> bool:
    return statement.tag in _ROWS and statement.way in (Way.PASS, Way.GUARD)


def _renumbered(known: Statement, sql: bytes) -> Statement:
    """The same statement with another's numbers."""
    return Statement(
        sql.decode("ascii").strip("; \t\r\n\f\v"),
        known.tag,
        known.way,
        known.effect,
        known.recovery,
        known.touched,
        known.reasons,
        known.redacted,
        unbounded=known.unbounded,
        named=known.named,
    )
