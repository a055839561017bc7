"""What PostgreSQL's own functions do, and those of extensions that come with it.

Volatility says little of harm: `table_to_xml` is stable and runs views, `random` is volatile and harmless. A built-in
function that is immutable or stable passes unless it is listed; a volatile one passes only if it is listed. Read from
pg_proc of 15.18 and 18.4; the lists are in `builtins.toml`.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from yett.model.effects import Effect, Recovery
from yett.operations.sql.catalog import Function
from yett.operations.sql.facts import Fact, ask, guard, unknown
from yett.operations.sql.statement import Way

_LISTS: dict[str, list[str]] = tomllib.loads((Path(__file__).parent / "builtins.toml").read_text("utf-8"))
RUNS_TEXT = frozenset(_LISTS["runs_text"])
BY_TYPE_NAME = frozenset(_LISTS["by_type_name"])
_HARMLESS = frozenset(_LISTS["harmless"])
_TRIGGERS = frozenset(_LISTS["triggers"])
_PURE_EXTENSIONS = frozenset(_LISTS["pure_extensions"])
_EXTENSION_HARMLESS = frozenset(_LISTS["extension_harmless"])
ADVISORY_LOCKS = frozenset(_LISTS["advisory_locks"])
ONE_VALUE = frozenset(_LISTS["one_value"])
ADVISORY = Fact(Way.PASS, Effect.WRITE, Recovery.AUTOMATIC, "holds an advisory lock, for which others may wait")
REPEATS = Fact(Way.PASS, Effect.READ, Recovery.AUTOMATIC, "runs parts of itself any number of times")
"""Said of a body, never to a person: what is harmless once in it may not be."""
_LARGE = "changes large objects, which the guard does not see"

NUMBERS = guard(Effect.WRITE, Recovery.AUTOMATIC, "takes a number of a sequence")
_HARMFUL = {
    "nextval": NUMBERS,
    "setval": ask(Effect.WRITE, Recovery.FROM_BACKUP, "sets a sequence, which the guard does not see"),
    "pg_notify": ask(Effect.WRITE, Recovery.NONE, "notifies listeners, who may act on it"),
    "lo_unlink": ask(Effect.DELETE, Recovery.FROM_BACKUP, "deletes a large object, which the guard does not see"),
    **dict.fromkeys(_LISTS["large_objects"], ask(Effect.WRITE, Recovery.FROM_BACKUP, _LARGE)),
    **dict.fromkeys(ADVISORY_LOCKS, ADVISORY),
    **dict.fromkeys(_LISTS["advisory_unlocks"], Fact(Way.PASS, Effect.READ, Recovery.AUTOMATIC, "")),
}


def judge(function: Function, trigger: bool = False) -> Fact | None:
    """What a built-in function, or one in C, does by itself; None: it computes or reads, and no more."""
    name = function.name
    if not function.builtin:
        return _foreign(function)
    if trigger and name in _TRIGGERS:
        return None
    if name in RUNS_TEXT:
        return unknown(f"calls {name}, which runs the query it is given")
    if name in _HARMFUL:
        return _HARMFUL[name]
    if function.volatility != "v" or name in _HARMLESS:
        return None
    if name == "set_config":
        return unknown("calls set_config out of sight")
    return ask(Effect.ADMIN, Recovery.NONE, f"calls {name}, which acts on the server itself")


def _foreign(function: Function) -> Fact | None:
    """Functions in C: only a superuser makes them, so that what is labelled immutable is; stable ones run SQL at times.

    `crosstab`, `connectby` and `xpath_table` are stable and run the text they are given.
    """
    if function.kind == "a" or function.volatility == "i":
        return None
    if function.extension in _PURE_EXTENSIONS and (function.volatility == "s" or function.name in _EXTENSION_HARMLESS):
        return None
    return unknown(f"calls {function.schema}.{function.name}, compiled code that can do anything")
