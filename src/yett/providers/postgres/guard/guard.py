"""One transaction of an agent, from its BEGIN to right before its COMMIT."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from psycopg import sql

from yett.model.canonical import canonical
from yett.providers.postgres.guard import asking
from yett.providers.postgres.guard import xids as ids
from yett.providers.postgres.guard.captured import MANIFEST, Captured
from yett.providers.postgres.guard.copying import keep, single
from yett.providers.postgres.guard.dumps.dependents import dependents, family, in_schemas
from yett.providers.postgres.guard.dumps.dump import Dumped, dump, must_be_readable
from yett.providers.postgres.guard.dumps.dumped import Dump, DumpedTable, Key
from yett.providers.postgres.guard.dumps.parts import parts
from yett.providers.postgres.guard.dumps.shape import Shape, and_views, shapes
from yett.providers.postgres.guard.dumps.since import Since
from yett.providers.postgres.guard.effects import Effects, TableEffect, Unguardable
from yett.providers.postgres.guard.executing import Executing
from yett.providers.postgres.guard.labels import Labels, labels, must_have_been
from yett.providers.postgres.guard.measure import Measured, measured
from yett.providers.postgres.guard.own import FLUSH, Connection, Own, opened, row, rows
from yett.providers.postgres.guard.rows.aim import Aim
from yett.providers.postgres.guard.rows.capture import take
from yett.providers.postgres.guard.rows.chain import Others, none
from yett.providers.postgres.guard.rows.taken_back import Standing, TakenBack
from yett.providers.postgres.guard.rows.taking import NO_AIMS, Limits, Taken, Taking
from yett.providers.postgres.guard.sink import Sink, Source
from yett.providers.postgres.guard.table import tables
from yett.providers.postgres.guard.words import redefined
from yett.providers.postgres.guard.words.redefined import Changes, Redefined
from yett.providers.postgres.guard.words.word import as_written
from yett.providers.postgres.guard.xids import EPOCH, Xids

DEFAULT_LIMITS = Limits()
_PLACE = sql.SQL("""
SELECT (SELECT system_identifier::text FROM pg_control_system()),
  (SELECT oid::int8 FROM pg_database WHERE datname = current_database()), pg_is_in_recovery(),
  pg_snapshot_xmax(pg_current_snapshot())::text::int8""")
_THERE = sql.SQL("SELECT oid::int8 FROM pg_class WHERE oid = ANY ({oids}::oid[]) ORDER BY oid")


class Guard:
    """Made after BEGIN. `baseline` before the first write, `measure` after the last statement, `capture` after that."""

    def __init__(self, agent: Executing, own: Own, limits: Limits = DEFAULT_LIMITS) -> None:
        self._agent = agent
        self._own = own
        self._limits = limits
        self._before: asking.Counts | None = None
        self._first_multixact = 0
        self._read_committed = False
        self.dumped: frozenset[int] = frozenset()
        """Relations (oid) that were dumped and are still locked: the caller takes back what ROLLBACK TO unlocks."""
        self.without_rules: frozenset[int] = frozenset()
        """Relations (oid) of which it is known that at most their rules went or changed, and that those are kept."""
        self.redefined = Redefined(agent, own)
        self._as_dumped: dict[int, Shape] = {}
        self._last: Measured | None = None
        self._taken_back = TakenBack()

    async def baseline(self) -> None:
        """Note what the session's counts hold from before.

        Raises:
            Unguardable: the transaction has written already, or the server does not count.
        """
        state = await asking.state(self._agent)
        if state.xid:
            raise Unguardable("the transaction began to write before it was watched", "roll back and begin again")
        self._before = await asking.counts(self._agent)
        self._first_multixact = state.next_multixact
        self._read_committed = state.read_committed

    async def touched(self) -> int:
        """How many rows statements have deleted or updated in the session so far, whatever became of that: to compare
        with what it was. Raises ServerError."""
        return sum(deleted + updated for _, _, deleted, updated, _ in (await asking.counts(self._agent)).values())

    async def before_redefining(self) -> None:
        """What was let run runs now, deferred triggers too. Raises ServerError, Unguardable."""
        await asking.run_what_was_let(self._agent)

    async def standing(self) -> Standing:
        """What the session has counted by now, for `took_back`: right behind a SAVEPOINT. Raises ServerError."""
        return self._taken_back.standing(await asking.counts(self._agent))

    async def took_back(self, savepoint: Standing | None = None) -> None:
        """ROLLBACK TO has run just now; `savepoint` was standing when it was set, None: before `baseline`.

        Raises:
            ServerError: the transaction is aborted.
            Unguardable: the counts cannot be.
        """
        first = TakenBack().standing(self._before or {})
        self._taken_back.since(first if savepoint is None else savepoint, await asking.counts(self._agent))

    def left(self, effects: Effects) -> tuple[TableEffect, ...]:
        """The tables of `effects` without what ROLLBACK TO has taken back."""
        return tuple(self._taken_back.left(effects.tables))

    async def identify(self) -> int:
        """Give the transaction its id (64 bits) now, one that no crash gives to another: `settle` can be asked by it.

        Raises:
            ServerError: the server is a standby; the transaction is aborted.
            Unguardable: Yett's own connection failed.
        """
        ((xid,),) = await self._agent.rows(asking.ASSIGN)
        async with opened(self._own) as own:
            await own.execute(FLUSH)
        return int(xid or 0)

    async def measure(self) -> Effects:
        """The exact effect so far, after whatever was deferred to COMMIT has been run.

        Raises:
            ServerError: a deferred constraint is violated; the transaction is aborted.
            Unguardable: something ran that cannot be measured.
        """
        async with opened(self._own) as own:
            self._last = await self._measured(own)
        return self._last.effects

    async def capture(self, effects: Effects, sink: Sink, aims: Mapping[int, tuple[Aim, ...]] = NO_AIMS) -> Captured:
        """Keep what the transaction changed. When this returns, it is outside and flushed, and COMMIT may be sent.

        `aims`, by table (oid), say where its rows are likely to lie, and are not relied on.

        Raises:
            ServerError: the agent's connection failed.
            Unguardable: it cannot be undone exactly, or it is not what was measured: the caller rolls back.
        """
        if not effects.xid:
            raise Unguardable("the transaction wrote nothing, so there is nothing to undo")
        async with opened(self._own) as own:
            found = self._last if self._last is not None else await self._measured(own)
            self._must_hold(found, effects)  # before much is written for nothing
            xids = await ids.find(own, self._agent.pid, effects.xid, self._first_multixact)
            kept = [table for table in effects.tables if table.oid not in self.dumped]
            taken, xids, gaps, called = await _take_all(
                Taking(self._agent, own, sink, self._limits, self._read_committed, aims), kept, xids
            )
            again = await self._measured(own)
            self._must_hold(again, effects)
            if again.counts != found.counts:
                raise Unguardable(
                    "a deferred trigger puts off to COMMIT what it does (SET CONSTRAINTS ... DEFERRED)",
                    "commit what wakes it by itself, once that trigger is mended",
                )
            await own.execute(FLUSH)
            gaps = (*effects.gaps, *gaps, *_definitions(effects))
            return await recorded(own, sink, taken, xids, gaps, labels=called)

    async def changes(self, effects: Effects, schemas: Collection[str]) -> Changes:
        """What it redefined of what was read beforehand, but for what is in a dump of tables or `schemas`.

        Raises:
            ServerError: the agent's connection failed.
            Unguardable: somebody else changed it meanwhile.
        """
        held = redefined.Dumped(self.dumped, frozenset(schemas))
        return await self.redefined.changes(effects.xid, self._first_multixact, held)

    async def dump(
        self, tables: Sequence[int], sink: Sink, *, schemas: Sequence[str] = (), others: Others = none
    ) -> Captured:
        """Dump tables (oids) and schemas before a statement that destroys them runs in this transaction, which holds
        them locked against writers from here on. With them goes what depends on them: views, foreign keys of other
        tables, sequences, indexes, triggers, policies, grants, comments; but nothing that was dumped before. `gaps`
        names what else CASCADE would drop. Of `others`, what they need to go back behind this one is kept, too.

        Raises:
            ServerError: the agent's role may not lock a table: the transaction is aborted.
            Unguardable: they cannot be dumped, or the dump is not what the tables hold.
        """
        if self._before is None:
            raise Unguardable("the transaction was not watched from its beginning", "roll back and begin again")
        async with opened(self._own) as own:
            dumped = await dump(self._agent, own, tables, schemas, sink, already=self.dumped, others=others)
            self.dumped |= dumped.relations
            self._as_dumped |= dumped.shapes
            xid = dumped.xid
            xids = Xids(xid, frozenset({xid % EPOCH}), frozenset({xid % EPOCH}), False, 0)
            await own.execute(FLUSH)
            return await recorded(own, sink, [], xids, dumped.gaps, dumped, labels=dumped.labels)

    async def lost_with(self, tables: Sequence[int], schemas: Sequence[str]) -> tuple[str, ...]:
        """What goes with tables (oids) or schemas that are dropped, described, and is in no dump of them."""
        async with opened(self._own) as own:
            going = await family(own, {*tables, *await in_schemas(own, schemas)})
            return (await dependents(own, going, self.dumped, schemas)).lost

    async def must_be_as_dumped(self, captured: Captured) -> None:
        """Views that a dump holds: nothing locks them, and somebody else may have made them anew since.

        Raises Unguardable."""
        if captured.dump is None:
            return
        there = await asking.there(self._agent, [oid for _, _, oid in captured.dump.oids])
        async with opened(self._own) as own:
            since = Since(own, captured, replace(captured.dump, shapes=self._as_dumped))
            for schema, name, kind in captured.dump.views:
                view = await since.named(schema, name, kind)
                is_shut = view is not None and view.kind == "m" and view.oid not in there
                if view is not None and await since.made_since(view.oid, is_shut=is_shut):
                    raise Unguardable(f"{schema}.{name} was changed by somebody else after it was dumped", "try again")

    async def undumped(self, tables: Sequence[int]) -> list[int]:
        """Those of them (oids) that were there before the transaction, and that it has not had dumped yet."""
        left = sorted(set(tables) - self.dumped)
        if not left:
            return []
        async with opened(self._own) as own:
            return [oid for (oid,) in await rows(own, _THERE.format(oids=sql.Literal(left)))]

    async def made_here(self, oids: Collection[int]) -> frozenset[int]:
        """Those relations (oids) that nobody else sees: what the agent sees of them, its transaction has made.

        Raises YettError."""
        if not oids:
            return frozenset()
        async with opened(self._own) as own:
            found = await rows(own, _THERE.format(oids=sql.Literal(sorted(oids))))
        return frozenset(oids) - {oid for (oid,) in found}

    async def must_be_readable(self, tables: Sequence[int]) -> None:
        """By others, as far as they are not dumped yet: with what inherits from them. Raises YettError, ServerError."""
        left = await self.undumped(tables)
        async with opened(self._own) as own:
            await must_be_readable(self._agent, own, await family(own, left), (), self.dumped)

    async def still_there(self, dumped: Sequence[DumpedTable]) -> dict[int, tuple[int, str]]:
        """Of tables that were dumped, by the oid that they had then: oid and name now, or, of those that are gone, of
        what the transaction leaves under their name."""
        names = await asking.names(self._agent, [table.oid for table in dumped])
        gone = [table for table in dumped if table.oid not in names]
        return {oid: (oid, name) for oid, name in names.items()} | await asking.named(self._agent, gone)

    async def rows_left(self, there: Mapping[int, tuple[int, str]]) -> dict[int, int]:
        """How many rows the transaction leaves in what is `still_there`, but for what hides rows from its owner, too.

        Run as their owner, for every row counts. Raises ServerError: the agent's transaction is aborted.
        """
        left: dict[int, int] = {}
        hidden = await asking.hidden_from_owners(self._agent, [now for now, _ in there.values()])
        for oid, (now, name) in there.items():
            if now in hidden:
                continue
            ((count,),) = await self._agent.rows(f"SELECT pg_catalog.count(*)::pg_catalog.text FROM ONLY {name}")
            left[oid] = int(count or 0)
        return left

    async def parts_left(self, there: Mapping[int, tuple[int, str]]) -> dict[int, list[str]]:
        """Which parts of the definitions of what is `still_there`. Raises ServerError."""
        named = await parts(self._agent, [oid for oid, _ in there.values()])
        return {was: named.get(oid, []) for was, (oid, _) in there.items()}

    async def shapes_left(self, dump: Dump | None, there: Mapping[int, tuple[int, str]]) -> dict[int, Shape]:
        """What the transaction leaves of what a dump names, and of views on that, by the oid that it has now. Raises
        ServerError."""
        oids = {oid for oid, _ in there.values()} | {oid for _, _, oid in (dump.oids if dump else ())}
        async with as_written(self._agent) as asked:
            return await shapes(asked, await and_views(asked, oids))

    async def keys_left(self, keys: Sequence[Key]) -> list[Key]:
        """Those foreign keys that the transaction leaves in their tables. Raises ServerError."""
        left = await asking.keys(self._agent, keys)
        return [key for key in keys if (key.table, key.name) in left]

    async def _measured(self, own: Connection) -> Measured:
        if self._before is None:
            raise Unguardable("the transaction was not watched from its beginning", "roll back and begin again")
        return await measured(self._agent, own, self._before)

    def _must_hold(self, found: Measured, effects: Effects) -> None:
        """It is still what was measured, and nothing is lost in it that nobody has."""
        if found.effects != effects:
            raise Unguardable("the transaction is not what was measured any more", "run the statements again")
        if lost := sorted(name for oid, name in found.destroyed.items() if oid not in self.dumped | self.without_rules):
            raise Unguardable(
                "it rewrites or drops " + ", ".join(lost), "have it dumped first: run it as a statement of its own"
            )
        if unread := [table.label for table in effects.tables if table.oid in found.locked - self.dumped]:
            raise Unguardable(
                f"it both changes rows of {unread[0]} and locks that table against readers",
                "do that in two transactions",
            )


async def _take_all(
    taking: Taking, effects: list[TableEffect], xids: Xids
) -> tuple[list[Taken], Xids, tuple[str, ...], Labels]:
    """Table by table; and what the transaction itself made, which has no rows from before."""
    existing = await tables(taking.own, [effect.oid for effect in effects])
    readable = await asking.readable(taking.agent, existing)
    for table in existing.values():
        if table.obstacle:
            raise Unguardable(
                f"{table.label} {table.obstacle}", "mend that, or have the whole database dumped before it runs"
            )
    taken = []
    enums = frozenset[int]().union(*(table.enums for table in existing.values()))
    called = await labels(taking.own, enums)
    # Those that the agent reads come first: what they show of whose ids are whose holds for the others.
    for effect in sorted(effects, key=lambda effect: effect.oid not in readable):
        if effect.oid in existing:
            taken.append(await take(taking, existing[effect.oid], effect, xids, effect.oid in readable))
            xids = xids.with_own(taken[-1].proven)
    await must_have_been(taking.own, enums, called)
    made = [effect.label for effect in effects if effect.oid not in existing]
    return taken, xids, (f"tables that it made stay: {', '.join(made)}",) if made else (), called


async def recorded(
    own: Connection,
    sink: Sink,
    taken: list[Taken],
    xids: Xids,
    gaps: tuple[str, ...],
    dumped: Dumped | None = None,
    labels: Labels = (),
) -> Captured:
    """Put together what was kept, with a manifest beside it: the undo can be brought back from its files alone."""
    system, database, standby, until = await row(own, _PLACE)
    if standby:
        raise Unguardable("Yett's own connection goes to a standby", "point its credential at the primary server")
    versions = dumped.versions if dumped else []
    files = tuple(file for one in (*taken, *versions) for file in one.files) + ((dumped.file,) if dumped else ())
    captured = Captured(
        xids.top,
        tuple(sorted(xids.own)),
        system,
        database,
        tuple(one.table for one in taken),
        dumped.dump if dumped else None,
        files,
        gaps,
        until,
        sink if isinstance(sink, Source) else None,
        labels,
        tuple(one.table for one in versions),
        dumped.heirs if dumped else (),
    )
    await keep(sink, MANIFEST, single(canonical(captured.facts())))
    return captured


def _definitions(effects: Effects) -> tuple[str, ...]:
    return (f"definitions that it made or changed: {', '.join(effects.rewritten)}",) if effects.rewritten else ()
