"""What statements would do to how many rows, before they run: counted, estimated, or not known. No I/O.

DROP and TRUNCATE delete every row, ALTER may rewrite every row: those are counted where there is time. An UPDATE or
DELETE changes what the planner says, and never more than the table holds; how many rows its cascades and triggers
change in other tables, nobody knows before it ran.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from yett.gateway.databases.shown.looking import About
from yett.model.operation import Rows
from yett.operations.sql.statement import Statement, Verb, Way

_TAKES_ALL = frozenset({Verb.DROP, Verb.TRUNCATE})
_WITHIN_TABLE = frozenset({Verb.UPDATE, Verb.DELETE})
_CHANGES_ROWS = _WITHIN_TABLE | {Verb.INSERT}


def expected(
    statements: Sequence[Statement], known: Mapping[int, About], guessed: Mapping[int, int]
) -> tuple[Rows, ...]:
    """One a relation that they do more to than read it, but for those that hold no rows of their own."""
    verbs: dict[int, set[Verb]] = {}
    names: dict[int, str] = {}
    of_rows = (statement for statement in statements if statement.way is not Way.ALONE)  # rows stay
    for touched in (touched for statement in of_rows for touched in statement.touched):
        if touched.oid and touched.verb is not Verb.READ:
            verbs.setdefault(touched.oid, set()).add(touched.verb)
            names[touched.oid] = f"{touched.schema}.{touched.name}"
    # Of several statements none says how many rows another leaves it.
    named = statements[0].named if len(statements) == 1 else frozenset[int]()
    return tuple(
        _of_one(names[oid], verbs[oid], known.get(oid), guessed.get(oid), named=oid in named)
        for oid in sorted(names, key=lambda oid: names[oid])
        if oid not in known or known[oid].holds_rows
    )


def _of_one(name: str, verbs: set[Verb], about: About | None, guess: int | None, *, named: bool) -> Rows:
    all_rows = about.rows if about is not None else -1
    estimated = about.estimated if about is not None else True
    if all_rows >= 0 and verbs & (_TAKES_ALL | {Verb.ALTER}):
        deleted = all_rows if verbs & (_TAKES_ALL | {Verb.DELETE}) else 0
        updated = all_rows if verbs & {Verb.ALTER, Verb.UPDATE} else 0
        return Rows(name, deleted, updated, -1 if Verb.INSERT in verbs else 0, estimated=estimated)
    rows = _changed(verbs, all_rows, guess) if named else -1
    if rows < 0:
        return Rows(name, -1, -1, -1)
    count = {verb: rows if verb in verbs else 0 for verb in _CHANGES_ROWS}
    return Rows(name, count[Verb.DELETE], count[Verb.UPDATE], count[Verb.INSERT], estimated=True)


def _changed(verbs: set[Verb], all_rows: int, guess: int | None) -> int:
    """-1: nobody knows. At least one row of what is known: the planner's smallest guess, too."""
    if not verbs <= _CHANGES_ROWS:
        return -1
    if guess is not None:
        return max(1, guess)
    return max(1, all_rows) if all_rows >= 0 and verbs <= _WITHIN_TABLE else -1
