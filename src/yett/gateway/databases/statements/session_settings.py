"""What an agent's session has set that changes what a signed text selects: "at < '01/02/2026'" needs DateStyle.

All of these may be set without asking (operations/sql/settings.py). Those that differ from what Yett's own connection
to the same database has are a part of what is signed. `seed` cannot be asked for: a text that calls random() selects
any rows, whoever signs it. Nor are all that exist: those of no library yet ("hnsw.anything") stand in no list, so what
a text reads by current_setting is taken from the text.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from typing import LiteralString

import psycopg

from yett.gateway.databases.place import Place
from yett.model.errors import YettError
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.identifiers import fold

_NAMES: tuple[LiteralString, ...] = (
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "timezone_abbreviations",
    "extra_float_digits",
    "bytea_output",
    "xmlbinary",
    "xmloption",
    "array_nulls",
    "quote_all_identifiers",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
    "default_text_search_config",
    "gin_fuzzy_search_limit",
)
_OF_EXTENSIONS: tuple[tuple[LiteralString, LiteralString], ...] = (
    # With their defaults: unknown to the server until the extension's library is loaded.
    ("pg_trgm.similarity_threshold", "0.3"),
    ("pg_trgm.word_similarity_threshold", "0.6"),
    ("pg_trgm.strict_word_similarity_threshold", "0.5"),
    ("hnsw.ef_search", "40"),
    ("hnsw.iterative_scan", "off"),
    ("hnsw.max_scan_tuples", "20000"),
    ("ivfflat.probes", "1"),
    ("ivfflat.iterative_scan", "off"),
    ("ivfflat.max_probes", "32768"),
)
_ALL: tuple[str, ...] = (*_NAMES, *(name for name, _ in _OF_EXTENSIONS))
_ASK: LiteralString = "SELECT " + ", ".join(
    (
        *("pg_catalog.current_setting('" + name + "', true)" for name in _NAMES),
        *(
            "coalesce(pg_catalog.current_setting('" + name + "', true), '" + value + "')"
            for name, value in _OF_EXTENSIONS
        ),
    )
)
_READ = re.compile(r"""current_setting"?\s*\(\s*'([\w.]+)'\s*(?:,\s*(?:true|false)\s*)?\)""", re.ASCII)
_CALL, _ESCAPED = "current_setting", 'u&"'
_LISTS = ("pg_settings", "show_all_settings")
_SESSION: LiteralString = (
    "SELECT name, setting FROM pg_catalog.pg_settings"
    " WHERE source IN ('session', 'client') AND (source = 'client' OR setting IS DISTINCT FROM reset_val)"
    " OR name = 'application_name' ORDER BY name"
)


async def changed(place: Place, agent: Executing) -> tuple[str, ...]:
    """Those of the agent's session that are not as they usually are, each as "name=value".

    Raises:
        YettError: what is usual could not be asked.
        ServerError: the agent's transaction is aborted.
    """
    if not place.usual:
        place.usual.append(await _usual(place))
    (now,) = await agent.rows(_ASK)
    return tuple(
        f"{name}={value}" for name, value, usual in zip(_ALL, now, place.usual[0], strict=True) if value != usual
    )


async def read_by(agent: Executing, texts: Iterable[str]) -> tuple[str, ...]:
    """Settings that the texts themselves read, each as "name=value": whatever they are called, they are signed.

    Where a text does not say which, none can be: what is signed then never comes again.

    Raises:
        ServerError: the agent's transaction is aborted.
    """
    text = fold("\n".join(texts))
    names = sorted(set(_READ.findall(text)))
    found: list[str] = []
    if _ESCAPED in text or len(_READ.findall(text)) != text.count(_CALL):
        found.append(f"a setting whose name is not written out={secrets.token_hex(8)}")
    if names:
        asked = ", ".join(f"pg_catalog.current_setting('{name}', true)" for name in names)
        (values,) = await agent.rows(f"SELECT {asked}")
        found += [f"{name}={value}" for name, value in zip(names, values, strict=True)]
    if any(one in text for one in _LISTS):
        found += [f"{name}={value}" for name, value in await agent.rows(_SESSION)]
    return tuple(found)


async def _usual(place: Place) -> tuple[str | None, ...]:
    try:
        async with place.own.connection() as own:
            row = await (await own.execute(_ASK)).fetchone()
    except psycopg.Error as error:
        raise YettError(f"what settings the database has cannot be asked: {error.sqlstate}", "try again") from None
    return tuple(row or ())
