"""Where a client's messages begin and end, and which of them go on at once. Bytes in, bytes out, no I/O.

The hot path: every Query and Parse is looked up by its exact bytes, and every Bind by the text that its statement has.
The first message that does not pass by that stops the flow; it and all behind it wait for the conductor.

What makes a name safe: a name in `names` stands on the server for a proven read, or for nothing. Any name that ever
stood for something else is in `heavy` until the conductor has seen the server close it, and never passes here. For a
Parse or Close may have no effect: the server skips everything between an error and the next Sync.
"""

from __future__ import annotations

from collections.abc import Callable

from yett.gateway.postgres.fields import (
    COPY,
    KNOWN,
    STATEMENT,
    Malformed,
    check_size,
    may_be_named,
    parse_fields,
)
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.messages import (
    BIND,
    CLOSE,
    COPY_DATA,
    DESCRIBE,
    EXECUTE,
    FLUSH,
    FUNCTION_CALL,
    HEAD,
    PARSE,
    QUERY,
    SYNC,
    TERMINATE,
)
from yett.gateway.postgres.waiting import Waiting

_NAMING = frozenset((DESCRIBE, CLOSE))
_BEHIND_BIND = frozenset((DESCRIBE, EXECUTE, SYNC))
_TAIL_BYTES, _TAILS = 64, 64
_SHORT = 26
"""A Bind no longer than this behind its names has room for no parameter of 16 bytes, the shortest secret searched for:
0, two counts, a length and the formats of the answer are 11."""


