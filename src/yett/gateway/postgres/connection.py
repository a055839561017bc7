"""One agent connection and its one upstream connection: logged in together, ended together."""

from __future__ import annotations

import asyncio
import hmac
import logging
import secrets
import ssl
from collections.abc import Callable
from contextlib import suppress

from yett.gateway.postgres import replies
from yett.gateway.postgres.answers import Answers
from yett.gateway.postgres.conduct import Conductor
from yett.gateway.postgres.copying import Copying
from yett.gateway.postgres.desk import Desk, Door, Stopped, Told, Upstream
from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.lingering import Linger
from yett.gateway.postgres.lockstep import Lockstep
from yett.gateway.postgres.logins.login import Greeting, prove_client
from yett.gateway.postgres.logins.reach import cancel, reach
from yett.gateway.postgres.logins.startup import PINNED, Cancel, Encryption, Startup, packet, spoken
from yett.gateway.postgres.logins.tls import Leaf
from yett.gateway.postgres.masks.curtain import Curtain
from yett.gateway.postgres.messages import PROTOCOL_3_2, TERMINATE_MESSAGE
from yett.gateway.postgres.metering import Meter
from yett.gateway.postgres.sides import FULL, WAITING, AgentSide, ServerSide
from yett.gateway.postgres.talk import Gone, Talk

_log = logging.getLogger("yett.gateway")
_WATCHED = {name.encode(): value.encode() for name, value in PINNED.items()}


class Canceled(Exception):
    """It was a cancel request: there is nothing more to it."""


