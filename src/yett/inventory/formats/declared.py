"""A parser out of rows: at these paths of a structured file stands a credential."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from yett.inventory.formats.entry import Entry, Path, account_at, by_parent, text_of
from yett.inventory.formats.format import Unparsable
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

Reader = Callable[[bytes], Iterable[Entry]]
LONGEST = 4_000_000
"""Bytes. A longer file is no client's settings."""


@dataclass(frozen=True, slots=True)
class Row:
    """One place of a credential.

    `where` is a path with / between its keys: * for any key, a|b for one of them, ** in front for any depth; without
    regard to case. `user` and `host` are keys beside the value (a|b: the first that is there) that say whose it is;
    `named` is the position in the path of a key that does (-2: the object's own name), 0 for none.
    """

    where: str
    kind: str
    title: str
    identity: str = "password"
    provider: str = ""
    user: str = ""
    host: str = ""
    named: int = 0
    severity: Severity = Severity.HIGH
    keys: tuple[frozenset[str], ...] = field(init=False)

    def __post_init__(self) -> None:
        parts = self.where.lower().removeprefix("**/").split("/")
        object.__setattr__(self, "keys", tuple(frozenset(() if part == "*" else part.split("|")) for part in parts))

    def is_at(self, path: Path) -> bool:
        depth = len(self.keys)
        if len(path) < depth or (len(path) > depth and not self.where.startswith("**/")):
            return False
        return all(not keys or key.lower() in keys for keys, key in zip(self.keys, path[-depth:], strict=True))

    def hit(self, entry: Entry, siblings: dict[str, Entry]) -> Hit:
        host = text_of(siblings, *self.host.split("|"))
        if self.named and -self.named <= len(entry.path):
            host = host or entry.path[self.named]
        return entry.hit(
            self.kind,
            self.title,
            provider=self.provider,
            identity=self.identity,
            account=account_at(text_of(siblings, *self.user.split("|")), host),
            severity=self.severity,
        )


def declared(read: Reader, rows: tuple[Row, ...]) -> Callable[[bytes], Iterator[Hit]]:
    """A parser that gives the values at the rows' places, placeholders left out. The first row that fits counts.

    The file is read a second time for what stands beside the values, so that it is never held as a whole.
    """

    def parse(content: bytes) -> Iterator[Hit]:
        if len(content) > LONGEST:
            raise Unparsable(f"longer than {LONGEST} bytes")
        found, failure = _matches(read, rows, content)
        parents = {entry.parent for entry, _ in found}
        beside = by_parent(entry for entry in _readable(read, content) if entry.parent in parents) if found else {}
        for entry, row in found:
            hit = row.hit(entry, beside.get(entry.parent, {}))
            if "EXAMPLE" not in hit.account:  # the keys of Amazon's documentation
                yield hit
        if failure is not None:
            raise failure

    return parse


def _matches(read: Reader, rows: tuple[Row, ...], content: bytes) -> tuple[list[tuple[Entry, Row]], Unparsable | None]:
    found: list[tuple[Entry, Row]] = []
    try:
        for entry in read(content):
            row = next((row for row in rows if row.is_at(entry.path)), None)
            if row is not None and entry.is_real:
                found.append((entry, row))
    except Unparsable as failure:
        return found, failure
    return found, None


def _readable(read: Reader, content: bytes) -> Iterator[Entry]:
    """The entries up to where the file breaks."""
    try:
        yield from read(content)
    except Unparsable:
        return
