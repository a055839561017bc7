"""All databases of one control plane: Yett's own way into each, what is known of it, the leases on it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

import psycopg

from yett.approvals.acts import Act, ActKind, ActState
from yett.broker.broker import Broker
from yett.broker.vault import Vault
from yett.gateway.databases.accounts import Account
from yett.gateway.databases.allowed import sending
from yett.gateway.databases.allowed.masks import LiveMasks
from yett.gateway.databases.allowed.scopes import bounds_from, scope_from
from yett.gateway.databases.allowed.so_far import SoFar, counted
from yett.gateway.databases.allowed.unmasking import Acts, Asking, columns_of
from yett.gateway.databases.place import Checkpoint, Place
from yett.gateway.databases.pool import OwnPool
from yett.gateway.databases.registry import POSTGRES, Database, read_all
from yett.gateway.postgres.allowance import Allowance
from yett.gateway.postgres.catalog import LiveCatalog
from yett.ledger.journal import Entry, Journal
from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import CredentialRefused, YettError
from yett.model.identity import Session
from yett.model.resource import Environment
from yett.operations.sql.cache import Cache
from yett.providers.postgres import own as own_connections
from yett.providers.postgres.dump import Address
from yett.providers.postgres.lease import LeaseRole, make_lease, revoke_lease, sweep
from yett.providers.postgres.own import Own
from yett.providers.postgres.reach import public_reach
from yett.providers.postgres.scope import Columns
from yett.recovery.undos import Undos
from yett.store import Store

_log = logging.getLogger("yett.gateway")

_NOT_PROVED = "a login was refused: its password is not this session's placeholder"
_PROVE = "use the user, database and password that this session was given"
OWN_PURPOSE = "yett's own"
SWEEPING_S = 20.0
_WHO = """
SELECT (SELECT system_identifier FROM pg_control_system())::text || '/' || oid::text, datname
FROM pg_database WHERE datname = current_database()"""
_DEFINERS = """
SELECT p.oid::regprocedure::text FROM pg_proc p
WHERE p.prosecdef AND p.oid >= 16384 AND has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY 1"""
_SCHEMAS = """
SELECT DISTINCT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' ORDER BY 1"""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a first look at a database shows."""

    id: str
    dbname: str
    schemas: tuple[str, ...]
    warnings: tuple[str, ...]


class Showing(Protocol):
    """A seat, as what a person signs for one session reaches it."""

    session: Session
    database: Database

    async def show(self, columns: Columns, until: int) -> None: ...


