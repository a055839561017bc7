"""Which plan hides the rows that come now: statements and portals followed through one connection. No I/O.

Rows say nothing of their columns: RowDescription does, once, at Describe of a statement or a portal or in the answer to
a simple Query. So every message that went to the server is noted, and answered ones are taken off in the order in which
the server answers. Names are bound only when the server has confirmed: a Parse of a name that is taken fails and must
not change what the name stands for; what stands between an error and the next Sync was never done.

What was never described is hidden whole if it touches a masked table. What does not fit ends the session.

SQL has the same names: PREPARE and DEALLOCATE, DECLARE and CLOSE, also from inside a function. So after a text that is
not known to the end (`Touch.UNKNOWN`) no name of a portal is known any more, nor, unless it is told that names of
statements are still the same, of a statement.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from struct import Struct
from struct import error as StructError

from yett.gateway.postgres import messages as m
from yett.gateway.postgres.masks.masking import Masks, Plan, Unmaskable, everything, mask_rows, plan
from yett.gateway.postgres.masks.quoting import scrubbed
from yett.gateway.postgres.masks.touching import SETTLED, Touch, Unsettled, worst
from yett.operations.sql.catalog import FIRST_NORMAL_OID

_COUNT, _OID = Struct(">H").unpack_from, Struct(">I")
_NO_RIGHT = b"\0C42501\0"
LARGEST_ROW = 64 << 20
_ANSWERED = {m.PARSE_COMPLETE: m.PARSE, m.BIND_COMPLETE: m.BIND, m.CLOSE_COMPLETE: m.CLOSE}
_EMPTY_QUERY, _NO_DATA, _PARAMETERS, _SUSPENDED = 0x49, 0x6E, 0x74, 0x73  # I n t s
_STATEMENT = 0x53
_NOTED = frozenset((m.QUERY, m.PARSE, m.BIND, m.DESCRIBE, m.EXECUTE, m.CLOSE, m.SYNC))
_NOTHING = frozenset((m.FLUSH, m.TERMINATE, m.COPY_DATA, m.COPY_DONE, m.COPY_FAIL))


@dataclass(slots=True)
class _Shape:
    """What a statement or portal answers with. `judged`: what its text could show when that was asked last; `touch`
    adds what the server has told of it. `given`: what values of the types that its Parse declares could. `plan` None:
    not described; `moves`, `names`: how often cursors had moved and names of statements had changed by then."""

    sql: bytes
    touch: Touch
    plan: Plan | None = None
    moves: int = 0
    names: int = 0
    judged: Touch = Touch.UNKNOWN
    given: Touch = Touch.NOTHING


@dataclass(slots=True)
class _Asked:
    """A message that the server has not answered yet. `name`: the statement or portal that it is about."""

    kind: int
    name: bytes = b""
    of: bytes = b""
    sql: bytes = b""
    touch: Touch = Touch.NOTHING
    given: Touch = Touch.NOTHING
    on_statement: bool = False


class MaskedAnswers:
    """One connection's answers.

    `touch(sql)` says what a text could show, as the function of that name does of its statements; it is asked for every
    Query and Parse when it is sent, and again after `forget`.
    """

    def __init__(
        self,
        masks: Masks,
        touch: Callable[[bytes], Touch],
        unsettles: Callable[[bytes], Unsettled] | None = None,
        refused: Callable[[bytes], bytes] | None = None,
        given: Callable[[Collection[int]], Touch] | None = None,
    ) -> None:
        """`unsettles(sql)`: what a text does to names, besides the portals of one that is UNKNOWN. `refused(sql)`: a
        field for the ERROR of one that the server refused for want of a right. `given(oids)`: what making values of
        these types could show, that are not built in."""
        self._refused = refused
        self._given = given or _anything
        self._masks = masks
        self._touch = touch
        self._unsettles = unsettles or self._unsettles_all
        self._moves = self._names = 0
        self._asked: deque[_Asked] = deque()
        self._statements: dict[bytes, _Shape] = {}
        self._portals: dict[bytes, _Shape] = {}
        self._plan: Plan | None = None
        self._parts: list[bytes] = []
        self._missing = 0
        self._sent = bytearray()

    def forget(self, masks: Masks | None = None) -> None:
        """The catalog has changed: what was described may stand for other columns now, and a text for other tables."""
        if masks is not None:
            self._masks = masks
        for shape in (*self._statements.values(), *self._portals.values()):
            self._judge(shape, anew=True)
        for asked in self._asked:
            if asked.kind in (m.QUERY, m.PARSE):
                asked.touch = worst((asked.touch, self._touch(asked.sql)))

    def _judge(self, shape: _Shape, *, anew: bool = False) -> None:
        """What its text could show now; if that is not what it was, nothing that was described holds."""
        now = worst((self._touch(shape.sql), shape.given)) if shape.sql else Touch.UNKNOWN
        if anew or now is not shape.judged:
            shape.touch = shape.judged = now
            shape.plan = None

    def sent(self, data: bytes) -> None:
        """Note messages as they go to the server after its login, whole or in parts.

        Raises:
            Unmaskable: a message that is not of a session's, or whose answer cannot be masked.
        """
        buffer = self._sent
        buffer += data
        pos = 0
        while len(buffer) - pos >= 5:
            kind, size = m.HEAD(buffer, pos)
            end = pos + 1 + size
            if end > len(buffer):
                break
            if kind in _NOTED:
                self._note(kind, bytes(buffer[pos + 5 : end]))
            elif kind not in _NOTHING:
                raise Unmaskable("a message whose answer cannot be masked")
            pos = end
        del buffer[:pos]

    def feed(self, data: bytes) -> bytes:
        """What the client may see of what the server sent.

        Raises:
            Unmaskable: the session ends; nothing of `data` may go on.
        """
        if self._missing:
            self._parts.append(data)
            self._missing -= len(data)
            if self._missing > 0:
                return b""
            data = b"".join(self._parts)
            self._parts.clear()
            self._missing = 0
        out: list[bytes] = []
        try:
            pos = self._whole(data, out)
        except (StructError, ValueError, IndexError):
            raise Unmaskable("a message that cannot be read") from None
        if pos < len(data):
            self._parts.append(data[pos:])
            self._missing = max(1, self._missing)
        return b"".join(out)

    def _whole(self, data: bytes, out: list[bytes]) -> int:
        """Answer to all whole messages; gives where the first one stands that is cut off."""
        pos, end = 0, len(data)
        while end - pos >= 5:
            kind, size = m.HEAD(data, pos)
            after = pos + 1 + size
            if size < (6 if kind == m.DATA_ROW else 4) or size > LARGEST_ROW:
                raise Unmaskable("a message that is too short or too long")
            if after > end:
                self._missing = after - end
                break
            if kind == m.DATA_ROW:
                pos = mask_rows(data, pos, end, self._plan or self._undescribed(data, pos), out)
            else:
                out.append(self._answer(kind, data[pos:after]))
                pos = after
        return pos

    # ---- what was asked

    def _note(self, kind: int, body: bytes) -> None:
        if kind == m.QUERY:
            sql = body[:-1]
            self._asked.append(_Asked(kind, sql=sql, touch=self._touch(sql)))
        elif kind == m.PARSE:
            name, sql, declared = body.split(b"\0", 2)
            given = self._types(declared)
            self._asked.append(_Asked(kind, name, sql=sql, touch=worst((self._touch(sql), given)), given=given))
        elif kind == m.BIND:
            portal, statement = body.split(b"\0", 2)[:2]
            self._asked.append(_Asked(kind, portal, of=statement))
        elif kind == m.EXECUTE:
            self._asked.append(_Asked(kind, body.split(b"\0", 1)[0]))
        elif kind == m.SYNC:
            self._asked.append(_Asked(kind))
        else:
            self._asked.append(_Asked(kind, body[1:-1], on_statement=body[0] == _STATEMENT))

    def _types(self, declared: bytes) -> Touch:
        """Of what a Parse declares."""
        (count,) = _COUNT(declared, 0)
        made = {oid for (oid,) in _OID.iter_unpack(declared[2 : 2 + 4 * count]) if oid >= FIRST_NORMAL_OID}
        return self._given(made) if made else Touch.NOTHING

    # ---- what was answered

    def _answer(self, kind: int, whole: bytes) -> bytes:
        if kind == m.PARAMETER_STATUS:
            return whole
        if kind == m.NOTIFICATION:
            return self._unsaid(whole)
        if kind == m.NOTICE:
            return self._scrubbed(kind, whole)
        if kind == m.ERROR:
            shown = self._hinted(self._scrubbed(kind, whole))
            self._fail()
            return shown
        head = self._head()
        if kind == m.READY:
            self._ready(head, whole[5])
        elif kind == m.ROW_DESCRIPTION:
            shape = self._shape(head)
            if head.kind == m.DESCRIBE:  # a name in it may stand for another statement since it was parsed
                self._judge(shape)
            touch = shape.touch
            self._described(head, plan(whole[5:], self._masks, touch > 0, proven=touch.proven))
        elif kind == _NO_DATA and head.kind == m.DESCRIBE:
            self._asked.popleft()
        elif kind == _PARAMETERS and head.kind == m.DESCRIBE:
            pass
        elif kind in _ANSWERED and head.kind == _ANSWERED[kind]:
            self._done(self._asked.popleft())
        elif kind in (m.COMMAND_COMPLETE, _EMPTY_QUERY, _SUSPENDED) and head.kind in (m.EXECUTE, m.QUERY):
            self._ran(head)
            if head.kind == m.EXECUTE:
                self._asked.popleft()
        elif kind in (m.COPY_BOTH, 0x48, m.COPY_DATA, m.COPY_DONE) and head.kind in (m.EXECUTE, m.QUERY):
            if self._shape(head).touch > 0:
                raise Unmaskable("COPY of what could hold masked values")
        elif kind != m.COPY_IN:
            raise Unmaskable("an answer to nothing that was asked")
        return whole

    def _unsaid(self, whole: bytes) -> bytes:
        """That a channel was told something, and not what: nobody knows which row a payload is of (trigger functions
        send them whole)."""
        channel, payload, _ = whole[9:].split(b"\0", 2)
        if not (payload and self._masks.columns):
            return whole
        return m.message(m.NOTIFICATION, whole[5:9] + channel + b"\0\0")

    def _hinted(self, error: bytes) -> bytes:
        """Where the server refused a column that is withheld: with what a person may do about it."""
        if self._refused is None or not self._asked or _NO_RIGHT not in error:
            return error
        head = self._asked[0]
        if head.kind == m.BIND:
            sql = (self._statements.get(head.of) or _Shape(b"", Touch.UNKNOWN)).sql
        else:
            sql = head.sql if head.kind in (m.QUERY, m.PARSE) else self._shape(head).sql
        hint = self._refused(sql) if sql else b""
        return m.message(m.ERROR, error[5:-1] + hint + b"\0") if hint else error

    def _head(self) -> _Asked:
        if not self._asked:
            raise Unmaskable("an answer to nothing that was asked")
        return self._asked[0]

    def _shape(self, head: _Asked) -> _Shape:
        """Of the statement or portal that the server is at. What is not known could be anything."""
        if head.kind == m.QUERY:
            return _Shape(head.sql, head.touch)
        known = self._statements if head.kind == m.DESCRIBE and head.on_statement else self._portals
        return known.get(head.name) or _Shape(b"", Touch.UNKNOWN)

    def _undescribed(self, data: bytes, pos: int) -> Plan:
        """Rows whose shape was told at Describe, before; or never."""
        head = self._head()
        if head.kind != m.EXECUTE:
            raise Unmaskable("rows that nobody asked for")
        shape = self._shape(head)
        if not self._holds(shape):
            shape.plan, shape.touch = None, Touch.UNKNOWN
        found = shape.plan or everything(data, pos)
        self._plan = found if shape.plan or shape.touch else Plan(found.columns, (), False)
        return self._plan

    def _described(self, head: _Asked, made: Plan) -> None:
        if head.kind == m.QUERY:
            self._plan = made
            head.touch = _told(head.touch, made)
            return
        if head.kind != m.DESCRIBE:
            raise Unmaskable("a RowDescription that nobody asked for")
        shape = self._shape(head)
        shape.plan, shape.touch = made, _told(shape.touch, made)
        shape.moves, shape.names = self._moves, self._names
        self._asked.popleft()

    def _holds(self, shape: _Shape) -> bool:
        """Whether what hangs on cursors or on names still shows what it showed when it was described."""
        does = self._unsettles(shape.sql)
        return not (does.follows and shape.moves != self._moves) and not (does.executes and shape.names != self._names)

    def _done(self, asked: _Asked) -> None:
        named = bool(asked.name)  # SQL has no word for what has no name
        if asked.kind == m.PARSE:
            self._statements[asked.name] = _Shape(asked.sql, asked.touch, judged=asked.touch, given=asked.given)
            self._names += named
        elif asked.kind == m.BIND:
            of = self._statements.get(asked.of) or _Shape(b"", Touch.UNKNOWN)
            self._judge(of, anew=not self._holds(of))
            self._moves += named
            self._portals[asked.name] = replace(of, moves=self._moves, names=self._names)
        elif asked.on_statement:
            self._statements.pop(asked.name, None)
            self._names += named
        else:
            self._portals.pop(asked.name, None)
            self._moves += named

    def _ran(self, head: _Asked) -> None:
        """A text has run, or failed: neither undoes a PREPARE."""
        self._plan = None
        if head.kind not in (m.QUERY, m.EXECUTE):
            return
        shape = self._shape(head)
        does = self._unsettles(shape.sql)
        self._names += does.statements is None or bool(does.statements)
        if does.statements is None:
            self._statements.clear()
        else:
            for name in does.statements:
                self._statements.pop(name, None)
        if does.portals or shape.touch is Touch.UNKNOWN:
            self._portals.clear()
            self._moves += 1

    def _unsettles_all(self, sql: bytes) -> Unsettled:
        unknown = not sql or self._touch(sql) is Touch.UNKNOWN
        return Unsettled(portals=True, statements=None) if unknown else SETTLED

    def _fail(self) -> None:
        """The server reads on from the next Sync; after an error in a simple Query comes its ReadyForQuery."""
        if self._asked:
            self._ran(self._asked[0])
        if self._asked and self._asked[0].kind == m.QUERY:
            return
        while self._asked and self._asked[0].kind != m.SYNC:
            self._asked.popleft()

    def _ready(self, head: _Asked, status: int) -> None:
        if head.kind not in (m.SYNC, m.QUERY):
            raise Unmaskable("ReadyForQuery before all was answered")
        self._plan = None
        self._asked.popleft()
        if status == m.IDLE:
            self._portals.clear()

    def _scrubbed(self, kind: int, whole: bytes) -> bytes:
        """An error or notice of a statement that could show masked values keeps its code and loses its words."""
        if not self._asked or not self._touch_of(self._asked[0]).tells:
            return whole
        return scrubbed(kind, whole)

    def _touch_of(self, head: _Asked) -> Touch:
        """What an error at Sync is about (a deferred constraint) is not known."""
        if head.kind == m.BIND:
            return (self._statements.get(head.of) or _Shape(b"", Touch.UNKNOWN)).touch
        if head.kind in (m.PARSE, m.QUERY):
            return head.touch
        return Touch.UNKNOWN if head.kind == m.SYNC else self._shape(head).touch


def _anything(types: Collection[int]) -> Touch:
    return Touch.UNKNOWN


def _told(touch: Touch, made: Plan) -> Touch:
    """What RowDescription adds to what was known before."""
    return worst((touch, Touch.MASKED)) if made.touches else touch
