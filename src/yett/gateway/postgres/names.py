"""What the names of prepared statements stand for, for SQL's EXECUTE: one namespace with the protocol's Parse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from yett.gateway.postgres.fields import Malformed
from yett.gateway.postgres.framing import Requests
from yett.operations.sql.statement import Statement

_MOST = 40_000
_AGAIN = 1 << 20
"""Texts that no name has are forgotten anew when so many bytes more were learned."""


class Prepared(Mapping[str, Statement]):
    """A name is here only if it is certain what the server has under it.

    `by_sql`: made by PREPARE. `read`: what a text that was parsed under a name would do, for those of one statement.
    """

    def __init__(self, requests: Requests, most_bytes: int) -> None:
        self._requests = requests
        self.by_sql: dict[bytes, Statement] = {}
        self.read: dict[bytes, Statement] = {}
        self._bytes, self._most_bytes = 0, most_bytes

    def learn(self, text: bytes, statement: Statement) -> None:
        """What a text would do that may be parsed under a name. Forgets texts that no name has.

        Raises:
            Malformed: those that have names are too long together.
        """
        if len(self.read) > _MOST or self._bytes + len(text) > self._most_bytes:
            self._forget_nameless()
        if text not in self.read:
            self._bytes += len(text)
        self.read[text] = statement

    def forget(self) -> None:
        """The connection has ended."""
        self.read.clear()
        self.by_sql.clear()

    def _forget_nameless(self) -> None:
        named = {*self._requests.names.values(), *self._requests.heavy.values()}
        self.read = {text: one for text, one in self.read.items() if text in named}
        self._bytes = sum(map(len, self.read))
        if self._bytes + _AGAIN > self._most_bytes:
            raise Malformed("prepared statements that are too long together")

    def text_of(self, name: bytes) -> bytes | None:
        """The text that was parsed under a name; None: by PREPARE, not certain, or nothing."""
        requests = self._requests
        return requests.heavy[name] if name in requests.heavy else requests.names.get(name)

    def __getitem__(self, name: str) -> Statement:
        key = name.encode()
        if key in self.by_sql:
            return self.by_sql[key]
        text = self.text_of(key)
        if text is None:
            raise KeyError(name)
        types = self._requests.types.get(key)
        return self.read[text] if not types else _declared(self.read[text], types)

    def __iter__(self) -> Iterator[str]:
        requests = self._requests
        for name in {**requests.names, **requests.heavy, **self.by_sql}:
            if (text := name.decode("utf-8", "replace")) in self:
                yield text

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and self[name] is not None
        except KeyError:
            return False

    def __bool__(self) -> bool:
        return bool(self._requests.names or self._requests.heavy or self.by_sql)


def _declared(statement: Statement, types: tuple[int, ...]) -> Statement:
    """With the types that its Parse declared, as a comment: they are a part of what an EXECUTE of it does."""
    return replace(statement, text=f"{statement.text}\n/* parameters of the types {', '.join(map(str, types))} */")
