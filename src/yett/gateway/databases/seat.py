"""One session's door into one database: who may log in, and the role that it then acts as."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from yett.gateway.databases.allowed.scopes import scope_from
from yett.gateway.databases.desk import StatementDesk
from yett.gateway.databases.lending import take_back
from yett.gateway.databases.place import Place
from yett.gateway.databases.registry import Database
from yett.gateway.databases.service import Databases
from yett.gateway.databases.statements.attempts import reading
from yett.gateway.databases.telling import CANNOT_CONNECT_NOW, told
from yett.gateway.postgres.desk import Desk, Stopped, Told, Upstream
from yett.model.errors import YettError
from yett.model.identity import Session
from yett.providers.postgres.lease import LeaseRole, hide_columns, show_columns
from yett.providers.postgres.scope import Columns

_log = logging.getLogger("yett.gateway")

CONNECTS = b"connect"
SLOW = (
    "yett: here a statement may take {:g} s, or less if the session has set less; do it in smaller steps, or ask a"
    " person for more: yett database add {} --statement-seconds"
)


class Seat:
    """One database of a session.

    `placeholders` are the passwords that agents of this session know, by user name; "" is for a name that nobody wrote
    anywhere. The role is made when the first client has proved one, and ends with the session.
    """

    def __init__(
        self, databases: Databases, session: Session, database: Database, placeholders: Mapping[str, str]
    ) -> None:
        self.session = session
        self.database = database
        self._databases = databases
        self._placeholders = placeholders
        self._making = asyncio.Lock()
        self._role: LeaseRole | None = None
        self._place: Place | None = None
        self._closed = False
        self._shown: list[tuple[Columns, int]] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._hiding: set[asyncio.Task[None]] = set()
        databases.seats.append(self)

    @property
    def role(self) -> str:
        """The lease's role, "" before the first login."""
        return self._role.name if self._role else ""

    def placeholder_verifier(self, user: str, database: str) -> bytes | None:
        if database != self.database.dbname:
            return None
        placeholder = self._placeholders.get(user) or self._placeholders.get("")
        return placeholder.encode() if placeholder else None

    async def refused(self, database: str, sent: bytes, was_made_with: Callable[[bytes], bool] | None) -> None:
        await self._databases.note_login(self.session, self.database, sent, was_made_with)

    async def open(self, user: str, database: str) -> tuple[Upstream, Desk]:
        try:
            place, role = await self._seated()
            await take_back(place)
            await self._may_connect(place)
            if place.masks is not None:
                await place.masks.now(await place.catalogs.now())
        except YettError as error:
            said = told(error)
            raise Stopped(Told(said.message, said.hint, CANNOT_CONNECT_NOW if self._closed else "28000")) from None
        address = self._databases.address(self.database)
        limit_ms = scope_from(self.database.scope).budgets.statement_ms
        upstream = Upstream(
            (address.get("hostaddr") or address.get("host") or "127.0.0.1", int(address.get("port") or 5432)),
            address.get("host") or "127.0.0.1",
            address.get("sslmode") or "prefer",
            role.name,
            self.database.dbname,
            role.password.text(),
            statement_ms=limit_ms,
            slow_hint=SLOW.format(limit_ms / 1000, self.database.name),
        )
        return upstream, StatementDesk(place)

    async def close(self) -> None:
        """End of the session: the wire has closed its connections already."""
        self._closed = True
        if self in self._databases.seats:
            self._databases.seats.remove(self)
        for timer in self._timers:
            timer.cancel()
        async with self._making:
            role, self._role = self._role, None
        if role is None:
            return
        try:
            await self._databases.settle_allowance(self.session, self.database)
        except YettError as error:
            _log.warning("%s: what a task was really sent was not noted: %s", self.database.name, error.what)
        try:
            await self._databases.end_lease(self.session, self.database, role)
        except YettError as error:
            _log.error("the role %s of %s is still there: %s", role.name, self.database.name, error.what)

    async def show(self, columns: Columns, until: int) -> None:
        """A person has signed it: this session sees the columns until then (seconds since the epoch), or until its end.

        Raises:
            YettError: the database did not let it.
        """
        async with self._making:
            self._shown.append((columns, until))
            if self._place is not None and not self._closed:
                await self._grant(self._place, columns, until)

    async def _grant(self, place: Place, columns: Columns, until: int) -> None:
        left = until - time.time()
        if left <= 0 or place.masks is None:
            return
        async with place.own.connection() as own:
            await show_columns(own, place.lease, await place.masks.show(own, columns))
        self._timers.append(asyncio.get_running_loop().call_later(left, self._hide_soon, place, columns))

    def _hide_soon(self, place: Place, columns: Columns) -> None:
        task = asyncio.get_running_loop().create_task(self._hide(place, columns))
        self._hiding.add(task)
        task.add_done_callback(self._hiding.discard)

    async def _hide(self, place: Place, columns: Columns) -> None:
        """Its time is over. The wire masks at once; the grant goes with the role if it cannot be taken back."""
        assert place.masks is not None
        try:
            async with place.own.connection() as own:
                await hide_columns(own, place.lease, place.masks.hide(columns))
        except YettError as error:
            _log.error("%s: what was shown until now is still granted: %s", self.database.name, error.what)

    async def _seated(self) -> tuple[Place, LeaseRole]:
        async with self._making:
            if self._closed:
                raise YettError("this session has ended", "start a new one with yett run")
            if self._role is None or self._place is None:
                self._role = await self._databases.lease(self.session, self.database)
                allowance = await self._databases.allowance(self.session, self.database)
                self._place = self._databases.place(self.session, self.database, self._role.name, allowance)
                for columns, until in self._shown:
                    await self._grant(self._place, columns, until)
            return self._place, self._role

    async def _may_connect(self, place: Place) -> None:
        """A login is a read of the database as a whole. Raises Refused."""
        attempt = reading(self.session, self.database, CONNECTS, (), place.lease)
        if place.checkpoint.pass_now(attempt) is None:
            await place.checkpoint.pass_(attempt)


class Doors:
    """Implements `gateway.postgres.desk.Door` for all databases behind one listener: the client names one."""

    def __init__(self, seats: Sequence[Seat]) -> None:
        self._by_name = {seat.database.dbname: seat for seat in seats}

    def placeholder_verifier(self, user: str, database: str) -> bytes | None:
        seat = self._by_name.get(database)
        return seat.placeholder_verifier(user, database) if seat else None

    async def refused(self, database: str, sent: bytes, was_made_with: Callable[[bytes], bool] | None) -> None:
        for seat in (self._by_name.get(database), *self._by_name.values()):
            if seat is not None:
                return await seat.refused(database, sent, was_made_with)
        return None

    async def open(self, user: str, database: str) -> tuple[Upstream, Desk]:
        return await self._by_name[database].open(user, database)

    def closed(self) -> None:
        """The role stays for the session's next connection."""
