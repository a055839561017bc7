"""Extended-protocol messages (54.2.3) that do not simply go on: from the first that must be decided up to Sync.

What is decided is gathered in a batch and sent with a Sync of the wire's own behind it, whose ReadyForQuery nobody
sees: the server is idle and its state exact before anything else is decided.

Three things are a Parse's, a Bind's and an Execute's own: a Parse is looked at, so that nothing unread
reaches the server; a statement is decided when it is bound, since planning it may run what it calls; transaction
control is decided when it is executed.

A Bind does not settle what an EXECUTE runs, and no Bind of one stands on the server by itself: FETCH, MOVE and
functions run portals by their names, too. It is kept here and goes with its Execute, and so do PREPARE, DEALLOCATE and
definitions.
"""

from __future__ import annotations

from yett.gateway.postgres import replies
from yett.gateway.postgres.batch import Batch, Named, Unsent
from yett.gateway.postgres.copying import Copying
from yett.gateway.postgres.desk import Bound, Look, Stopped, Told
from yett.gateway.postgres.fields import (
    STATEMENT,
    Malformed,
    bind_fields,
    executed,
    named,
    parse_fields,
)
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.guarding import Guarding
from yett.gateway.postgres.lockstep import Group, Lockstep
from yett.gateway.postgres.looking import Looking
from yett.gateway.postgres.messages import (
    BIND,
    CLOSE,
    DESCRIBE,
    EXECUTE,
    FAILED,
    FLUSH,
    FLUSH_MESSAGE,
    IDLE,
    PARSE,
    SYNC,
    SYNC_MESSAGE,
)
from yett.gateway.postgres.portals import (
    BY_ITSELF,
    TAGS,
    Kept,
    Portal,
    is_of,
    must_be_nameable,
    opens,
    settled_by_bind,
)
from yett.gateway.postgres.simple import FAILED_TRANSACTION
from yett.operations.sql.statement import Control, Way

_MOST_BATCHED = 64 << 10


