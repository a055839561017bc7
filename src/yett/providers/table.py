"""Read a TOML table strictly: every key is asked for by name, and one that nobody asked for is refused."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from yett.model.errors import ConfigurationError

E = TypeVar("E", bound=StrEnum)


class Table:
    """One table of one file. `where` names both, for the person who has to mend it.

    Reading a key takes it out; `end()` refuses what is left. Every reader raises ConfigurationError.
    """

    def __init__(self, values: dict[str, object], where: str) -> None:
        self._values = dict(values)
        self.where = where

    @classmethod
    def of_file(cls, path: Path) -> Table:
        try:
            return cls(tomllib.loads(path.read_text("utf-8")), f"{path.parent.name}/{path.name}")
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigurationError(f"{path.parent.name}/{path.name} cannot be read: {error}") from error

    def text(self, key: str, default: str | None = None) -> str:
        return str(self._one(key, str, default))

    def whole(self, key: str, default: int) -> int:
        value = self._one(key, int, default)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self._wrong(key, "is not a whole number")
        return value

    def flag(self, key: str) -> bool:
        """Read a boolean that is false when absent."""
        return bool(self._one(key, bool, False))

    def texts(self, key: str, default: tuple[str, ...] | None = ()) -> tuple[str, ...]:
        value = self._one(key, list, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise self._wrong(key, "is not a list of strings")
        return tuple(value)

    def choice(self, key: str, kind: type[E], default: E | None = None) -> E:
        text = self.text(key, default.value if default is not None else None)
        try:
            return kind(text)
        except ValueError:
            raise self._wrong(key, f"is {text!r}, not one of {', '.join(kind)}") from None

    def pattern(self, key: str) -> re.Pattern[str] | None:
        text = self.text(key, "")
        try:
            return re.compile(text) if text else None
        except re.error as error:
            raise self._wrong(key, f"is no regular expression: {error}") from error

    def table(self, key: str) -> Table:
        """Read a sub-table, an empty one when absent."""
        value = self._one(key, dict, {})
        assert isinstance(value, dict)
        return Table(value, f"{self.where}: {key}")

    def tables(self, key: str) -> tuple[Table, ...]:
        """Read a list of tables, empty when absent."""
        value = self._one(key, list, [])
        assert isinstance(value, list)
        if not all(isinstance(item, dict) for item in value):
            raise self._wrong(key, "is not a list of tables")
        return tuple(Table(item, f"{self.where}: {key}[{n}]") for n, item in enumerate(value))

    def left(self) -> tuple[str, ...]:
        """The keys that are left."""
        return tuple(self._values)

    def named_tables(self) -> Iterator[tuple[str, Table]]:
        """Read every key that is left as a table of that name."""
        for key in self.left():
            yield key, self.table(key)

    def end(self) -> None:
        """Refuse the keys that nobody asked for."""
        if self._values:
            keys = ", ".join(sorted(self._values))
            raise ConfigurationError(f"{self.where}: unknown key {keys}", "take it out, or spell it as the others are")

    def wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.where}: {what}")

    def _one(self, key: str, kind: type, default: object) -> object:
        value = self._values.pop(key, default)
        if value is None:
            raise self._wrong(key, "is missing")
        if not isinstance(value, kind) and value is not default:
            raise self._wrong(key, f"is not a {kind.__name__}")
        return value

    def _wrong(self, key: str, what: str) -> ConfigurationError:
        return ConfigurationError(f"{self.where}: {key} {what}")
