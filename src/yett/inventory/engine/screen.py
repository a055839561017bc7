"""The screen: which expressions occur in a buffer, in one pass. Hyperscan where it has a wheel, RE2's set elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from yett.inventory.engine.expressions import MANY, Expression

Buffer = bytes | memoryview


@dataclass(frozen=True, slots=True)
class Sight:
    """What occurs in a buffer: ids, and of those in `MANY` every offset where a match ends, in ascending order."""

    ids: frozenset[int]
    ends: Mapping[int, Sequence[int]]


NOTHING = Sight(frozenset(), {})


class Screen(Protocol):
    """Says which ids occur, and of the frequent ones where each match ends; nothing about what only looks alike."""

    def found(self, data: Buffer) -> Sight: ...


def hyperscan_version() -> str:
    """ "" where there is no hyperscan."""
    try:
        import hyperscan
    except ImportError:
        return ""
    return str(vars(hyperscan)["__version__"])


def hyperscan_errors() -> tuple[type[Exception], ...]:
    """What loading a database may raise: it was made by another version, or is none."""
    import hyperscan

    return (hyperscan.error, ValueError)


def compiled(expressions: Sequence[Expression]) -> bytes:
    """A block database: SINGLEMATCH (at most one callback an id and buffer) but for `MANY`, and without start of match,
    which would make it fifteen times larger. Serialised for this version of hyperscan, for every processor.
    """
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    database.compile(
        expressions=[each.pattern for each in expressions],
        ids=[each.id for each in expressions],
        flags=[_flags(hyperscan, each) for each in expressions],
    )
    return bytes(hyperscan.dumpb(database))


def _flags(hyperscan: Any, each: Expression) -> int:  # Any: the extension module is only partly typed
    flags: int = hyperscan.HS_FLAG_DOTALL
    if each.id not in MANY:
        flags |= hyperscan.HS_FLAG_SINGLEMATCH
    return flags | hyperscan.HS_FLAG_CASELESS if each.caseless else flags


class HyperscanScreen:
    """One database, a scratch space for each thread."""

    def __init__(self, serialised: bytes) -> None:
        import hyperscan

        self._hyperscan: Any = hyperscan  # Any: the extension module is only partly typed
        self._database: Any = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
        self._local = threading.local()

    def found(self, data: Buffer) -> Sight:
        try:
            tools: tuple[Any, list[tuple[int, int]], Callable[..., None]] = self._local.tools
        except AttributeError:
            tools = self._local.tools = self._tools()
        scratch, matches, report = tools
        self._database.scan(data, match_event_handler=report, scratch=scratch)
        if not matches:
            return NOTHING
        sight = _sight(matches)
        matches.clear()
        return sight

    def _tools(self) -> tuple[Any, list[tuple[int, int]], Callable[..., None]]:
        matches: list[tuple[int, int]] = []
        add = matches.append
        scratch = self._hyperscan.Scratch(self._database)
        return scratch, matches, lambda id_, _start, end, _flags, _context: add((id_, end))


def _sight(matches: Sequence[tuple[int, int]]) -> Sight:
    ends: dict[int, list[int]] = {}
    for id_, end in matches:
        ends.setdefault(id_, []).append(end)
    for each in ends.values():
        if len(each) > 1:
            each.sort()  # expressions that share an id report one after the other
    return Sight(frozenset(ends), ends)


class Re2Screen:
    """The same answer from RE2, several times slower."""

    MEMORY = 256 << 20
    """Bytes for its automaton: with less it falls back to matching one pattern after another, or gives up."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        import re2

        options = re2.Options()
        options.encoding = re2.Options.Encoding.LATIN1
        options.max_mem = self.MEMORY
        options.dot_nl = True
        options.log_errors = False
        self._ids = [each.id for each in expressions]
        self._set = re2.Set.SearchSet(options)
        for each in expressions:
            self._set.Add(_python(each))
        self._set.Compile()
        many = (each for each in enumerate(expressions) if each[1].id in MANY)
        self._many = {index: re2.compile(_python(each), options) for index, each in many}

    def found(self, data: Buffer) -> Sight:
        text = bytes(data)
        matches: list[tuple[int, int]] = []
        for index in self._set.Match(text) or ():
            id_, pattern = self._ids[index], self._many.get(index)
            matches += [(id_, found.end()) for found in pattern.finditer(text)] if pattern else [(id_, 0)]
        return _sight(matches)


def _python(each: Expression) -> bytes:
    return b"(?i)" + each.pattern if each.caseless else each.pattern