class Requests(Waiting):
    """One client's messages. `passes` is the desk's `passes_now`; `anew` says of a text that was not looked at yet
    whether it is a proven read that passes, at once or not at all; `alike`, asked first where the text gets no name, is
    the desk's `alike_now`.

    `types`: what was declared for the parameters of a name, where anything was. `plain`: texts that this connection has
    had looked at and that are proven reads; True for those that begin or end a transaction. `clean`: whether no real
    secret stands in a Bind. `due`: how many ReadyForQuery the server owes. `open`: messages of the extended protocol
    have gone on and no Sync behind them. `controls`: portals that begin or end a transaction, with their text.
    `special`: portals whose Execute the conductor must see. `rebound`: those that are or were among these, and were
    bound anew since all was calm; `doubtful`, special as well: such a Bind may have failed, and nobody knows which
    portal stands under the name.
    """

    __slots__ = (
        "_learned", "_missing", "_parts", "_passes", "_tails", "alike", "anew", "clean", "closing", "controls",
        "doubtful", "due", "fresh", "guarding", "heavy", "held", "names", "open", "plain", "rebound", "special",
        "touched", "types",
    )  # fmt: skip

    def __init__(
        self, passes: Callable[[bytes], bool], limits: WireLimits, anew: Callable[[bytes], bool] | None = None
    ) -> None:
        super().__init__(limits)
        self._passes = passes
        self.anew = anew or _never
        self.alike = _never
        self.clean: Callable[[bytes], bool] = _never
        self._parts: list[bytes] = []
        self._missing = 0
        self._tails: set[bytes] = set()
        self._learned = 0
        self.held = False
        self.closing = False
        self.due = 0
        self.open = False
        self.guarding = False
        self.fresh: bytes | None = None
        self.plain: dict[bytes, bool] = {}
        self.names: dict[bytes, bytes] = {}
        self.heavy: dict[bytes, bytes | None] = {}
        self.types: dict[bytes, tuple[int, ...]] = {}
        self.touched: set[bytes] = set()
        self.controls: dict[bytes, bytes] = {}
        self.special: set[bytes] = set()
        self.rebound: set[bytes] = set()
        self.doubtful: set[bytes] = set()

    # ---- the hot path

    def feed(self, data: bytes) -> bytes:
        """What may go on to the server. Afterwards `held`: the message at the head of `rest` must be decided.

        Raises:
            Malformed: the session ends; nothing of `data` may go on.
        """
        self.heard += 1
        if self._missing or self.rest:
            data = self._joined(data)
            if not data:
                return b""
        n, start, out, bound = len(data), self._drop, b"", 0
        if start:
            if start >= n:
                self._drop = start - n
                return b""
            self._drop = 0
        pos = start
        while n - pos >= 5:
            kind, size = HEAD(data, pos)
            if size > 8192 or size < 9:
                check_size(kind, size, self._limits)
            end = pos + 1 + size
            if end > n:
                break
            passes = True
            if kind == QUERY:
                passes = self._query_passes(data, pos, end)
            elif kind == BIND:
                passes = self._bind_passes(data, pos, end)
                bound = end
                if passes and n - end <= _TAIL_BYTES and self._is_known(data[end:]):
                    end, bound = n, 0
            elif kind == EXECUTE:
                passes = self._execute_passes(data[pos + 5 : end - 5])
            elif kind == SYNC:
                self._synced(size)
            elif kind == PARSE:
                passes = self._parse_passes(data, pos, end)
            elif kind in _NAMING:
                passes = self._naming_passes(kind, data[pos + 5], data[pos + 6 : end - 1])
            elif kind == TERMINATE:
                self.closing = True
                return out + data[start:pos]
            elif kind in COPY:  # none is open: the server would ignore it too (54.2.6)
                out += data[start:pos]
                start = end
            elif kind == FUNCTION_CALL:
                passes = False  # the conductor refuses it
            elif kind != FLUSH or size != 4:
                raise Malformed("an unknown message")
            if not passes:
                self.held = True
                break
            pos = end
        if pos == n:
            if bound and 0 < n - bound <= _TAIL_BYTES:
                self._learn_tail(data[bound:])
            return out + data[start:] if start else data
        self._keep(data, pos, n)
        return out + data[start:pos]

    def _is_known(self, tail: bytes) -> bool:
        """Whether all of what stands behind a Bind passes and ends with a Sync: then that has been seen here, too."""
        if tail not in self._tails or self.controls or self.special:
            return False
        self._synced(4)
        return True

    def _learn_tail(self, tail: bytes) -> None:
        """What stood behind a Bind has passed. The same bytes pass behind any, where no portal is watched, if all they
        do is to describe and execute portals and to end with a Sync."""
        if tail in self._tails or len(self._tails) >= _TAILS:
            return
        pos = kind = 0
        while pos < len(tail):
            kind, size = HEAD(tail, pos)
            pos += 1 + size
            if kind not in _BEHIND_BIND or (kind == SYNC and pos != len(tail)):
                return
        if kind == SYNC:
            self._tails.add(tail)

    def _joined(self, data: bytes) -> bytes:
        """What was kept of a message, with what has come of it now; nothing: it is still not whole."""
        if not self._missing:
            data = bytes(self.rest) + data
            self.rest.clear()
            return data
        self._parts.append(data)
        self._missing -= len(data)
        if self._missing > 0:
            return b""
        data = b"".join(self._parts)
        self._parts.clear()
        self._missing = 0
        return data

    def _query_passes(self, data: bytes, pos: int, end: int) -> bool:
        sql = data[pos + 5 : end - 1]
        control = self.plain.get(sql)
        if data[end - 1] or self.open or (control and self.guarding):
            return False
        if control is not None:
            passes = self._passes(sql)
        else:
            passes = 0 not in sql and (self.alike(sql) or self._passes_anew(sql))
        if passes:
            self.due += 1
            self.fresh = None
        return passes

    def _bind_passes(self, data: bytes, pos: int, end: int) -> bool:
        zero = data.find(0, pos + 5, end)
        stop = data.find(0, zero + 1, end)
        if zero < 0 or stop < 0:
            raise Malformed("a Bind without its names")
        name = data[zero + 1 : stop]
        bound = self.names.get(name)
        control = None if bound is None or name in self.heavy else self.plain.get(bound)
        if bound is None or control is None or (control and self.guarding):
            return False
        if zero > pos + 5 and not may_be_named(data[pos + 5 : zero]):
            return False
        if end - stop > _SHORT and not self.clean(data[pos:end]):
            return False
        if name == self.fresh:
            self.fresh = None
        elif not self._passes(bound):
            return False
        if control or self.controls or self.special:
            self.binds(data[pos + 5 : zero], bound if control else None)
        self.open = True
        return True

    def binds(self, portal: bytes, control: bytes | None) -> None:
        """A Bind goes on, of `control` or of nothing that is watched."""
        if control is not None:
            self.controls[portal] = control
        elif portal in self.controls:
            del self.controls[portal]
        elif portal not in self.special:
            return
        self.special.discard(portal)
        self.doubtful.discard(portal)
        self.rebound.add(portal)

    def _execute_passes(self, portal: bytes) -> bool:
        if portal and not may_be_named(portal):
            return False
        if portal in self.special or (self.guarding and portal in self.controls):
            return False
        self.open = True
        return True

    def _synced(self, size: int) -> None:
        if size != 4:
            raise Malformed("a Sync with something in it")
        self.due += 1
        self.open = False
        self.fresh = None

    def _parse_passes(self, data: bytes, pos: int, end: int) -> bool:
        name, sql, types = parse_fields(data, pos + 5, end)
        if name in self.heavy or (name and not may_be_named(name)):
            return False
        if not (self._passes(sql) if sql in self.plain else self._passes_anew(sql)):
            return False
        self.name(name, sql, types)
        self.touched.add(name)
        self.fresh = name
        self.open = True
        return True

    def _naming_passes(self, kind: int, which: int, name: bytes) -> bool:
        """A Describe, or a Close."""
        if name and not may_be_named(name):
            return False
        if kind == CLOSE and which == STATEMENT:
            if name in self.heavy:
                return False
            self.names.pop(name, None)
            self.types.pop(name, None)
            self.touched.add(name)
        self.open = True
        return True

    def _passes_anew(self, sql: bytes) -> bool:
        if not self.anew(sql):
            return False
        self.learn(sql, False)
        return True

    def _keep(self, data: bytes, pos: int, n: int) -> None:
        """What is not yet whole, or must be decided, stays here."""
        if self.held:
            self.rest += data[pos:]
            return
        kind = data[pos]
        if kind not in KNOWN and kind not in COPY:
            raise Malformed("an unknown message")
        if n - pos < 5:
            self.rest += data[pos:]
            return
        missing = HEAD(data, pos)[1] + 1 - (n - pos)
        if kind == COPY_DATA:
            self._drop = missing
            return
        self._parts.append(data[pos:])
        self._missing = missing

    def name(self, name: bytes, sql: bytes, types: tuple[int, ...] = ()) -> None:
        """A proven read has a name. Raises Malformed: there are too many."""
        if types or name in self.types:
            self.types[name] = types
        if len(self.names) >= self._limits.names and name not in self.names:
            raise Malformed("too many prepared statements")
        self.names[name] = sql

    # ---- names

    def failed(self) -> None:
        """The server has said ERROR: a Parse or Close that was under way may have had no effect."""
        for name in self.touched:
            self.names.pop(name, None)
            self.types.pop(name, None)
            self.heavy[name] = None
        self.touched.clear()
        self.fresh = None
        for portal in self.rebound:
            self.doubt(portal)
        self.rebound.clear()
        if len(self.heavy) > self._limits.names:
            raise Malformed("too many prepared statements")

    def calm(self) -> None:
        """Nothing is under way, and nothing has failed."""
        self.touched.clear()
        self.rebound.clear()

    def doubt(self, portal: bytes) -> None:
        """A Bind of it may have failed."""
        self.controls.pop(portal, None)
        self.doubtful.add(portal)
        self.special.add(portal)

    def end_portals(self) -> None:
        """The transaction has ended, and all its portals."""
        self.controls.clear()
        self.special.clear()
        self.doubtful.clear()

    def learn(self, sql: bytes, control: bool) -> None:
        """A text has been looked at and passes."""
        if len(self.plain) >= self._limits.texts or self._learned + len(sql) > self._limits.text_bytes:
            self.plain.clear()
            self._learned = 0
        if sql not in self.plain:
            self._learned += len(sql)
        self.plain[sql] = control

    def forget(self) -> None:
        """The connection has ended: what it knew need not wait for somebody to look for garbage."""
        for known in (self.plain, self.names, self.heavy, self.types, self.controls):
            known.clear()
        self.rest.clear()
        self._parts.clear()


def _never(sql: bytes) -> bool:
    return False
