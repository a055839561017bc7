"""A statement that runs to be measured, for a person who will be asked: it waits for nobody, and not for long.

Where it takes longer, the planner's estimate stands in for the count. EXPLAIN runs nothing of a statement, but planning
evaluates what is IMMUTABLE or STABLE in it; so it is only asked about texts that are proven reads with EXPLAIN in front
of them, as the lease's role, and in a part of the transaction that may not write.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yett.gateway.databases.place import Place
from yett.gateway.databases.statements.attempts import Ran
from yett.model.errors import YettError
from yett.operations.sql.statement import Way
from yett.providers.postgres.guard.executing import Executing, ServerError

LOCK_MS, STATEMENT_MS = 250, 5_000
"""Of a statement that will be rolled back anyway: it stands in nobody's way."""

RELEASED_MS = 600_000
"""Of one that people have signed as too slow to be measured."""

PLAN_MS = 500
LOCK_NOT_AVAILABLE, QUERY_CANCELED = "55P03", "57014"
_NO_GUESS: Mapping[int, int] = {}
_WITH_ROWS = frozenset({"INSERT", "UPDATE", "DELETE", "MERGE"})
_PARAMETER = re.compile(r"\$\d")
_GENERIC_PLAN = 160_000
_SETTINGS = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE name OPERATOR(pg_catalog.=) ANY ('{lock_timeout,statement_timeout}'::pg_catalog.text[]) ORDER BY name"""


@dataclass(frozen=True, slots=True)
class Limits:
    """lock_timeout and statement_timeout in milliseconds, 0: none."""

    lock_ms: int
    statement_ms: int

    def within(self, other: Limits) -> Limits:
        return Limits(_shorter(self.lock_ms, other.lock_ms), _shorter(self.statement_ms, other.statement_ms))


def trial() -> Limits:
    return Limits(LOCK_MS, STATEMENT_MS)


@dataclass(slots=True)
class Run:
    """One guarded statement on its way. `limits`: what it was given for this run; None: what the session has."""

    ran: list[Ran]
    limits: Limits | None
    guessed: Mapping[int, int]
    started: float

    async def overran(self, agent: Executing, sqlstate: str) -> bool:
        """Whether it was ended by a limit of its run, or by the session's own limit on a statement."""
        if sqlstate == LOCK_NOT_AVAILABLE:
            return self.limits is not None
        if sqlstate != QUERY_CANCELED:
            return False
        took_ms = (time.monotonic() - self.started) * 1000
        if self.limits is not None:
            return took_ms >= self.limits.statement_ms > 0
        try:
            limit_ms = (await limits_now(agent)).statement_ms
        except ServerError:
            return False
        return took_ms >= limit_ms >= STATEMENT_MS


async def limits_now(agent: Executing) -> Limits:
    """Raises ServerError."""
    (_, lock), (_, statement) = await agent.rows(_SETTINGS)
    return Limits(int(lock or 0), int(statement or 0))


async def set_limits(agent: Executing, limits: Limits) -> None:
    """To the end of the transaction. Raises ServerError."""
    await agent.rows(
        f"SELECT pg_catalog.set_config('lock_timeout', '{limits.lock_ms}', true),"
        f" pg_catalog.set_config('statement_timeout', '{limits.statement_ms}', true)"
    )


async def guess(place: Place, agent: Executing, ran: Sequence[Ran]) -> Mapping[int, int]:
    """The planner's estimate of the rows that a single statement changes, by relation; empty where it may not be asked.

    Inside the agent's open transaction, of which nothing is left behind. Raises ServerError: it could not go on.
    """
    explain = await _explain(place, agent, ran)
    if not explain:
        return _NO_GUESS
    plan = await _planned(agent, explain)
    catalog = place.catalogs.mark()
    if catalog is None:
        return _NO_GUESS
    found: dict[int, int] = {}
    for schema, name, rows in _modified(plan):
        relation = catalog.relation_named(schema, name)
        if relation is not None:
            found[relation.oid] = found.get(relation.oid, 0) + rows
    return found


async def _explain(place: Place, agent: Executing, ran: Sequence[Ran]) -> str:
    """The text to ask, "" if that is not proven to change nothing."""
    if len(ran) != 1 or ran[0].statement.executes or ran[0].statement.tag not in _WITH_ROWS:
        return ""
    text = ran[0].statement.text
    options = "FORMAT JSON, VERBOSE"
    if _PARAMETER.search(text):
        ((version,),) = await agent.rows("SELECT pg_catalog.current_setting('server_version_num')")
        if int(version or 0) < _GENERIC_PLAN:
            return ""
        options += ", GENERIC_PLAN"
    explain = f"EXPLAIN ({options}) {text}"
    try:
        catalog = await place.catalogs.now()
        read = await place.cache.classify(explain.encode(), catalog, {}, place.turns.run)
    except YettError:
        return ""
    return explain if len(read) == 1 and read[0].way is Way.PASS else ""


async def _planned(agent: Executing, explain: str) -> Any:  # Any: the server's JSON
    await agent.rows("SAVEPOINT _yett_estimate")
    try:
        await agent.rows("SET TRANSACTION READ ONLY")
        await set_limits(agent, Limits(LOCK_MS, PLAN_MS))
        ((plan,),) = await agent.rows(explain)
        return json.loads(plan or "null")
    except (ServerError, ValueError, RecursionError):
        return None
    finally:
        await agent.rows("ROLLBACK TO SAVEPOINT _yett_estimate")
        await agent.rows("RELEASE SAVEPOINT _yett_estimate")


def _modified(plan: Any) -> Iterator[tuple[str, str, int]]:
    """(schema, table, rows) of each ModifyTable in a plan: what its input is estimated at."""
    if isinstance(plan, list):
        for one in plan:
            yield from _modified(one)
        return
    if not isinstance(plan, dict):
        return
    below = plan.get("Plans")
    if plan.get("Node Type") == "ModifyTable" and isinstance(below, list):
        # Its input; what is computed once beside it is an InitPlan.
        inputs = [one for one in below if isinstance(one, dict) and one.get("Parent Relationship") == "Outer"]
        rows = inputs[0].get("Plan Rows") if inputs else None
        if isinstance(rows, int | float):
            yield str(plan.get("Schema", "")), str(plan.get("Relation Name", "")), round(rows)
    for part in (plan.get("Plan"), below):
        yield from _modified(part)


def _shorter(one: int, other: int) -> int:
    return min(limit for limit in (one, other) if limit) if one or other else 0
