"""SQLite files: every text and blob cell. Read only, without extensions, and without trust in the schema.

SQLite's own advice for files of strangers (sqlite.org/security.html): trusted_schema off, limits, a progress handler.
An authorizer refuses all but reading. Cookies and logins of browsers are left out: they are private, and mostly sealed.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from yett.inventory.unpack.budget import MB, Broken, Budget, Exhausted
from yett.inventory.unpack.reports import Reports
from yett.inventory.unpack.streams import Part

SHORTEST = 6
"""A shorter cell is no credential."""
_LONGEST_LINE = 4096
_STEP = 100_000
_NO_TEXT = re.compile(rb"[\0-\x08\x0e-\x1f]+")
_READS = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ}
_PRAGMAS = frozenset({"table_xinfo", "trusted_schema", "cell_size_check", "query_only", "mmap_size"})
_BROWSER_FILES = frozenset(
    {
        *("cookies", "cookies.sqlite", "extension cookies", "safe browsing cookies", "webappsstore.sqlite"),
        *("login data", "login data for account", "key4.db", "web data", "formhistory.sqlite"),
        *("history", "history.db", "places.sqlite", "favicons", "favicons.sqlite", "top sites"),
    }
)
_BROWSER_COLUMNS = {
    "moz_cookies": "value",
    "moz_places": "url",
    "cookies": "encrypted_value",
    "logins": "password_value",
    "nssprivate": "id",
}
_NAMING = ("key", "name")
_KEY_COLUMNS = (*_NAMING, "id", "account_id")

Cell = tuple[str, bytes]


def cells(source: bytes | Path, name: str, budget: Budget, reports: Reports) -> Iterator[Cell]:
    """("ItemTable/key=chat.history", content) of a table of keys and values, else ("users.token[17]", content).

    A short cell is given as a line "column=value": what a value is called says whether it is a credential.
    """
    if name.rpartition("/")[2].lower() in _BROWSER_FILES:
        reports.add(name, "a browser's own store: not read")
        return
    try:
        with closing(_connected(source)) as database:
            _guard(database, budget)
            tables = _tables(database)
            if any(_is_browsers(database, table) for table in tables):
                reports.add(name, "a browser's own store: not read")
                return
            for table in tables:
                yield from _table(database, table, name, budget, reports)
    except (sqlite3.Error, OverflowError, MemoryError, ValueError) as error:
        budget.check_time()
        reports.add(name, _reason(error))
    if isinstance(source, Path):
        yield from _written_ahead(source, budget)


def _connected(source: bytes | Path) -> sqlite3.Connection:
    if isinstance(source, Path):
        place = quote(os.fsencode(os.path.abspath(source)))
        return sqlite3.connect(f"file:{place}?mode=ro&immutable=1", uri=True, check_same_thread=False)
    database = sqlite3.connect(":memory:", check_same_thread=False)
    # Bytes 18 and 19 are 2 where there is a log beside the file (file format, 1.3.3): in memory there is none.
    database.deserialize(source[:18] + b"\1\1" + source[20:])
    return database


def _guard(database: sqlite3.Connection, budget: Budget) -> None:
    database.text_factory = bytes
    database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, budget.limits.member)
    database.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MB)
    database.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    database.setlimit(sqlite3.SQLITE_LIMIT_WORKER_THREADS, 0)
    steps = [budget.limits.steps]

    def is_too_much() -> bool:
        steps[0] -= _STEP
        return steps[0] < 0 or budget.out_of_time

    database.set_progress_handler(is_too_much, _STEP)
    for pragma in ("trusted_schema=OFF", "cell_size_check=ON", "query_only=ON", "mmap_size=0"):
        database.execute(f"PRAGMA {pragma}")
    database.set_authorizer(_allow)


def _allow(action: int, first: str | None, _second: str | None, _database: str | None, _inner: str | None) -> int:
    """No function, no view's trick, no attached file: a planted schema gets no step further than its tables."""
    if action in _READS or (action == sqlite3.SQLITE_PRAGMA and (first or "") in _PRAGMAS):
        return sqlite3.SQLITE_OK
    return sqlite3.SQLITE_DENY


