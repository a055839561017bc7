"""Extended messages that are decided and not sent yet, and what they do to names of statements and portals."""

from __future__ import annotations

from dataclasses import dataclass, field

from yett.gateway.postgres import replies
from yett.gateway.postgres.desk import Stopped, Told
from yett.gateway.postgres.framing import Requests
from yett.gateway.postgres.names import Prepared
from yett.gateway.postgres.portals import DOUBTFUL, Portal


@dataclass(frozen=True, slots=True)
class Named:
    """What was parsed under a name."""

    sql: bytes
    types: tuple[int, ...]


@dataclass(slots=True)
class Unsent:
    """`renamed`, `bound`: None where nothing stands under the name, or nothing that is watched. `changing`: a write is
    among them."""

    messages: list[bytes] = field(default_factory=list)
    size: int = 0
    renamed: dict[bytes, Named | None] = field(default_factory=dict)
    bound: dict[bytes, Portal | None] = field(default_factory=dict)
    changing: bool = False


class Batch:
    """Names stand for what the server has under them once `settle` has heard how the messages ended."""

    def __init__(self, requests: Requests, prepared: Prepared) -> None:
        self.unsent = Unsent()
        self._requests = requests
        self._prepared = prepared
        self._portals: dict[bytes, Portal] = {}

    def __bool__(self) -> bool:
        return bool(self.unsent.messages)

    def add(self, message: bytes) -> None:
        self.unsent.messages.append(message)
        self.unsent.size += len(message)

    def take(self) -> Unsent:
        """They go to the server, or nowhere."""
        taken, self.unsent = self.unsent, Unsent()
        return taken

    def settle(self, sent: Unsent, *, failed: bool) -> None:
        """Now it is known whether they had an effect."""
        self._rename(sent.renamed, failed=failed)
        self._rebind(sent.bound, failed=failed)

    def _rename(self, renamed: dict[bytes, Named | None], *, failed: bool) -> None:
        requests = self._requests
        for name, parsed in renamed.items():
            requests.names.pop(name, None)
            requests.heavy.pop(name, None)
            requests.types.pop(name, None)
            self._prepared.by_sql.pop(name, None)
            if failed:
                requests.heavy[name] = None
            elif parsed is not None and parsed.sql in requests.plain:
                requests.name(name, parsed.sql, parsed.types)
            elif parsed is not None:
                requests.heavy[name] = parsed.sql
                if parsed.types:
                    requests.types[name] = parsed.types

    def _rebind(self, bound: dict[bytes, Portal | None], *, failed: bool) -> None:
        for name, portal in bound.items():
            if failed:
                self._requests.doubt(name)
                continue
            self._requests.binds(name, None)
            if portal is not None:
                self._portals[name] = portal
                self._requests.special.add(name)
        if not failed:
            self._requests.rebound.difference_update(bound)

    def end_portals(self) -> None:
        """With their transaction."""
        self._portals.clear()
        self._requests.end_portals()

    # ---- what names stand for, once this was sent

    def text_of(self, name: bytes) -> bytes:
        """A statement's. Raises Stopped: nothing, as far as this connection knows."""
        if name in self.unsent.renamed:
            parsed = self.unsent.renamed[name]
            sql = None if parsed is None else parsed.sql
        else:
            sql = self._prepared.text_of(name)
            if sql is None and name in self._prepared.by_sql:
                sql = b'EXECUTE "' + name.replace(b'"', b'""') + b'"'
        if sql is None:
            what = name.decode("utf-8", "replace")
            raise Stopped(Told(f'prepared statement "{what}" does not exist', "", replies.NO_SUCH_STATEMENT))
        return sql

    def types_of(self, name: bytes) -> tuple[int, ...]:
        parsed = self.unsent.renamed.get(name)
        return self._requests.types.get(name, ()) if parsed is None else parsed.types

    def portal(self, name: bytes) -> Portal | None:
        """What is watched under a name. Raises Stopped: the server may have another portal there."""
        if name in self.unsent.bound:
            return self.unsent.bound[name]
        if name in self._requests.doubtful:
            raise Stopped(DOUBTFUL)
        return self._portals.get(name) if name in self._requests.special else None
