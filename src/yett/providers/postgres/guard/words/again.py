"""Make definitions again from the words that were kept of them: all of it or nothing, in one transaction of Yett's own.

What is there now under such a name must be as the transaction left it, or as it was before; anything else is
somebody's later work, and then nothing is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

from yett.model.canonical import Json
from yett.model.errors import YettError
from yett.providers.postgres.guard.captured import Captured, load
from yett.providers.postgres.guard.own import Connection, Own, told
from yett.providers.postgres.guard.restore import Begun, announce, must_fit, one_transaction, sisters_of
from yett.providers.postgres.guard.rows.chain import Others, none
from yett.providers.postgres.guard.sink import Source
from yett.providers.postgres.guard.words.comments import KIND as COMMENT
from yett.providers.postgres.guard.words.comments import comments, place_of
from yett.providers.postgres.guard.words.redefined import WORDS, Change
from yett.providers.postgres.guard.words.remaking import make
from yett.providers.postgres.guard.words.types_back import changes_of
from yett.providers.postgres.guard.words.word import ENUM, FUNCTION, Asked, Word, as_written_by, words


def words_of(facts: Mapping[str, Json]) -> int:
    """How many definitions an undo brings back in words; 0: it is one of another kind."""
    found = facts.get(WORDS)
    return len(found) if isinstance(found, list) else 0


async def bring_words_back(
    own: Own, facts: Mapping[str, Json], source: Source, begun: Begun | None, others: Others = none
) -> list[str]:
    """All of them, or nothing; answers what they are.

    Raises:
        YettError: the undo does not fit this database, something was changed since, or did not come back as it was.
    """
    captured = load(facts, source)
    changes = await changes_of(captured)
    async with one_transaction(own, keep=True) as connection:
        await must_fit(connection, captured)
        asked = await as_written_by(connection)
        await connection.execute("SET LOCAL check_function_bodies = off")
        now = await _now(asked, [one.what for one in changes])
        left = [one for one in changes if not _is_back(one, now)]
        for one in reversed(left):
            if one.what.drop and one.what.kind != FUNCTION and one.what.identity in now:
                await _drop(connection, one, captured, others)
        for before in [one.before for one in left if one.before is not None]:
            await make(connection, asked, before)
        again = await _now(asked, [one.what for one in changes])
        for one in changes:
            if not _is(one.before, again.get(one.what.identity)):
                raise YettError(f"the {one.what.label} did not come back as it was, so nothing was changed")
        await announce(own, connection, begun)
    return [one.what.label for one in changes]


async def _drop(connection: Connection, one: Change, captured: Captured, others: Others) -> None:
    try:
        await connection.execute(one.what.drop.encode())
    except psycopg.errors.DependentObjectsStillExist as error:
        sisters = sisters_of(captured, await others())
        first = [sister.id for sister in sisters if sister.known.dump is not None and one.what.kind == ENUM]
        if not first:
            raise
        raise YettError(
            f"the {one.what.label} is used by tables of the same transaction, so nothing was undone: {told(error)}",
            f"go back step by step: yett undo apply {first[-1]}, then this one again",
        ) from None


async def _now(asked: Asked, wanted: Sequence[Word]) -> dict[tuple[str, str], Word]:
    names = {one.name for one in wanted if one.kind != COMMENT}
    found = {one.identity: one for one in await words(asked, names)}
    said = await comments(asked, [place_of(one) for one in wanted if one.kind == COMMENT])
    return found | {one.identity: one for one in said.values()}


def _is_back(one: Change, now: Mapping[tuple[str, str], Word]) -> bool:
    """Raises YettError: it is neither as it was left nor as it was."""
    there = now.get(one.what.identity)
    if _is(one.before, there):
        return True
    if _is(one.after, there):
        return False
    if there is None:
        raise YettError(f"the {one.what.label} is not there any more, so nothing was undone", "it was dropped since")
    raise YettError(f"the {one.what.label} was made or changed since, so nothing was undone", "settle that one by hand")


def _is(one: Word | None, there: Word | None) -> bool:
    return there is None if one is None else one.says(there)