class Extended:
    """`exact`: inside such a unit. `skipping`: an ERROR has been said, and all is dropped up to the client's Sync."""

    def __init__(
        self, requests: Requests, looking: Looking, guarding: Guarding, step: Lockstep, copying: Copying
    ) -> None:
        self.exact = False
        self.skipping = False
        self._requests = requests
        self._looking = looking
        self._guarding = guarding
        self._step = step
        self._copying = copying
        self._batch = Batch(requests, looking.prepared)
        self._kept: Kept | None = None
        step.before = self.send

    async def take(self, kind: int, message: bytes) -> None:
        """One message. Never raises Stopped: the client is told, and skipped to its Sync."""
        if self.skipping and kind != SYNC:
            return
        try:
            if self._kept is not None and not is_of(self._kept.portal, kind, message):
                await self.refuse(BY_ITSELF)
                if kind != SYNC:
                    return
            if kind in (PARSE, BIND) and self._looking.uncommitted:
                await self._enter()
                await self.send()
                if self.skipping:
                    return
            if kind == PARSE:
                await self._parse(message)
            elif kind == BIND:
                await self._bind(message)
            elif kind == EXECUTE:
                await self._execute(message)
            elif kind in (DESCRIBE, CLOSE):
                await self._name(kind, message)
            elif kind == FLUSH:
                await self._enter()
                await self.send()
                self._step.let_go()
            elif kind == SYNC:
                await self._sync()
        except Stopped as stopped:
            await self.refuse(stopped.told)

    async def refuse(self, told: Told) -> None:
        """Say ERROR, and skip."""
        await self._enter()
        try:
            await self.send()
        except Stopped:
            return
        if not self.skipping:
            self._take()
            await self._guarding.stop(told)
            self.skipping = True

    # ---- the messages

    async def _parse(self, message: bytes) -> None:
        requests = self._requests
        name, sql, types = parse_fields(message, 5, len(message))
        must_be_nameable(name)
        look = await self._looking.look(sql)
        plain = self._looking.plain(look)
        if plain:
            requests.learn(sql, self._looking.controls(look))
        if plain and not self.exact and name not in requests.heavy:
            await self._looking.decide(look)
            requests.name(name, sql, types)
            requests.touched.add(name)
            requests.fresh, requests.open = name, True
            self._copying.forward(message)
            return
        await self._enter()
        self._must_go_on(look)
        if self.skipping:
            return
        free = plain and not self._guarding.own
        if free:
            await self._looking.decide(look)
        elif any(one.acts_when_read for one in look.statements):
            await self._admit_reading(look, types)
            if self.skipping:
                return
        self._batch.add(message)
        self._batch.unsent.renamed[name] = Named(sql, types)
        if free:
            await self.send()
            requests.fresh = None if self.skipping else name

    async def _admit_reading(self, look: Look, types: tuple[int, ...]) -> None:
        """Parse alone may run what the statement would. Raises Stopped."""
        await self.send()
        if not self.skipping:
            await self._guarding.enter()
            await self._guarding.admit(look, Bound((), types))
            self._batch.unsent.changing = True

    async def _bind(self, message: bytes) -> None:
        requests = self._requests
        portal, name, parameters = bind_fields(message)
        must_be_nameable(portal)
        self._looking.watch(message)
        if self.exact or name in requests.heavy or name not in requests.names:
            await self._enter()
            if self.skipping:
                return
        sql = self._batch.text_of(name)
        look = await self._looking.look(sql)
        if self._looking.plain(look):
            requests.learn(sql, controls := self._looking.controls(look))
            if await self._is_free() and not (controls and requests.guarding):
                await self._looking.decide(look)
                self.exact = False
                requests.binds(portal, sql if controls else None)
                requests.open = True
                self._copying.forward(message)
                return
        else:
            requests.plain.pop(sql, None)
        await self._enter()
        if self.skipping:
            return
        bound = Bound(parameters, self._batch.types_of(name))
        if settled_by_bind(look):
            await self._decide(message, portal, sql, look, bound)
        else:
            await self._keep(message, portal, sql, bound)

    async def _keep(self, message: bytes, portal: bytes, sql: bytes, bound: Bound) -> None:
        """What it would do is read when all names stand for what they will stand for. Raises Stopped."""
        await self.send()
        if self.skipping:
            return
        look = await self._looking.look(sql)
        self._must_go_on(look)
        self._kept = Kept(portal, look, bound, [message])

    async def _decide(self, message: bytes, portal: bytes, sql: bytes, look: Look, bound: Bound) -> None:
        """A Bind, with the server idle or decided messages on their way to it. Raises Stopped."""
        self._must_go_on(look)
        again = self._looking.controls(look) or any(one.defines for one in look.statements)
        if look.way is not Way.PASS or again:
            await self.send()
        if self.skipping:
            return
        if look.way is Way.PASS:
            await self._looking.decide(look)
        else:
            await self._guarding.enter()
            await self._guarding.admit(look, bound)
            self._batch.unsent.changing = True
        if self.skipping:  # what was sent while it was asked about has failed
            return
        self._batch.add(message)
        self._batch.unsent.bound[portal] = Portal(sql, look, again) if look.way is not Way.PASS or again else None

    async def _execute(self, message: bytes) -> None:
        name = executed(message)
        must_be_nameable(name)
        await self._enter()
        if self.skipping:
            return
        if self._kept is not None:
            await self._execute_kept(message, self._kept)
            return
        portal = await self._portal(name)
        if portal is None:
            await self._also(message)
            return
        self._batch.unsent.changing |= portal.look.way is not Way.PASS
        if portal.again:
            await self._execute_again(name, message, portal)
        elif any(one.copies == "in" for one in portal.look.statements):
            self._batch.add(message)
            await self.send(copies=portal.look)
        elif portal.look.way is not Way.PASS:
            self._batch.add(message)
            await self.send()  # now: the next one is decided on what this one did
        else:
            await self._also(message)

    async def _portal(self, name: bytes) -> Portal | None:
        """What is watched under a name. Raises Stopped: the server may have another portal there."""
        watched = self._batch.portal(name)
        control = self._requests.controls.get(name)
        if control is not None and name not in self._batch.unsent.bound:
            return Portal(control, await self._looking.look(control), True)
        return watched

    async def _execute_kept(self, message: bytes, kept: Kept) -> None:
        """Nothing was sent since it was looked at. Raises Stopped."""
        look = kept.look
        if look.way is Way.ALONE:
            await self._send_kept(kept)
            self.skipping = self.skipping or not await self._guarding.run_alone(look)
            return
        if look.statements and look.statements[0].skipped:
            await self._send_kept(kept)
            self._requests.doubt(kept.portal)  # it stands on the server, which has not run it
            if not self.skipping:
                await self._guarding.skip(look)
            return
        if look.way is Way.PASS:
            await self._looking.decide(look)
        else:
            await self._guarding.enter()
            await self._guarding.admit(look, kept.bound)
            self._batch.unsent.changing = True
        await self._send_kept(kept, message)
        await self._looking.ran(look, ok=not self.skipping)

    async def _send_kept(self, kept: Kept, *behind: bytes) -> None:
        """Its portal has run when anybody can name it, or never does: the server ran nothing of it."""
        self._kept = None
        for message in (*kept.messages, *behind):
            self._batch.add(message)
        self._batch.unsent.bound[kept.portal] = None
        await self.send()

    async def _execute_again(self, name: bytes, message: bytes, portal: Portal) -> None:
        """Raises Stopped."""
        again = await self._looking.look(portal.sql)
        if again.statements != portal.look.statements:
            hint = "bind it again"
            raise Stopped(Told("yett: what this portal would do has changed since it was bound", hint, "26000"))
        one = again.statements[0]
        if one.control in (Control.COMMIT, Control.ROLLBACK):
            await self._end(name, message, one.control, chain=one.chain)
            return
        self._batch.add(message)
        group = await self.send()
        if group is not None and not self.skipping and group.tag not in TAGS.get(one.control, (group.tag,)):
            raise Malformed("a portal was not what was bound to its name")  # CLOSE and DECLARE know the name, too
        await self._looking.ran(again, ok=not self.skipping)
        if one.control is Control.BEGIN and not self.skipping:
            self._guarding.keep_open()

    async def _end(self, name: bytes, message: bytes, control: Control, *, chain: bool) -> None:
        """COMMIT or ROLLBACK by the extended protocol. With it goes at most its own Bind and Describe: what else
        stands before it has run, and is known, before the transaction is settled."""
        if not all(opens(name, each) for each in self._batch.unsent.messages):
            await self.send()
            if self.skipping:
                return
        messages = b"".join((*self._take().messages, message, SYNC_MESSAGE))
        group = await self._guarding.end(control, messages, chain=chain)
        self.skipping = group is None or group.failed

    async def _name(self, kind: int, message: bytes) -> None:
        which, name = named(message)
        must_be_nameable(name)
        await self._enter()
        if self.skipping:
            return
        if self._kept is not None:
            self._kept.messages.append(message)
            return
        self._batch.add(message)
        if kind == CLOSE and which == STATEMENT:
            self._batch.unsent.renamed[name] = None

    async def _sync(self) -> None:
        await self.send()
        if self._guarding.own:
            await self._guarding.finish_own()
        self.exact = self.skipping = False
        self._end_portals()
        self._copying.say(replies.ready(self._step.status))

    # ---- the batch

    async def _also(self, message: bytes) -> None:
        self._batch.add(message)
        if self._batch.unsent.size > _MOST_BATCHED:
            await self.send()

    async def send(self, *, copies: Look | None = None) -> Group | None:
        """Send what is decided, and wait for all of its answers; `copies`: the last of it asks for rows."""
        if not self._batch:
            return None
        sent = self._take()
        messages = b"".join(sent.messages)
        if copies is not None:
            group = self._step.send(messages + FLUSH_MESSAGE, copies=True, owes=False)
            await self._copying.finish_open(group, self._guarding.copies(copies.statements))
        else:
            group = await self._step.finished(self._step.send(messages + SYNC_MESSAGE))
        self._batch.settle(sent, failed=group.failed)
        if group.failed:
            self.skipping = True
            if self._guarding.own:
                await self._guarding.undo_own(group)
            else:
                await self._guarding.failed(group)
        elif sent.changing:
            await self._guarding.ran()
        return group

    def _take(self) -> Unsent:
        self._kept = None
        return self._batch.take()

    async def _enter(self) -> None:
        """From here on the server's state is exact."""
        if not self.exact:
            self.exact = True
            self.skipping = await self._step.quiet()
            self._end_portals()

    async def _is_free(self) -> bool:
        """Whether a read may go on as if nothing had been decided here: no Sync of ours must end its portal."""
        if not self.exact:
            return True
        if self._guarding.own or self._step.status != IDLE:
            return False
        await self.send()
        return not self.skipping

    @property
    def at_rest(self) -> bool:
        """Whether nothing hangs on the messages so far: those that follow may go on by themselves."""
        return not self._batch and self._kept is None and not self.skipping and not self._guarding.own

    def _end_portals(self) -> None:
        """Portals end with their transaction."""
        if self._step.status == IDLE:
            self._batch.end_portals()

    def _must_go_on(self, look: Look) -> None:
        """Raises Stopped: the transaction has failed, and this does not end it."""
        ends = (Control.COMMIT, Control.ROLLBACK, Control.ROLLBACK_TO)
        if self._step.status == FAILED and not any(one.control in ends for one in look.statements):
            raise Stopped(FAILED_TRANSACTION)
