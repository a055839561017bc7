"""A desk that is a table in memory, for the wire alone: what the gate's own costs beside it is the difference."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from yett.broker.plain import Plain, RowScan
from yett.gateway.postgres.allowance import ENDLESS, Allowance
from yett.gateway.postgres.desk import Bound, Desk, Look, Masking, Told, Upstream
from yett.model.effects import Effect, Recovery
from yett.model.secret import Secret
from yett.operations.sql.statement import Control, Statement, Way
from yett.providers.postgres.guard.executing import Executing

KNOWN = 30
"""Secrets that the wire looks for."""

_NUMBER = re.compile(rb"(?<![\w.])\d+(?![\w.])")


class Rows:
    """What the real desk does with the rows of a COPY."""

    def __init__(self, plain: Plain) -> None:
        self._watched = RowScan(lambda: plain)
        self._digest = hashlib.sha256()

    def feed(self, rows: bytes) -> None:
        self._watched.feed(rows)
        self._digest.update(rows)

    def end(self) -> None:
        self._digest.digest()


class Table:
    """A desk that knows reads by their first word, and writes each down in a ring, as the checkpoint's log does."""

    uncommitted = False

    def __init__(self) -> None:
        self._plain = Plain({str(n): Secret(secrets.token_urlsafe(30).encode()) for n in range(KNOWN)})
        self._reads: set[bytes] = set()
        self._log: deque[bytes] = deque(maxlen=4096)
        self._shapes: dict[bytes, Statement] = {}

    def passes_now(self, sql: bytes) -> bool:
        if sql in self._reads:
            self._log.append(sql)
            return True
        return False

    def alike_now(self, sql: bytes) -> bool:
        if _NUMBER.sub(b"", sql) not in self._shapes:
            return False
        self._log.append(sql)
        return True

    def read_now(self, sql: bytes) -> Look | None:
        if not sql.startswith(b"SELECT"):
            return None
        shape = _NUMBER.sub(b"", sql)
        one = self._shapes.get(shape)
        if one is None:
            one = Statement(shape.decode(), "SELECT", Way.PASS, Effect.READ, Recovery.AUTOMATIC)
            self._shapes[shape] = one
        self._log.append(sql)
        return Look(sql, (one,), Way.PASS)

    def clean(self, message: bytes) -> bool:
        return self._plain.find_one(message) is None

    def watch(self, message: bytes) -> None: ...

    async def look(self, sql: bytes, prepared: Mapping[str, Statement]) -> Look:
        text = sql.decode()
        word = text.split()[0].lower().rstrip(";") if text.strip() else ""
        control = {"begin": Control.BEGIN, "commit": Control.COMMIT, "end": Control.COMMIT}.get(word, Control.NONE)
        way = Way.GUARD if word in ("insert", "update", "delete") else Way.PASS
        copies = "in" if word == "copy" and "from" in text.lower().split() else ""
        if copies:
            way = Way.GUARD
        one = Statement(text, word, way, Effect.READ, Recovery.AUTOMATIC, control=control, copies=copies)
        return Look(sql, (one,), way)

    async def read(self, look: Look) -> None:
        if len(self._reads) > 50_000:
            self._reads.clear()
        self._reads.add(look.sql)

    def transaction(self, agent: Executing) -> Table:
        return self

    async def begin(self) -> None: ...
    async def begin_text(self, statements: Sequence[Statement]) -> None: ...
    def end_text(self) -> None: ...
    async def admit(self, look: Look, bound: Bound) -> None: ...
    def copying(self, statement: Statement) -> Rows:
        return Rows(self._plain)

    async def ran(self) -> None: ...
    async def settle(self) -> None: ...
    async def committed(self) -> None: ...
    async def lost(self) -> None: ...
    async def rolled_back(self) -> None: ...
    async def alone(self, look: Look) -> Table:
        return self

    async def done(self, *, ok: bool) -> None: ...
    def allowance(self) -> Allowance:
        return Allowance(ENDLESS)

    def masking(self) -> Masking | None:
        return None

    def defined(self) -> None: ...
    def refused(self, told: Told, what: str) -> None: ...


@dataclass
class BareDoor:
    """Everyone who knows the placeholder comes in, as the owner of the server at `url`."""

    url: str
    placeholder: bytes

    def placeholder_verifier(self, user: str, database: str) -> bytes | None:
        return self.placeholder

    async def refused(self, database: str, sent: bytes, was_made_with: Callable[[bytes], bool] | None) -> None: ...

    async def open(self, user: str, database: str) -> tuple[Upstream, Desk]:
        at = urlsplit(self.url)
        upstream = Upstream((at.hostname or "", at.port or 0), "", "disable", at.username or "", at.path[1:], "")
        return upstream, Table()

    def closed(self) -> None: ...
