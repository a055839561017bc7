"""The screen: which expressions occur in a buffer, in one pass. Hyperscan where it has a wheel, RE2's set elsewhere."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from yett.inventory.engine.expressions import Expression

Buffer = bytes | memoryview


class Screen(Protocol):
    """Says which ids occur; never where, and nothing about what only looks alike."""

    def found(self, data: Buffer) -> set[int]: ...


def hyperscan_version() -> str:
    """ "" where there is no hyperscan."""
    try:
        import hyperscan
    except ImportError:
        return ""
    from importlib.metadata import version

    return version("hyperscan") if hyperscan else ""


def hyperscan_errors() -> tuple[type[Exception], ...]:
    """What loading a database may raise: it was made by another version, or is none."""
    import hyperscan

    return (hyperscan.error, ValueError)


def compiled(expressions: Sequence[Expression]) -> bytes:
    """A block database: SINGLEMATCH (at most one callback an id and buffer), without start of match, which would make
    it fifteen times larger. Serialised for this version of hyperscan; it uses no features of one processor only.
    """
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    once = hyperscan.HS_FLAG_SINGLEMATCH | hyperscan.HS_FLAG_DOTALL
    database.compile(
        expressions=[each.pattern for each in expressions],
        ids=[each.id for each in expressions],
        flags=[once | (hyperscan.HS_FLAG_CASELESS if each.caseless else 0) for each in expressions],
    )
    return bytes(hyperscan.dumpb(database))


class HyperscanScreen:
    """One database, a scratch space for each thread."""

    def __init__(self, serialised: bytes) -> None:
        import hyperscan

        self._hyperscan: Any = hyperscan  # Any: the extension module is only partly typed
        self._database: Any = hyperscan.loadb(serialised, hyperscan.HS_MODE_BLOCK)
        self._local = threading.local()

    def found(self, data: Buffer) -> set[int]:
        try:
            tools: tuple[Any, set[int], Callable[..., None]] = self._local.tools
        except AttributeError:
            tools = self._local.tools = self._tools()
        scratch, hits, report = tools
        self._database.scan(data, match_event_handler=report, scratch=scratch)
        if not hits:
            return hits
        found = hits.copy()
        hits.clear()
        return found

    def _tools(self) -> tuple[Any, set[int], Callable[..., None]]:
        hits: set[int] = set()
        add = hits.add
        return self._hyperscan.Scratch(self._database), hits, lambda id_, _start, _end, _flags, _context: add(id_)


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
            self._set.Add(b"(?i)" + each.pattern if each.caseless else each.pattern)
        self._set.Compile()

    def found(self, data: Buffer) -> set[int]:
        return {self._ids[index] for index in self._set.Match(bytes(data))}
