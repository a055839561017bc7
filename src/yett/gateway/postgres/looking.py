"""What the texts of one connection would do, and which names they may use."""

from __future__ import annotations

from yett.gateway.postgres.desk import Desk, Look, Stopped, Told
from yett.gateway.postgres.fields import OWN_PREFIX
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.guarding import Guarding
from yett.gateway.postgres.names import Prepared
from yett.operations.sql.statement import Control, Way

ENDS = frozenset((Control.BEGIN, Control.COMMIT, Control.ROLLBACK))
"""Transaction control that opens or ends a block."""


_MARKS = frozenset((Control.SAVEPOINT, Control.ROLLBACK_TO, Control.RELEASE))


class Looking:
    """Asks the desk, and keeps what SQL's own PREPARE and DEALLOCATE do to the names."""

    def __init__(self, desk: Desk, requests: Requests, guarding: Guarding, prepared: Prepared) -> None:
        self._desk = desk
        self._requests = requests
        self._guarding = guarding
        self.prepared = prepared

    @property
    def uncommitted(self) -> bool:
        """Whether a look needs the agent's own connection, idle."""
        return self._desk.uncommitted

    async def look(self, sql: bytes) -> Look:
        """Raises Stopped: it cannot be read, or never passes."""
        look = await self._desk.look(sql, self.prepared)
        if look.way is Way.REFUSE or any(one.way is Way.REFUSE for one in look.statements):
            raise Stopped(Told("yett: this never passes", "do it in another way"))
        own = OWN_PREFIX.decode()
        for one in look.statements:
            if one.control is Control.TWO_PHASE:
                hint = "end the transaction with COMMIT"
                raise Stopped(Told("yett: two-phase commit would leave the guarded transaction", hint))
            if one.prepares.startswith(own) or one.deallocates.startswith(own) or one.executes.startswith(own):
                raise Stopped(Told(f"yett: names that begin with {own} are the wire's own", "choose another name"))
        if len(look.statements) == 1:
            self.prepared.learn(sql, look.statements[0])
        return look

    def watch(self, message: bytes) -> None:
        """Law 3(a) for a Bind. Raises Stopped."""
        self._desk.watch(message)

    def passes_anew(self, sql: bytes) -> bool:
        """A text that was not looked at yet: whether it is a read that hangs on nothing, decided and noted."""
        look = self._desk.read_now(sql)
        if look is None or not self.plain(look) or self.controls(look):
            return False
        if len(look.statements) == 1:
            self.prepared.learn(sql, look.statements[0])
        return True

    async def decide(self, look: Look) -> None:
        """A proven read may go on, and is noted. Raises Stopped."""
        if look.sql not in self._requests.plain or not self._desk.passes_now(look.sql):
            await self._desk.read(look)

    def plain(self, look: Look) -> bool:
        """Whether it may go on without the server being idle: nothing hangs on what was sent before."""
        return look.way is Way.PASS and not any(
            one.prepares
            or one.executes
            or one.deallocates
            or one.defines
            or one.copies == "in"
            or one.control is Control.TWO_PHASE
            for one in look.statements
        )

    def controls(self, look: Look) -> bool:
        """Whether the conductor must see it while a transaction is watched."""
        return any(one.control in ENDS or one.control in _MARKS for one in look.statements)

    async def ran(self, look: Look, *, ok: bool) -> None:
        """A text that was sent by itself has been answered, and the server is idle: what it did to the names, to the
        catalog and to what a savepoint has taken back. Raises Stopped."""
        requests, by_sql = self._requests, self.prepared.by_sql
        for one in look.statements:
            if one.defines and ok:
                if look.way is Way.PASS:
                    self._desk.defined()
                self._guarding.defined()
            if one.control is Control.ROLLBACK_TO and self._desk.uncommitted:
                self._guarding.defined()
            if one.control in _MARKS and ok:
                await self._guarding.marked(one, just_now=len(look.statements) == 1)
            if one.deallocates == "*":
                self._forget_all(ok=ok)
            elif one.deallocates:
                self._forget(one.deallocates.encode(), ok=ok)
            elif one.prepares:
                name = one.prepares.encode()
                self._forget(name, ok=False)
                if ok:
                    by_sql[name] = one
        if any(one.prepares or one.deallocates for one in look.statements):
            self._guarding.meaning.relearn()
        if len(requests.heavy) > 2 * len(requests.names) + 1000:
            self._forget_all(ok=False)

    def _forget(self, name: bytes, *, ok: bool) -> None:
        """A name stands for nothing now, or (not `ok`) nobody knows for what."""
        self.prepared.by_sql.pop(name, None)
        self._requests.names.pop(name, None)
        self._requests.types.pop(name, None)
        if ok:
            self._requests.heavy.pop(name, None)
        else:
            self._requests.heavy[name] = None

    def _forget_all(self, *, ok: bool) -> None:
        names = {**self._requests.names, **self._requests.heavy, **self.prepared.by_sql}
        for name in names:
            if name:  # DEALLOCATE ALL leaves the unnamed statement
                self._forget(name, ok=ok)