class Connection:
    """`find` looks for the connection that a cancel request names; `over` is told once that all of it has ended."""

    def __init__(
        self,
        agent: AgentSide,
        door: Door,
        leaf: Leaf | None,
        limits: WireLimits,
        find: Callable[[int], Connection | None],
        over: Callable[[Connection], None],
        linger: Linger,
    ) -> None:
        self.agent = agent
        self.pid = 0
        self.proved = False
        self.requests: Requests
        self._server: ServerSide | None = None
        self._door = door
        self._leaf = leaf
        self._limits = limits
        self._find = find
        self._over = over
        self._linger = linger
        self._secret = b""
        self._greeting = Greeting()
        self._upstream: Upstream | None = None
        self._desk: Desk | None = None
        self._step: Lockstep | None = None
        self._conductor: Conductor | None = None
        self._deciding: asyncio.Task[None] | None = None
        self._room: asyncio.Event = asyncio.Event()
        self._room.set()
        self._entered = self._ended = False
        self.ending: asyncio.Task[None] | None = None
        agent.connection = self

    # ---- before it flows

    async def open(self) -> None:
        """From the first byte to the first ReadyForQuery, within the time for it. Never raises but CancelledError."""
        try:
            async with asyncio.timeout(self._limits.login_seconds):
                await self._log_in()
        except Canceled:
            self.agent.transport.close()
        except Stopped as stopped:
            self._farewell(stopped.told)
        except Malformed as error:
            self._farewell(Told(f"yett: {error}", "", replies.PROTOCOL_VIOLATION))
        except TimeoutError:
            self._farewell(Told("yett: the login took too long", "", replies.CANNOT_CONNECT_NOW))
        except (Gone, OSError, ssl.SSLError) as error:
            _log.info("no login: %s", error)
            self.drop()
        except asyncio.CancelledError:
            self.drop()
            raise
        except Exception:  # noqa: BLE001 - whatever it is, nobody is let in
            _log.exception("a login failed")
            self._farewell(Told("yett: the login failed", "", replies.CANNOT_CONNECT_NOW))

    async def _log_in(self) -> None:
        startup = await self._greeted()
        talk, write = self._talk(), self.agent.transport.write
        if startup.version > PROTOCOL_3_2 or startup.unknown:
            write(replies.negotiate(spoken(startup.version), startup.unknown))
        encrypted = self.agent.transport is not self.agent.wire
        binding = self._leaf.binding if self._leaf is not None and encrypted else None
        await prove_client(self._door, talk, write, startup, binding)
        self.proved = True
        self._upstream, self._desk = await self._door.open(startup.user, startup.database)
        self._entered = True
        startup = startup.within(self._upstream.statement_ms)
        self._desk.watch("\0".join((startup.application_name, *startup.settings.values())).encode())
        server, self._greeting = await reach(self._server_side, self._upstream, startup, self._limits)
        self._check(self._greeting.settings)
        self._flow(server, self._desk, startup)

    async def _greeted(self) -> Startup:
        """Up to the StartupMessage. Raises Canceled, Gone, Malformed."""
        talk, asked = self._talk(), 0
        while True:
            said = packet(await talk.packet())
            if isinstance(said, Startup):
                return said
            if isinstance(said, Cancel):
                await self._cancel(said)
                raise Canceled
            assert isinstance(said, Encryption)
            asked += 1
            encrypted = self.agent.transport is not self.agent.wire
            if asked > 2 or encrypted:
                raise Malformed("encryption was asked for too often")
            if said.gss or self._leaf is None:
                self.agent.transport.write(b"N")
                continue
            if talk.unread:
                raise Malformed("more than an SSLRequest before TLS")  # CVE-2021-23214
            self.agent.transport.write(b"S")
            await self._encrypt(self._leaf)

    async def _encrypt(self, leaf: Leaf) -> None:
        """TLS as the server."""
        loop = asyncio.get_running_loop()
        above = await loop.start_tls(self.agent.wire, self.agent, leaf.context, server_side=True)
        if above is None:
            raise Gone("closed in the handshake")
        self.agent.transport = above

    async def _cancel(self, asked: Cancel) -> None:
        found = self._find(asked.pid)
        if found is not None and hmac.compare_digest(found._secret, asked.secret):
            await found.cancel()

    async def cancel(self) -> None:
        """Stop what the connection waits for: a person's answer, or its statement on the server."""
        if self._conductor is not None and self._conductor.guarding.cancel():
            return
        if self._upstream is not None and (self._step is None or self._step.cancellable):
            await cancel(self._upstream, self._greeting.pid, self._greeting.secret, self._limits)

    def _server_side(self) -> ServerSide:
        return ServerSide(self._limits.answer)

    def _flow(self, server: ServerSide, desk: Desk, startup: Startup) -> None:
        """Both sides are logged in: tell the client, and let messages through."""
        limits = self._limits
        self.requests = Requests(desk.passes_now, limits)
        slow_hint = self._upstream.slow_hint if self._upstream is not None else ""
        answers = Answers(self.requests, self._setting, limits.answer, replies.hint(slow_hint))
        answers.status = self._greeting.status
        agent, self._server, server.connection = self.agent, server, self
        self.to_server, self.to_agent = server.transport.write, agent.transport.write
        masking = desk.masking()
        if masking is not None:
            curtain = Curtain(masking, self.to_server)
            self.to_server, server.seen = curtain.sent, curtain.seen
        meter = Meter(desk.allowance(), answers, server.seen)
        server.feed = meter.feed
        self._step = step = Lockstep(
            self.requests,
            answers,
            self.to_server,
            self.to_agent,
            self._greeting.pid,
            own_to_server=server.transport.write,
            seen=server.seen,
            meter=meter,
        )
        copying = Copying(
            self.requests, step, self.to_server, self.to_agent, self._room.wait, self._read_on, self._left
        )
        self._conductor = Conductor(desk, self.requests, step, copying, limits, self._read_on, self._left)
        self._conductor.guarding.idleness.idle = self._idle
        agent.requests, server.answers = self.requests, answers
        agent.came = server.came = self._linger.came
        self._secret = secrets.token_bytes(32 if spoken(startup.version) >= PROTOCOL_3_2 else 4)
        spoken_first = [replies.authentication(0), *self._greeting.spoken]
        if startup.left_out:
            names = ", ".join(startup.left_out)
            told = Told(f"yett: these settings of the connection were left out: {names}", "", "01000")
            spoken_first.append(replies.warning(told))
        spoken_first += [replies.backend_key(self.pid, self._secret), replies.ready(answers.status)]
        self.to_agent(b"".join(spoken_first))
        agent_talk, server_talk = self._talk(), server.talk
        assert server_talk is not None
        agent.talk = server.talk = None
        if rest := server_talk.rest():
            server.data_received(rest)
        if rest := agent_talk.rest():
            agent.data_received(rest)

    def _talk(self) -> Talk:
        assert self.agent.talk is not None
        return self.agent.talk

    # ---- while it flows; the hot path is in `sides`

    to_server: Callable[[bytes], None]
    to_agent: Callable[[bytes], None]

    @property
    def conducted(self) -> bool:
        """Whether the server's answers are the conductor's."""
        return self._step is not None and self._step.listening

    def heard(self, data: bytes) -> None:
        assert self._step is not None
        self._step.heard(data)

    def more(self, data: bytes) -> None:
        """More of the client's, behind what is being decided."""
        assert self._step is not None
        self.requests.gather(data)
        if self.requests.waiting > self._limits.waiting:
            self.agent.brake(WAITING)
        self._step.wake()

    def decide(self) -> None:
        """The message at the head must be decided."""
        self._deciding = asyncio.get_running_loop().create_task(self._decide())

    async def _decide(self) -> None:
        assert self._conductor is not None
        try:
            await self._conductor.run()
            self._read_on()
        except Malformed as error:
            self.broken(error)
        except _Left:
            self.goodbye()
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the session ends (law 1)
            _log.exception("a statement could not be carried out")
            self._farewell(Told("yett: the statement could not be carried out", "connect again", "XX000"))

    def _idle(self) -> None:
        """The client has kept locks and said nothing for too long."""
        what = f"the transaction has written, and its client said nothing for {self._limits.idle_seconds:g} seconds"
        told = Told(f"yett: {what}: it is rolled back", "begin it again, and write last", replies.IDLE_IN_TRANSACTION)
        if self._desk is not None:
            self._desk.refused(told, "a transaction")
        self._farewell(told)

    def _read_on(self) -> None:
        self.agent.release(WAITING)

    def _left(self) -> None:
        raise _Left

    def agent_full(self, full: bool) -> None:
        """The client takes no more for now: the server is not read."""
        if self._server is not None:
            (self._server.brake if full else self._server.release)(FULL)

    def server_full(self, full: bool) -> None:
        """The other way round."""
        (self.agent.brake if full else self.agent.release)(FULL)
        (self._room.clear if full else self._room.set)()

    # ---- settings that the wire pins

    def _check(self, settings: dict[str, str]) -> None:
        for name, value in settings.items():
            try:
                self._setting(name.encode(), value.encode())
            except Malformed as error:
                raise Stopped(Told(f"yett: {error}", "ask for a new session")) from None

    def _setting(self, name: bytes, value: bytes) -> None:
        """A ParameterStatus. Raises Malformed: texts would no longer mean what they are read as (findings, 3.2)."""
        pinned = _WATCHED.get(name)
        if pinned is not None and value != pinned:
            raise Malformed(f"{name.decode()} is no longer {pinned.decode()}")

    # ---- the end

    def broken(self, error: Malformed) -> None:
        """The session cannot go on soundly."""
        told = Told(f"yett: {error}", "connect again", replies.PROTOCOL_VIOLATION)
        if self._desk is not None:
            self._desk.refused(told, "a session")
        self._farewell(told)

    def goodbye(self) -> None:
        """The client has said Terminate."""
        if self._server is not None and not self._ended:
            self._server.transport.write(TERMINATE_MESSAGE)
            self._server.transport.close()
        self.agent.transport.close()

    def _farewell(self, told: Told) -> None:
        """Say why, and end."""
        if self._ended:
            return
        with suppress(RuntimeError):
            self.agent.transport.write(replies.fatal(told))
            self.agent.transport.close()
        asyncio.get_running_loop().call_later(self._limits.goodbye_seconds, self.agent.abort)
        self._end(graceful=True)

    def drop(self) -> None:
        """Lockdown, or the end of the session: now, with whatever is under way."""
        self._end(graceful=False)
        self.agent.abort()

    def ended(self) -> None:
        """One side is gone, so is the other; what the server said last still reaches the client."""
        if not self._ended:
            asyncio.get_running_loop().call_later(self._limits.goodbye_seconds, self.agent.abort)
            self._end(graceful=True)
        if self.agent.connected and not self.agent.transport.is_closing():
            self.agent.transport.close()

    def _end(self, *, graceful: bool) -> None:
        if self._ended:
            return
        self._ended = True
        task = self._deciding
        if task is not None and task is not asyncio.current_task() and not task.done():
            task.cancel()
        busy = self._server is not None and (self.requests.due > 0 or self.requests.open)
        if self._server is not None:
            self._server.abort()
        self.ending = asyncio.get_running_loop().create_task(self._settle(task, busy=busy))
        self._over(self)

    async def _settle(self, task: asyncio.Task[None] | None, *, busy: bool) -> None:
        """What was open has ended with the connection; a statement still running is cancelled."""
        if task is not None and task is not asyncio.current_task():
            await asyncio.wait([task])
        if self._conductor is not None:
            try:
                await self._conductor.guarding.lost()
            except Exception:  # noqa: BLE001 - the connection has ended already
                _log.exception("the end of a transaction was not recorded")
            self._conductor.forget()
        if busy and self._upstream is not None:
            await cancel(self._upstream, self._greeting.pid, self._greeting.secret, self._limits)
        if self._entered:
            self._door.closed()


class _Left(Exception):
    """The client has said Terminate in the middle of something."""
