"""A baseline's file: read with distrust, since an agent can write it; written whole or not at all."""

from __future__ import annotations

import json
import os
import stat
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from yett.inventory.baseline.entry import Allow, BadEntry, Entry, allow_of, entry_of
from yett.inventory.baseline.positions import document
from yett.inventory.baseline.stretched import SALT_OCTETS, SCHEME
from yett.model.errors import ConfigurationError
from yett.model.visible import visible

VERSION = 1
LARGEST = 8 << 20
"""Bytes: some thirty thousand entries."""
MOST_ALLOWS = 1000
"""Each is compared with every place of every finding; entries are looked up."""
_KEYS = ("version", "fingerprints", "salt", "entries", "allow")

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Contents:
    salt: bytes
    entries: tuple[Entry, ...]
    allows: tuple[Allow, ...]


def read(path: Path) -> Contents | None:
    """None: there is no such file.

    Raises:
        ConfigurationError: it is no baseline; the message names the file and the line.
    """
    raw = bounded(path, LARGEST)
    return None if raw is None else parsed(path, raw)


def bounded(path: Path, largest: int) -> bytes | None:
    """A regular file's bytes; None if there is none. A link, a pipe or a device is none that anyone would commit.

    Raises:
        ConfigurationError: it is something else, too large, or cannot be read.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise broken(path, 0, error.strerror or "it cannot be opened") from None
    with open(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise broken(path, 0, "it is not a regular file")
        raw = file.read(largest + 1)
    if len(raw) > largest:
        raise broken(path, 0, f"it is larger than {largest >> 20} MB")
    return raw


def write(path: Path, contents: Contents) -> None:
    """Beside it, then renamed over it: a reader sees the old or the new. 0644, since it belongs in the repository.

    Raises:
        ConfigurationError: it cannot be written there.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.parent.is_symlink() or path.is_symlink():
            raise broken(path, 0, "it, or its folder, is a link, and might lead out of the repository")
        _replace(path, _text(contents).encode())
    except OSError as error:
        raise broken(path, 0, error.strerror or "it cannot be written") from None


def broken(path: Path, line: int, why: str) -> ConfigurationError:
    at = f"{visible(str(path))}:{line}" if line else visible(str(path))
    return ConfigurationError(f"{at}: {visible(why)}", "Correct it, or take it from git: git checkout -- the file.")


def _replace(path: Path, raw: bytes) -> None:
    handle, made = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with open(handle, "wb") as file:
            file.write(raw)
            os.fchmod(handle, 0o644)
            file.flush()
            os.fsync(handle)
        os.replace(made, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(made)
        raise


def _text(contents: Contents) -> str:
    """One entry a line, sorted: two branches that add entries merge."""
    entries = sorted(contents.entries, key=lambda entry: (entry.path, entry.rule, entry.fingerprint))
    allows = sorted(contents.allows, key=lambda allow: (allow.path, allow.rule, allow.fingerprint))
    return (
        f'{{\n"version": {VERSION},\n"fingerprints": "{SCHEME}",\n"salt": "{contents.salt.hex()}",\n'
        f'"entries": {_lines(entries)},\n"allow": {_lines(allows)}\n}}\n'
    )


def _lines(made: Sequence[Entry | Allow]) -> str:
    body = ",\n".join(f"  {json.dumps(each.as_record())}" for each in made)
    return f"[\n{body}\n]" if body else "[]"


def parsed(path: Path, raw: bytes) -> Contents:
    """What stands in a baseline. Raises ConfigurationError as `read` does."""
    try:
        found = document(raw.decode("utf-8"))
    except json.JSONDecodeError as error:
        raise broken(path, error.lineno, f"it is not the JSON of a baseline: {error.msg}") from None
    except UnicodeDecodeError as error:
        raise broken(path, raw.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from None
    except RecursionError:
        raise broken(path, 0, "it is nested too deep") from None
    except ValueError:  # a number of thousands of digits
        raise broken(path, 0, "it is not the JSON of a baseline") from None
    for name, (line, _) in found.items():
        if name not in _KEYS:
            raise broken(path, line, f"it has a key that does not exist: {name[:40]!r}")
    _exactly(path, found, "version", VERSION)
    _exactly(path, found, "fingerprints", SCHEME)
    allows = _each(path, found, "allow", allow_of)
    if len(allows) > MOST_ALLOWS:
        raise broken(path, found["allow"][0], f"it allows more than {MOST_ALLOWS} paths")
    return Contents(_salt(path, found), _each(path, found, "entries", entry_of), allows)


def _exactly(path: Path, found: dict[str, tuple[int, Any]], name: str, wanted: object) -> None:
    line, value = found.get(name, (1, None))
    if type(value) is not type(wanted) or value != wanted:
        raise broken(path, line, f"{name} must be {wanted!r}; another version of Yett may have written it")


def _salt(path: Path, found: dict[str, tuple[int, Any]]) -> bytes:
    line, value = found.get("salt", (1, None))
    try:
        salt = bytes.fromhex(value)
    except (TypeError, ValueError):
        salt = b""
    if len(salt) != SALT_OCTETS:
        raise broken(path, line, f"its salt is not {SALT_OCTETS} bytes in hex; without it no entry can be compared")
    return salt


def _each(path: Path, found: dict[str, tuple[int, Any]], name: str, make: Callable[[object], Made]) -> tuple[Made, ...]:
    line, rows = found.get(name, (1, []))
    if not isinstance(rows, list):
        raise broken(path, line, f"{name} is not a list")
    made = []
    for row_line, row in rows:
        try:
            made.append(make(row))
        except BadEntry as error:
            raise broken(path, row_line, f"an entry of {name} is refused: {error}") from None
    return tuple(made)
