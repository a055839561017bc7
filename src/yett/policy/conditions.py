"""The words that a short rule may use under `when`, each with the Cedar expression that it stands for."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime

from yett.policy.errors import PolicyError
from yett.policy.expressions import Est, any_of, binary, call, context, like, negation, value
from yett.policy.plain_yaml import Plain

MAX_ALTERNATIVES = 50

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def _flag(path: str) -> Callable[[str, Plain], Est]:
    def build(word: str, given: Plain) -> Est:
        return context(path) if _bool(word, given) else negation(context(path))

    return build


def _over(unit: str) -> Callable[[str, Plain], Est]:
    def build(word: str, given: Plain) -> Est:
        return binary(">", context(f"cost.{unit}"), value(_count(word, given)))

    return build


def _task_over(unit: str) -> Callable[[str, Plain], Est]:
    def build(word: str, given: Plain) -> Est:
        total = binary("+", context(f"spent.{unit}"), context(f"cost.{unit}"))
        return binary(">", total, value(_count(word, given)))

    return build


def _pattern(path: str) -> Callable[[str, Plain], Est]:
    def build(word: str, given: Plain) -> Est:
        return any_of([like(context(path), pattern) for pattern in _texts(word, given)])

    return build


def _outside_network(word: str, given: Plain) -> Est:
    try:
        networks = [str(ipaddress.ip_network(text)) for text in _texts(word, given)]
    except ValueError as error:
        raise PolicyError(f"{word}: {error}", "write a network as in 10.0.0.0/8") from None
    return negation(any_of([call("isInRange", context("source"), call("ip", value(n))) for n in networks]))


def _no_undo(word: str, given: Plain) -> Est:
    return binary("==" if _bool(word, given) else "!=", context("undo"), value("none"))


def _moment(operator: str) -> Callable[[str, Plain], Est]:
    def build(word: str, given: Plain) -> Est:
        (text,) = _texts(word, given)[:1]
        if given != text or not _is_moment(text):
            raise PolicyError(f"{word}: {text[:40]!r} is not a moment", "write it in UTC, as in 2026-12-01T00:00:00Z")
        return binary(operator, context("now"), call("datetime", value(text)))

    return build


CONDITIONS: dict[str, Callable[[str, Plain], Est]] = {
    "action": _pattern("action"),
    "wire": _pattern("wire"),
    "irreversible": _flag("irreversible"),
    "no_undo": _no_undo,
    "asked": _flag("asked"),
    "granted": _flag("granted"),
    "workflow": _flag("workflow"),
    "rows_over": _over("rows"),
    "deletes_over": _over("deletes"),
    "bytes_over": _over("bytes"),
    "task_rows_over": _task_over("rows"),
    "task_deletes_over": _task_over("deletes"),
    "task_bytes_over": _task_over("bytes"),
    "outside_network": _outside_network,
    "before": _moment("<"),
    "after": _moment(">="),
}
"""Word -> what builds its expression. `*_over` looks at one operation, `task_*_over` at all of the task so far."""


def _bool(word: str, given: Plain) -> bool:
    if not isinstance(given, bool):
        raise PolicyError(f"{word}: {_shown(given)} is neither true nor false", f"write {word}: true")
    return given


def _count(word: str, given: Plain) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or given < 0:
        raise PolicyError(f"{word}: {_shown(given)} is not a number of things", f"write {word}: 100")
    return given


def _texts(word: str, given: Plain) -> list[str]:
    texts = given if isinstance(given, list) else [given]
    found = [text for text in texts if isinstance(text, str) and text]
    if not found or len(found) != len(texts) or len(found) > MAX_ALTERNATIVES:
        raise PolicyError(
            f"{word}: {_shown(given)} is not text, nor a list of up to {MAX_ALTERNATIVES} texts", "quote what is text"
        )
    return found


def _is_moment(text: str) -> bool:
    if not _MOMENT.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _shown(given: Plain) -> str:
    return repr(given)[:60]
