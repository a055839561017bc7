"""The PostgreSQL wire in a thread, before a real server; its desk decides by a table and notes what it was asked."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import uvloop

from yett.gateway.postgres.allowance import ENDLESS, Allowance
from yett.gateway.postgres.desk import Answer, Bound, Look, Notice, Stopped, Told, Upstream
from yett.gateway.postgres.front import Front
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.logins.tls import Leaf
from yett.gateway.postgres.masks.masked_answers import MaskedAnswers
from yett.model.effects import Effect, Recovery
from yett.operations.sql.statement import Control, Statement, Way
from yett.providers.postgres.guard.executing import Executing

PLACEHOLDER = "yett_ph_0000000001"
SESSION = "s1"
FORBIDDEN = b"forbidden-by-the-desk"

_WAYS = {
    Way.PASS: "select values table show set reset fetch move declare close explain listen unlisten prepare deallocate"
    " discard savepoint release begin start commit end rollback abort with lock",
    Way.GUARD: "insert update delete merge notify",
    Way.ASK: "do call",
    Way.DUMP: "create drop truncate alter",
    Way.ALONE: "vacuum reindex",
    Way.REFUSE: "load",
}
_WAY_OF = {word: way for way, words in _WAYS.items() for word in words.split()}
_CONTROLS = {
    "begin": Control.BEGIN,
    "start": Control.BEGIN,
    "commit": Control.COMMIT,
    "end": Control.COMMIT,
    "rollback": Control.ROLLBACK,
    "abort": Control.ROLLBACK,
    "savepoint": Control.SAVEPOINT,
    "release": Control.RELEASE,
}


def statement(text: str, prepared: Mapping[str, Statement]) -> Statement:
    """One statement by its first words: enough for the texts that these tests send."""
    words = text.replace("(", " ( ").lower().split()
    first = words[0] if words else ""
    way, control, effect = _WAY_OF.get(first, Way.ASK), _CONTROLS.get(first, Control.NONE), Effect.READ
    prepares = executes = deallocates = copies = ""
    if first == "copy":
        copies = "out" if " to stdout" in text.lower() else "in"
        inner = text[text.index("(") + 1 :].lower().split()[0] if "(" in text and copies == "out" else ""
        way = Way.GUARD if copies == "in" else _WAY_OF.get(inner, Way.PASS)
    elif words[:2] == ["rollback", "to"]:
        control = Control.ROLLBACK_TO
    elif words[:2] == ["prepare", "transaction"]:
        control = Control.TWO_PHASE
    elif first == "prepare":
        prepares = words[1]
    elif first == "execute":
        executes = words[1].strip('"')
        inner = prepared[executes].text.split(" as ", 1)[-1] if executes in prepared else "do"
        way = statement(inner, {}).way
    elif first in ("deallocate", "discard"):
        deallocates = "*" if words[-1] == "all" else words[-1]
    elif "volatile" in text:
        way = Way.ASK
    if words[:2] == ["set", "standard_conforming_strings"]:
        way = Way.REFUSE
    if way is not Way.PASS:
        effect = Effect.WRITE
    defines = way is Way.DUMP
    chain = words[-2:] == ["and", "chain"]
    savepoint = words[-1] if control in (Control.SAVEPOINT, Control.RELEASE, Control.ROLLBACK_TO) else ""
    return Statement(
        text, first.upper(), way, effect, Recovery.FROM_UNDO, control=control, chain=chain, savepoint=savepoint,
        prepares=prepares,
        executes=executes, deallocates=deallocates, defines=defines, copies=copies,
    )  # fmt: skip


def split(text: str) -> list[str]:
    """Statements between semicolons, but for those in quotes and dollar quotes."""
    found, current, quoted, n = [], "", "", 0
    while n < len(text):
        for mark in ("$$", "'"):
            if text.startswith(mark, n) and quoted in ("", mark):
                quoted = "" if quoted else mark
                current += mark
                n += len(mark)
                break
        else:
            if text[n] == ";" and not quoted:
                found.append(current)
                current = ""
            else:
                current += text[n]
            n += 1
    return [one.strip() for one in (*found, current) if one.strip()]


@dataclass
class TableDesk:
    """Implements `Desk`. `stops`: (moment, part of the text) -> refusal; `events`: what it was asked, in order."""

    stops: dict[tuple[str, str], Told] = field(default_factory=dict)
    events: list[tuple[str, str]] = field(default_factory=list)
    pauses: dict[str, threading.Event] = field(default_factory=dict)
    known: set[bytes] = field(default_factory=set)
    parameters: list[Sequence[bytes | None]] = field(default_factory=list)
    decided: list[bytes] = field(default_factory=list)
    at_once: bool = True
    marks: list[tuple[str, str]] = field(default_factory=list)
    types: list[tuple[int, ...]] = field(default_factory=list)
    copied: list[bytes] = field(default_factory=list)
    masked: Callable[[], MaskedAnswers] | None = None
    uncommitted: bool = False

    def passes_now(self, sql: bytes) -> bool:
        if sql in self.known:
            self.decided.append(sql)
        return sql in self.known

    def alike_now(self, sql: bytes) -> bool:
        return False

    def read_now(self, sql: bytes) -> Look | None:
        text = sql.decode("utf-8", "replace")
        found = tuple(statement(one, {}) for one in split(text))
        if not self.at_once or any(one.way is not Way.PASS for one in found):
            return None
        self.decided.append(sql)
        self.events.append(("read", text))
        return Look(sql, found, Way.PASS)

    def clean(self, message: bytes) -> bool:
        return FORBIDDEN not in message

    def watch(self, message: bytes) -> None:
        if not self.clean(message):
            raise Stopped(Told("a secret", "leave it out"))

    async def look(self, sql: bytes, prepared: Mapping[str, Statement]) -> Look:
        self.decided.append(sql)
        text = sql.decode("utf-8", "replace")
        self.note("look", text)
        found = tuple(statement(one, prepared) for one in split(text))
        way = max((one.way for one in found), key=lambda way: way.strictness, default=Way.PASS)
        if way is Way.REFUSE:
            raise Stopped(Told("never", "another way"))
        return Look(sql, found, way)

    async def read(self, look: Look) -> None:
        self.note("read", look.sql.decode())
        self.known.add(look.sql)

    def transaction(self, agent: Executing) -> TableTransaction:
        return TableTransaction(self, agent)

    async def alone(self, look: Look) -> TableAlone:
        await self.pause("alone")
        self.note("alone", look.sql.decode())
        return TableAlone(self, look.sql.decode())

    def allowance(self) -> Allowance:
        return Allowance(ENDLESS)

    def masking(self) -> MaskedAnswers | None:
        return self.masked and self.masked()

    def defined(self) -> None:
        self.events.append(("defined", ""))

    def refused(self, told: Told, what: str) -> None:
        self.events.append(("refused", told.message))

    def note(self, moment: str, text: str) -> None:
        if moment not in ("look", "rows"):
            self.events.append((moment, text))
        for (when, part), told in self.stops.items():
            if when == moment and part in text:
                raise Stopped(told)

    async def pause(self, moment: str) -> None:
        event = self.pauses.get(moment)
        while event is not None and not event.is_set():
            await asyncio.sleep(0.005)

    def moments(self, *left_out: str) -> list[str]:
        return [moment for moment, _ in self.events if moment not in ("read", "ran", *left_out)]


@dataclass
class TableTransaction:
    desk: TableDesk
    agent: Executing
    texts: list[str] = field(default_factory=list)

    async def begin(self) -> None:
        assert (await self.agent.rows("SELECT 1, NULL, 'x'")) == [("1", None, "x")]
        self.desk.note("begin", "")

    async def begin_text(self, statements: Sequence[Statement]) -> None:
        self.desk.note("text", "; ".join(one.text for one in statements))

    def end_text(self) -> None:
        self.desk.events.append(("text over", ""))

    def defined(self) -> None:
        self.desk.events.append(("defined inside", ""))

    async def admit(self, look: Look, bound: Bound) -> None:
        self.texts.append(look.sql.decode())
        await self.desk.pause("admit")
        self.desk.parameters.append(bound.values)
        self.desk.types.append(bound.types)
        self.desk.note("admit", look.sql.decode())

    def copying(self, statement: Statement) -> TableCopy:
        return TableCopy(self.desk)

    async def ran(self) -> None:
        self.desk.note("ran", "")

    @property
    def may_be_replaced(self) -> bool:
        return False

    async def failed(self, sqlstate: str) -> Told | None:
        return None

    async def marked(self, control: Control, savepoint: str, *, just_now: bool) -> None:
        self.desk.marks.append((control.value, savepoint))

    async def settle(self) -> None:
        await self.agent.rows("SELECT txid_current()")
        await self.desk.pause("settle")
        self.desk.note("settle", "; ".join(self.texts))

    async def committed(self) -> None:
        self.desk.events.append(("committed", ""))

    async def lost(self) -> None:
        self.desk.events.append(("lost", ""))

    async def rolled_back(self) -> None:
        self.desk.events.append(("rolled back", ""))


@dataclass
class TableCopy:
    desk: TableDesk
    seen: bytes = b""

    def feed(self, rows: bytes) -> None:
        self.seen += rows
        self.desk.note("rows", self.seen.decode("utf-8", "replace"))

    def end(self) -> None:
        self.desk.copied.append(self.seen)


@dataclass
class TableAlone:
    """What has "nothing" in its text fails; `run` waits until it is allowed to, or canceled."""

    desk: TableDesk
    text: str
    canceled: bool = False

    async def run(self) -> Answer:
        while not self.canceled and (event := self.desk.pauses.get("run")) is not None and not event.is_set():
            await asyncio.sleep(0.005)
        self.desk.note("run", self.text)
        error = Told("no such table", "", "42P01") if "nothing" in self.text else None
        error = Told("canceled", "", "57014") if self.canceled else error
        said = Notice("WARNING", Told("two\nlines", "and a hint", "01000"))
        return Answer("VACUUM", (said,), error)

    def cancel(self) -> None:
        self.canceled = True

    async def lost(self) -> None:
        self.desk.events.append(("lost", ""))


@dataclass
class TableDoor:
    """One login: any user of the placeholder's; its connections share one desk."""

    upstream: Upstream
    desk: TableDesk
    users: Mapping[str, bytes] = field(default_factory=lambda: {"agent": PLACEHOLDER.encode()})
    refuses: Told | None = None
    known: tuple[bytes, ...] = ()
    tried: list[list[bytes]] = field(default_factory=list)
    opened: int = 0
    ended: int = 0

    def placeholder_verifier(self, user: str, database: str) -> bytes | None:
        return self.users.get(user)

    async def refused(self, database: str, sent: bytes, was_made_with: Callable[[bytes], bool] | None) -> None:
        self.tried.append([one for one in self.known if was_made_with is not None and was_made_with(one)])

    async def open(self, user: str, database: str) -> tuple[Upstream, TableDesk]:
        if self.refuses is not None:
            raise Stopped(self.refuses)
        self.opened += 1
        return self.upstream, self.desk

    def closed(self) -> None:
        self.ended += 1


class Wire:
    """A `Front` on a loop of its own."""

    def __init__(self, limits: WireLimits | None = None) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.front = self.call(lambda: Front(limits))

    def call(self, work: Callable[[], Any]) -> Any:
        """Run a function on the loop."""
        done: Future[Any] = Future()

        def run() -> None:
            try:
                done.set_result(work())
            except BaseException as error:  # noqa: BLE001 - it is the caller's
                done.set_exception(error)

        self._loop.call_soon_threadsafe(run)
        return done.result(30)

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def listen(self, door: TableDoor, leaf: Leaf | None = None, session: str = SESSION) -> int:
        """A new port of a session."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.call(lambda: self.front.listen(session, listener, door, leaf))
        return int(listener.getsockname()[1])

    def close(self) -> None:
        self.wait(self.front.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
