"""Another tool's file, read with distrust: bounded, JSON whole or by lines, YAML and TOML without their odd types."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yett.inventory.baseline.storage import bounded, broken

LARGEST = 64 << 20
MOST = 100_000
"""Records of one report."""
_DECODER = json.JSONDecoder()


def text_of(path: Path) -> str:
    """Raises ConfigurationError: no such file, too large, not text."""
    raw = bounded(path, LARGEST)
    if raw is None:
        raise broken(path, 0, "there is no such file")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise broken(path, raw.count(b"\n", 0, error.start) + 1, "it is not UTF-8") from None


def json_documents(path: Path, text: str) -> list[Any]:  # Any: another tool's JSON
    """Every document in it, in order: one, one a line, or several behind one another. Lines of a log are passed over.

    Raises:
        ConfigurationError: none is in it, or one is cut off.
    """
    found: list[Any] = []
    at, end = 0, len(text)
    while at < end:
        if text[at] in "{[":
            value, at = _decoded(path, text, at)
            found.append(value)
        elif text[at] in " \t\r\n":
            at += 1
        else:
            at = text.find("\n", at)
            at = end if at < 0 else at
    if not found:
        raise broken(path, 1, "there is no JSON in it")
    return found


def toml_document(path: Path, text: str) -> dict[str, Any]:  # Any: another tool's settings
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise broken(path, 0, f"it is not TOML: {error}"[:200]) from None


def yaml_document(path: Path, text: str) -> Any:  # Any: another tool's settings
    """Aliases are refused: a few lines of them make gigabytes."""
    import yaml

    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise broken(path, 0, "it uses aliases, which are not read here")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        raise broken(path, mark.line + 1 if mark else 0, "it is not YAML") from None


def objects(value: object) -> Iterator[dict[str, Any]]:
    """The objects of a list; nothing of anything else."""
    if isinstance(value, list):
        for each in value[:MOST]:
            if isinstance(each, dict):
                yield each


def child(value: object, *names: str) -> Any:  # Any: another tool's JSON
    """value[a][b]..., None where it ends."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def word(value: object) -> str:
    """A text of at most 1,000 characters, else ""."""
    return value[:1000] if isinstance(value, str) else ""


def number(value: object) -> int:
    """A line, 0 if it is none. Some tools write numbers as text."""
    if isinstance(value, str) and value.isdigit() and len(value) < 10:
        return int(value)
    return value if type(value) is int and 0 < value < 1 << 31 else 0


def _decoded(path: Path, text: str, at: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except json.JSONDecodeError as error:
        raise broken(path, error.lineno, f"its JSON is broken: {error.msg}") from None
    except (RecursionError, ValueError):
        raise broken(
            path, text.count("\n", 0, at) + 1, "its JSON is nested too deep, or has too long a number"
        ) from None