def _tables(database: sqlite3.Connection) -> list[str]:
    """Tables that are stored; those of extensions keep their rows in others."""
    rows = database.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'").fetchall()
    virtual = re.compile(rb"\s*CREATE\s+VIRTUAL\b", re.IGNORECASE)
    return [
        _word(name)
        for name, sql in rows
        if isinstance(name, bytes) and isinstance(sql, bytes) and not virtual.match(sql)
    ]


def _is_browsers(database: sqlite3.Connection, table: str) -> bool:
    """Under another name too: a copy, a backup."""
    telling = _BROWSER_COLUMNS.get(table.lower())
    return telling is not None and telling in _columns(database, table)


def _table(database: sqlite3.Connection, table: str, name: str, budget: Budget, reports: Reports) -> Iterator[Cell]:
    budget.count_member()
    try:
        columns = _columns(database, table)
        for row, values in _rows(database, table, columns):
            yield from _row(table, columns, row, values, budget)
    except (sqlite3.Error, OverflowError, MemoryError, ValueError) as error:
        budget.check_time()
        reports.add(f"{name}!/{table[:100]}", _reason(error))


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    """Those that are stored: computed ones could compute for ever."""
    found = database.execute(f"PRAGMA table_xinfo({_quoted(table)})").fetchall()
    return [_word(row[1]) for row in found if isinstance(row[1], bytes) and row[6] == 0]


def _rows(database: sqlite3.Connection, table: str, columns: list[str]) -> Iterator[tuple[int, tuple[object, ...]]]:
    """(rowid, values). A table without rowids counts its rows."""
    if not columns:
        return
    listed = ", ".join(_quoted(column) for column in columns)
    try:
        found = database.execute(f"SELECT rowid, {listed} FROM {_quoted(table)}")
    except sqlite3.OperationalError:
        found = database.execute(f"SELECT NULL, {listed} FROM {_quoted(table)}")
    for number, (rowid, *values) in enumerate(found, 1):
        yield rowid if isinstance(rowid, int) else number, tuple(values)


def _row(table: str, columns: list[str], row: int, values: tuple[object, ...], budget: Budget) -> Iterator[Cell]:
    key = _key(columns, values)
    for column, value in zip(columns, values, strict=True):
        if not isinstance(value, bytes) or len(value) < SHORTEST:
            continue
        budget.spend(len(value))
        title = f"{table}/{columns[0]}={key}" if key and column != columns[0] else f"{table}.{column}[{row}]"
        called = key if key and columns[0].lower() in _NAMING else column
        yield title, _line(called, value)


def _key(columns: list[str], values: tuple[object, ...]) -> str:
    """What a row of two columns is called: settings are kept so."""
    if len(columns) != 2 or columns[0].lower() not in _KEY_COLUMNS or not isinstance(values[0], bytes):
        return ""
    return values[0][:200].decode("utf-8", "replace")


def _line(called: str, value: bytes) -> bytes:
    if len(value) > _LONGEST_LINE or value[:1] in b"{[" or b"\n" in value or b"\0" in value:
        return value
    return re.sub(r"\W+", "_", called).encode() + b"=" + value


def _written_ahead(path: Path, budget: Budget) -> Iterator[Cell]:
    """The pages of the log beside a database that is in use, as they are: its newest rows may be nowhere else."""
    try:
        file = open(f"{path}-wal", "rb")  # noqa: SIM115  # closed below; most databases have none
    except OSError:
        return
    with file:
        log = Part(file, 0, os.fstat(file.fileno()).st_size)
        for number in range(1, 1 + budget.limits.total // (4 * MB)):
            try:
                pages = log.read(4 * MB)
                budget.spend(len(pages))
            except (Broken, Exhausted):
                return
            if not pages:
                return
            yield f"log beside it, part {number}", _NO_TEXT.sub(b"\n", pages)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _word(name: bytes) -> str:
    """What is no UTF-8 makes a name that SQLite will not take: that table is reported."""
    return name.decode("utf-8", "surrogateescape")


def _reason(error: Exception) -> str:
    """SQLite's own words, which name no content; "interrupted" is the progress handler's."""
    said = str(error)
    if "interrupted" in said:
        return "a database that takes too many steps: the rest was not read"
    return "a database that is broken, encrypted or too large: the rest was not read" if said else "cannot be read"
