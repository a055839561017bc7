"""Comments on whatever has one: kept as the statement that says them again."""

from __future__ import annotations

from collections.abc import Iterable

from yett.providers.postgres.guard.words.word import Asked, Word

KIND = "comment"
_WORDS = {
    "TABLE COLUMN": "COLUMN",
    "VIEW COLUMN": "COLUMN",
    "MATERIALIZED VIEW COLUMN": "COLUMN",
    "FOREIGN TABLE COLUMN": "COLUMN",
    "COMPOSITE TYPE COLUMN": "COLUMN",
    "TABLE CONSTRAINT": "CONSTRAINT",
    **{
        one: one
        for one in ("TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE", "SCHEMA", "TYPE", "INDEX")
    },
    **{one: one for one in ("FUNCTION", "PROCEDURE", "AGGREGATE", "TRIGGER", "POLICY", "RULE")},
}
_COMMENTS = """
SELECT upper(i.type), i.identity, w.class::regclass::text, w.oid::text, w.sub::text,
  quote_nullable((SELECT d.description FROM pg_description d
    WHERE (d.classoid, d.objoid, d.objsubid) = (w.class, w.oid, w.sub)))
FROM (VALUES {places}) w(class, oid, sub) CROSS JOIN LATERAL pg_identify_object(w.class, w.oid, w.sub) i
WHERE i.identity IS NOT NULL"""

Place = tuple[str, int, int]
"""Catalog, oid, column."""


async def comments(asked: Asked, places: Iterable[Place]) -> dict[Place, Word]:
    """As they are, NULL where there is none, of what is there and can have one. Under `SETTINGS`."""
    listed = ", ".join(f"('{a}'::regclass::oid, {b}::oid, {c}::int)" for a, b, c in sorted(set(places)))
    if not listed:
        return {}
    found = [[one or "" for one in each] for each in await asked(_COMMENTS.format(places=listed))]
    return {(one[2], int(one[3]), int(one[4])): _word(*one) for one in found if one[0] in _WORDS}


def place_of(word: Word) -> Place:
    catalog, oid, sub = word.name.split("/")
    return catalog, int(oid), int(sub)


def _word(what: str, identity: str, catalog: str, oid: str, sub: str, quoted: str) -> Word:
    on = f"{_WORDS[what]} {identity}"
    return Word(KIND, catalog, int(oid), f"{catalog}/{oid}/{sub}", on, "", (f"COMMENT ON {on} IS {quoted}",), ())
