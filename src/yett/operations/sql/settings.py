"""Settings that an agent may change, and those that the gateway pins.

A statement is read with the settings that the session had when it started: string syntax, encoding, search_path, role.
Whoever could change them could make the text mean something else to the server (findings 3.2). Names are folded as
guc.c does: ASCII case does not matter, however they are quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.facts import Fact, ask, refused
from yett.providers.postgres.identifiers import SPACES, fold, split

_TRUE = frozenset({"on", "true", "yes", "1", "t", "y"})
_UTF8 = frozenset({"utf8", "unicode", "utf-8", "utf_8"})
_PINNED: dict[str, frozenset[str]] = {
    "standard_conforming_strings": _TRUE,
    "client_encoding": _UTF8,
    "backslash_quote": frozenset({"safe_encoding"}),
    "session_replication_role": frozenset({"origin"}),
    "track_counts": _TRUE,  # what is not counted cannot be undone: no function may switch it off for its own while
    "role": frozenset({"none"}),
    "session_authorization": frozenset(),
    "allow_system_table_mods": frozenset(),
    "transform_null_equals": frozenset({"off", "false", "no", "0", "f", "n"}),
    "local_preload_libraries": frozenset(),
    "session_preload_libraries": frozenset(),
    "dynamic_library_path": frozenset(),
    "is_superuser": frozenset(),
}
"""Pinned, and the values that change nothing."""

_USUAL: dict[str, frozenset[str]] = {
    "default_table_access_method": frozenset({"heap"}),
    "default_tablespace": frozenset({""}),
    "temp_tablespaces": frozenset({""}),
}
"""What a dump sets to what it is: other values would put tables where the guard does not look for them."""

_HARMLESS = frozenset(
    [
        "application_name",
        "array_nulls",
        "bytea_output",
        "check_function_bodies",
        "client_connection_check_interval",
        "client_min_messages",
        "constraint_exclusion",
        "cursor_tuple_fraction",
        "datestyle",
        "debug_parallel_query",
        "default_statistics_target",
        "default_text_search_config",
        "default_toast_compression",
        "default_transaction_deferrable",
        "default_transaction_isolation",
        "default_transaction_read_only",
        "effective_cache_size",
        "effective_io_concurrency",
        "escape_string_warning",
        "extra_float_digits",
        "force_parallel_mode",
        "from_collapse_limit",
        "gin_fuzzy_search_limit",
        "gin_pending_list_limit",
        "hash_mem_multiplier",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
        "intervalstyle",
        "join_collapse_limit",
        "lc_monetary",
        "lc_numeric",
        "lc_time",
        "lock_timeout",
        "maintenance_work_mem",
        "plan_cache_mode",
        "quote_all_identifiers",
        "random_page_cost",
        "recursive_worktable_factor",
        "restrict_nonsystem_relation_kind",
        "row_security",  # a lease never bypasses it: without it, it gets an error in the place of fewer rows
        "seed",
        "seq_page_cost",
        "stats_fetch_consistency",
        "synchronize_seqscans",
        "synchronous_commit",  # the gate sets it right before COMMIT (gateway/postgres/guarding.py)
        "temp_buffers",
        "timezone",
        "timezone_abbreviations",
        "transaction_deferrable",
        "transaction_isolation",
        "transaction_read_only",
        "work_mem",
        "xmlbinary",
        "xmloption",
    ]
)
_CHOICE = frozenset({"targetList", "fromClause", "whereClause"})
_HARMLESS_PATTERNS = (
    "enable_*",
    "geqo*",
    "jit*",
    "cpu_*_cost",
    "parallel_*",
    "max_parallel_*",
    "min_parallel_*",
    "tcp_*",
    "hnsw.*",
    "ivfflat.*",
    "pg_trgm.*",
    "plpgsql.extra_*",
)
_TIMEOUTS = frozenset({"statement_timeout", "transaction_timeout"})
_DURATION = re.compile(r"\s*(\d+(?:\.\d*)?)\s*(us|ms|s|min|h|d)?\s*", re.ASCII)
_MS = {"us": 0.001, "ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000, None: 1}


def judge(name: str, values: tuple[str, ...] | None, catalog: Catalog) -> Fact | None:
    """What setting `name` does; `values` None: not known, or back to the session's own. None: nothing worth a word."""
    folded = fold(name)
    if folded == "search_path":
        return _search_path(values, catalog)
    if folded in _PINNED:
        same = values is not None and len(values) == 1 and fold(values[0].strip(SPACES)) in _PINNED[folded]
        return None if same else refused(f"sets {folded}, which Yett pins: statements could mean something else")
    if (
        folded in _TIMEOUTS
        and catalog.longest_ms
        and not (values is not None and len(values) == 1 and within(values[0], catalog.longest_ms))
    ):
        return refused(f"sets {folded} beyond the {catalog.longest_ms} ms that this session has", Effect.WRITE)
    if folded in _TIMEOUTS or folded in _HARMLESS or any(fnmatchcase(folded, shape) for shape in _HARMLESS_PATTERNS):
        return None
    if values is not None and len(values) == 1 and values[0].lower() in _USUAL.get(folded, ()):
        return None
    if "." in folded:
        who = ask(Effect.ADMIN, Recovery.NONE, f"sets {folded}, by which row security may tell who is asking")
        return replace(who, lasts=True)
    return ask(Effect.ADMIN, Recovery.NONE, f"sets {folded}, which Yett does not know to be harmless")