class Databases:
    """Used on the event loop. Seats are made by `daemon/databases.py`, one a session and database."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        vault: Vault,
        broker: Broker,
        checkpoint: Checkpoint,
        undos: Undos,
        desk: Acts,
    ) -> None:
        self._asking = Asking(desk)
        self._store = store
        self._journal = journal
        self._vault = vault
        self._broker = broker
        self._checkpoint = checkpoint
        self._undos = undos
        self._catalogs: dict[str, LiveCatalog] = {}
        self._caches: dict[str, Cache] = {}
        self._pools: dict[str, OwnPool] = {}
        self._done: dict[tuple[str, str], SoFar] = {}
        self._allowances: dict[tuple[str, str], Allowance] = {}
        self._logins = asyncio.Lock()
        self._leases: set[str] = set()
        self._unswept: set[str] = set()
        self._told: set[str] = set()
        self.all: tuple[Database, ...] = ()
        self.seats: list[Showing] = []
        self._showing: set[asyncio.Task[None]] = set()
        self.reload()

    def reload(self) -> None:
        self.all = self._store.read(read_all)
        self._catalogs.clear()

    def named(self, name: str) -> Database:
        """Raises YettError: there is none."""
        for database in self.all:
            if database.name == name:
                return database
        known = ", ".join(one.name for one in self.all) or "none"
        raise YettError(f"there is no database {name}", f"those that Yett knows: {known}; yett database add makes one")

    def by_id(self, identity: str) -> Database:
        """Raises YettError: it was removed."""
        for database in self.all:
            if database.id == identity:
                return database
        raise YettError("Yett knows this database no more", "add it again: yett database add")

    @property
    def environments(self) -> tuple[Environment, ...]:
        return tuple(database.stands_in for database in self.all)

    # ---- unmasking

    def signed(self, act: Act) -> None:
        """A person has signed an act: if it shows columns to a session, or lets it read more, its seat does so now."""
        if act.kind not in (ActKind.UNMASK, ActKind.BUDGET) or act.state is not ActState.DONE:
            return
        if act.kind is ActKind.BUDGET:
            self._allow((str(act.body["task"]), str(act.body["id"])))
            return
        for seat in self.seats:
            if seat.session.id == act.body.get("session") and seat.database.id == act.body.get("id"):
                task = asyncio.get_running_loop().create_task(self._show(seat, act))
                self._showing.add(task)
                task.add_done_callback(self._showing.discard)

    def _allow(self, key: tuple[str, str]) -> None:
        kept = self._store.read(lambda reader: sending.kept(reader, *key))
        if (allowance := self._allowances.get(key)) is not None:
            allowance.grant(kept.more_sent)
        if (so_far := self._done.get(key)) is not None:
            so_far.grant(kept.more_bounds)

    async def _show(self, seat: Showing, act: Act) -> None:
        try:
            await seat.show(columns_of(act), int(str(act.body["until"])))
        except YettError as error:
            _log.error("%s: what was signed to be shown is not: %s", seat.database.name, error.what)

    # ---- Yett's own way in

    def keep_login(self, name: str, url: str, owner: str, environment: str) -> None:
        """Put Yett's own login into the vault: from then on its password is refused everywhere (law 3)."""
        address = Address.parse(url)
        self._vault.put(name, POSTGRES, "connection string", url, OWN_PURPOSE, owner, environment=environment)
        if address.password:
            self._vault.put(
                f"{name}/password", POSTGRES, "password", address.password, OWN_PURPOSE, owner, environment=environment
            )

    def address(self, database: Database) -> Address:
        return Address.parse(self._vault.get(database.secret))

    async def connect(self, database: Database) -> Own:
        """A connection of Yett's own, to exactly the database that was registered.

        Raises:
            YettError: it cannot be reached, or another database answers at its address.
        """
        own = await own_connections.connect(self.address(database))
        row = await (await own.execute(_WHO)).fetchone()
        if row is None or row[0] != database.id:
            await own.close()
            raise YettError(
                f"another database answers where {database.name} was", "look at it, and yett database add it again"
            )
        return own

    async def identify(self, address: Address) -> Seen:
        """A first look, with the login that a person gave. Raises YettError: it cannot be used."""
        own = await own_connections.connect(address)
        try:
            facts = await own_connections.rights(own)
            row = await (await own.execute(_WHO)).fetchone()
            schemas = [str(one[0]) for one in await (await own.execute(_SCHEMAS)).fetchall()]
            definers = [str(one[0]) for one in await (await own.execute(_DEFINERS)).fetchall()]
            public = await public_reach(own)
        finally:
            await own.close()
        if row is None:
            raise YettError("the database does not say which one it is", "give Yett a login that may ask")
        warnings = [] if facts.superuser else ["not a superuser: what only one may see counts as unknown"]
        warnings += _through_public(definers, [str(table) for table in public.relations], list(public.creatable))
        return Seen(str(row[0]), str(row[1]), tuple(schemas) or ("public",), tuple(warnings))

    async def sweep(self) -> None:
        """After a crash: roles that no live session has, in every database. Never raises: what could not be looked at
        now is `sweep_rest`'s."""
        self._unswept = {database.id for database in self.all}
        await self.sweep_rest()

    async def sweep_rest(self) -> None:
        """Look again where leftover roles could not be looked for, or not ended."""
        servers: defaultdict[tuple[str, int], list[Database]] = defaultdict(list)
        for database in self.all:
            if database.id in self._unswept:
                servers[database.host, database.port].append(database)
        await asyncio.gather(*map(self._sweep, servers.values()))

    async def _sweep(self, databases: Sequence[Database]) -> None:
        """One after the other: they are of one server, and so are the roles."""
        for database in databases:
            self._unswept.discard(database.id)  # first: who fails to end a role meanwhile says so again
            try:
                async with asyncio.timeout(SWEEPING_S):
                    own = await self.connect(database)
                    try:
                        for name in await sweep(own, self._leases):
                            _log.info("%s: the leftover role %s is gone", database.name, name)
                    finally:
                        await own.close()
            except BaseException as error:
                self._unswept.add(database.id)
                if not isinstance(error, (YettError, TimeoutError, psycopg.Error)):
                    raise
                if database.id not in self._told:
                    self._told.add(database.id)
                    _log.warning("%s: leftover roles are looked for later: %s", database.name, _in_words(error))
            else:
                self._told.discard(database.id)

    async def leave(self, database: Database) -> None:
        """It is to be forgotten: nothing of Yett's own stays connected to it."""
        if (catalog := self._catalogs.pop(database.id, None)) is not None:
            await catalog.close()
        if (pool := self._pools.pop(database.id, None)) is not None:
            await pool.close()

    # ---- seats

    async def allowance(self, session: Session, database: Database) -> Allowance:
        """One for all connections of a task: what an earlier daemon sent counts, too. Raises LedgerUnavailable."""
        key, budgets = (session.task.id, database.id), scope_from(database.scope).budgets
        if key not in self._allowances:
            made = await sending.resumed(self._store, self._journal, session.task, database.id, database.name, budgets)
            return self._allowances.setdefault(key, made)
        return self._allowances[key]

    async def settle_allowance(self, session: Session, database: Database) -> None:
        """Its session is over. Raises LedgerUnavailable: what is noted is more than was sent."""
        allowance = self._allowances.pop((session.task.id, database.id), None)
        if allowance is not None:
            await sending.settle(self._journal, session.task, database.id, allowance)

    def place(self, session: Session, database: Database, lease: str, allowance: Allowance) -> Place:
        catalog = self._catalogs.get(database.id)
        if catalog is None:
            scope = scope_from(database.scope)
            catalog = self._catalogs[database.id] = LiveCatalog(
                lambda: self.connect(database), schemas=scope.schemas, longest_ms=scope.budgets.statement_ms
            )
        cache = self._caches.setdefault(database.id, Cache())
        scope, own = scope_from(database.scope), self.own(database)
        watch, rows = self._broker.watch, partial(self._broker.watch_rows, session)
        return Place(
            session,
            database,
            lease,
            self._checkpoint,
            catalog,
            cache,
            self._undos,
            own,
            watch,
            rows,
            self._broker.holds_secret,
            self._so_far(session.task.id, database),
            allowance=allowance,
            roles=Account(self._leases, lambda: self._unswept.add(database.id)),
            masks=LiveMasks(database.name, own, scope) if scope.masked or scope.veiled else None,
            may_show=partial(self._asking.hint, database, session),
        )

    def _so_far(self, task: str, database: Database) -> SoFar:
        """One for all connections of a task: what a daemon before this one let pass counts, too."""
        key = (task, database.id)
        if key not in self._done:
            small = counted(self._undos.facts_of_task(task, database.ref))
            self._done[key] = SoFar(small, bounds_from(database.scope))
            self._allow(key)
        return self._done[key]

    async def note_login(
        self, session: Session, database: Database, sent: bytes, was_made_with: Callable[[bytes], bool] | None
    ) -> None:
        """A client of the session was refused. An alarm if it used a real secret, in clear or as a proof (law 3b).

        Every failed login takes as long, whichever password it used; they are looked at one by one.
        """
        error: YettError = Refused(Verdict.DENY, _NOT_PROVED, _PROVE, code="login")
        alarm = False
        try:
            self._broker.watch(sent)
        except CredentialRefused as found:
            error, alarm = found, True
        if was_made_with is not None:
            async with self._logins:
                fingerprint = await asyncio.to_thread(self._broker.proved_by, was_made_with)
            if fingerprint:
                what = f"A real secret was used as the password of a login to {database.name}."
                error, alarm = CredentialRefused(what, _PROVE, fingerprint=fingerprint, position="password"), True
        try:
            self._checkpoint.note_refusal(session, f"{database.name}: a login", error, alarm=alarm)
        except YettError as failure:
            _log.error("a refused login was not recorded: %s", failure.what)

    def own(self, database: Database) -> OwnPool:
        """Yett's own connections to it."""
        pool = self._pools.get(database.id)
        if pool is None:
            pool = self._pools[database.id] = OwnPool(lambda: self.connect(database))
        return pool

    def changed(self, database: Database) -> None:
        """Yett itself has changed it: what is known of its catalog is old."""
        if (catalog := self._catalogs.get(database.id)) is not None:
            catalog.defined()

    async def close(self) -> None:
        for catalog in self._catalogs.values():
            await catalog.close()
        for pool in self._pools.values():
            await pool.close()

    async def lease(self, session: Session, database: Database) -> LeaseRole:
        """A role for this session's task in this database; recorded before it is used."""
        scope = scope_from(database.scope)
        named: list[str] = []

        def known(name: str) -> None:
            named.append(name)
            self._leases.add(name)

        try:
            started = time.monotonic()
            until = datetime.fromtimestamp(session.task.expires, UTC)
            async with self.own(database).connection() as own:
                role = await make_lease(own, scope, session.task.id.replace("-", "_"), until, known=known)
            about = {"database": database.name, "role": role.name, "session": session.id, "task": session.task.id}
            took = int((time.monotonic() - started) * 1e6)
            entry = Entry("lease", {"event": "made", **about, "scope": dict(database.scope), "us": took})
            await self._journal.run(lambda tx: tx.append(entry))
        except BaseException:
            self._leases.difference_update(named)
            if named:
                self._unswept.add(database.id)  # it may be there all the same
            raise
        return role

    async def end_lease(self, session: Session, database: Database, role: LeaseRole) -> None:
        """Its sessions, its grants, the role. Raises YettError: it is not gone, and `sweep_rest` will look again."""
        self._leases.discard(role.name)
        try:
            pool = self._pools.get(database.id) or OwnPool(lambda: self.connect(database))  # it may have been left
            async with pool.connection() as own:
                owned = await revoke_lease(own, role.name)
            if database.id not in self._pools:
                await pool.close()
        except BaseException:
            self._unswept.add(database.id)
            raise
        about = {"database": database.name, "role": role.name, "session": session.id, "left": list(owned)}
        await self._journal.run(lambda tx: tx.append(Entry("lease", {"event": "ended", **about})))


def _in_words(error: Exception) -> str:
    """What happened, without what a driver quotes."""
    return error.what if isinstance(error, YettError) else type(error).__name__


def _through_public(definers: Sequence[str], relations: Sequence[str], creatable: Sequence[str]) -> list[str]:
    """What every role of the database reaches, whatever a lease's scope says: no grant takes it away from one."""
    said = []
    if definers:
        said.append(f"anyone may call functions that run with their owner's rights (a call is held): {_some(definers)}")
    if relations:
        said.append(f"anyone may use these tables, whatever a lease's scope says: {_some(relations)}")
    if creatable:
        said.append(f"anyone may make objects in these schemas: {_some(creatable)}")
    return said


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