def limit(name: str, catalog: Catalog) -> str:
    """The longest that this session may have, as "name = value"; "": the setting is no limit of its statements."""
    return f"{fold(name)} = {catalog.longest_ms}" if fold(name) in _TIMEOUTS and catalog.longest_ms else ""


def chosen(select: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any], str] | None:
    """Of `SELECT set_config(name, ..) FROM pg_settings WHERE name = 'x'`, and of nothing else: the call, the table, x.

    Any: a parse tree. Whether pg_settings is the built-in one is for the caller to see.
    """
    if not _CHOICE <= select.keys() <= _CHOICE | {"limitOption", "op"}:
        return None
    match (select["targetList"], select["fromClause"], select["whereClause"]):
        case (
            [{"ResTarget": {"val": {"FuncCall": {"args": [first, *_]} as call}}}],
            [{"RangeVar": {"relname": "pg_settings"} as table}],
            {"A_Expr": {"kind": "AEXPR_OP", "name": [{"String": {"sval": "="}}], "lexpr": column, "rexpr": constant}},
        ) if _is_name(first) and _is_name(column):
            text = constant.get("A_Const", {}).get("sval", {}).get("sval", "")
            return (call, table, text) if text else None
    return None


def _is_name(node: Any) -> bool:
    match node:
        case {"ColumnRef": {"fields": [{"String": {"sval": "name"}}]}}:
            return True
    return False


def pinned(setting: str) -> bool:
    """Whether "name=value", as a function carries it, is one that changes what text means or who runs it."""
    name = fold(setting.partition("=")[0])
    return name in _PINNED or name in _TIMEOUTS


def path_of(setting: str, own: tuple[str, ...]) -> tuple[str, ...]:
    """The schemas of a stored search_path; `own` stands in for "$user". Raises Unreadable."""
    found: list[str] = []
    for name in split(setting):
        if name == "$user":
            found.extend(own)
        elif name != "pg_catalog":
            found.append(name)
    return tuple(dict.fromkeys(found))


def _search_path(values: tuple[str, ...] | None, catalog: Catalog) -> Fact | None:
    if values is not None:
        given = values[1:] if values[:1] == ("pg_catalog",) else values
        if tuple(name for name in given if name not in ("", "$user")) in ((), catalog.search_path):
            return None  # with none, what is not qualified is built in, or there is no such thing
    return refused("sets search_path, which Yett pins: names would mean something else")


def within(duration: str, longest_ms: int) -> bool:
    """Whether it is a time as guc.c reads one, and a limit at all."""
    match = _DURATION.fullmatch(duration)
    return match is not None and 0 < float(match[1]) * _MS[match[2]] <= longest_ms
