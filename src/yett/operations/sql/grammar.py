"""PostgreSQL's own grammar (libpg_query, BSD-3) by ctypes, over the shared object in the `postgast` wheel (BSD-2).

Neither `postgast` nor `protobuf` is imported: only the file is located. ctypes releases the GIL for a whole C call, and
libpg_query keeps its state thread-local. This file needs the standard library alone, for the worker loads it by path.

The build has no stack check: `1-1-1...` costs 63 bytes of C stack a byte of text and then kills the process, and nested
comments take quadratic time (measured). So `is_tame` decides what may be parsed here; everything else, and every
PL/pgSQL body, is `worker.py`'s. A NUL would end the text for C and not for the server: refused.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import os
import sys
import threading
from collections.abc import Callable
from ctypes import POINTER, Structure, c_char_p, c_int, c_size_t, c_void_p
from typing import Any

INLINE_BYTES = 16 * 1024
INLINE_COMMENTS = 200
INLINE_STACK = 7 << 20
"""Seven times what INLINE_BYTES of `1-1-...` need. A thread has 8 MB on Linux; the first one a little less at times."""

LARGEST = 1 << 20
VERSIONS = ("180004",)
"""PG_VERSION_NUM of grammars that this package was tested with: a newer one may have nodes that mean more."""


class GrammarError(ValueError):
    """The text is not PostgreSQL's SQL, in the parser's own words."""


class _Error(Structure):
    """PgQueryError of pg_query.h."""

    _fields_ = [
        ("message", c_char_p),
        ("funcname", c_char_p),
        ("filename", c_char_p),
        ("lineno", c_int),
        ("cursorpos", c_int),
        ("context", c_char_p),
    ]


class _Tree(Structure):
    """PgQueryParseResult."""

    _fields_ = [("out", c_char_p), ("stderr_buffer", c_char_p), ("error", POINTER(_Error))]


class _Body(Structure):
    """PgQueryPlpgsqlParseResult."""

    _fields_ = [("out", c_char_p), ("error", POINTER(_Error))]


class _Place(Structure):
    """PgQuerySplitStmt: offset and length in bytes."""

    _fields_ = [("location", c_int), ("length", c_int)]


class _Split(Structure):
    """PgQuerySplitResult."""

    _fields_ = [
        ("stmts", POINTER(POINTER(_Place))),
        ("n_stmts", c_int),
        ("stderr_buffer", c_char_p),
        ("error", POINTER(_Error)),
    ]


class Grammar:
    """The functions of one libpg_query. Texts are UTF-8 bytes without NUL; answers are copies."""

    def __init__(self, path: str) -> None:
        library = ctypes.CDLL(path)
        self._parse = _bound(library, "pg_query_parse_opts", "pg_query_free_parse_result", _Tree, c_int)
        self._split = _bound(library, "pg_query_split_with_parser", "pg_query_free_split_result", _Split)
        self._body = _bound(library, "pg_query_parse_plpgsql", "pg_query_free_plpgsql_parse_result", _Body)
        version = self.parse(b"")[len(b'{"version":') :].partition(b",")[0].decode()
        if version not in VERSIONS:
            raise OSError(f"the grammar of PostgreSQL {version} is not one that Yett was tested with")

    def parse(self, text: bytes, mode: int = 0) -> bytes:
        """The raw parse tree as JSON. `mode` is RawParseMode: 1 a type name, 2 an expression, 3 to 5 an assignment.

        Raises:
            GrammarError: not in the grammar.
        """
        tree: bytes = self._parse(lambda result: bytes(result.out), _whole(text), mode)
        return tree

    def split(self, text: bytes) -> list[tuple[int, int]]:
        """Offset and length of every statement, as the parser has them.

        Raises:
            GrammarError: not in the grammar.
        """
        places: list[tuple[int, int]] = self._split(_places, _whole(text))
        return places

    def body(self, text: bytes) -> bytes:
        """The PL/pgSQL of one DO or CREATE FUNCTION, as JSON that may be malformed. In the worker only: it can abort.

        Raises:
            GrammarError: not PL/pgSQL, or more than the parser knows without a server.
        """
        body: bytes = self._body(lambda result: bytes(result.out), _whole(text))
        return body


def is_tame(text: bytes) -> bool:
    """Whether parsing `text` on this thread can neither overflow its stack nor take long."""
    return len(text) <= INLINE_BYTES and text.count(b"/*") <= INLINE_COMMENTS and stack_bytes() >= INLINE_STACK


def locate() -> str:
    """The path of the shared object.

    Raises:
        OSError: the wheel is not installed.
    """
    spec = importlib.util.find_spec("postgast")
    folder = spec.submodule_search_locations[0] if spec and spec.submodule_search_locations else ""
    for name in ("libpg_query.so", "libpg_query.dylib"):
        if os.path.isfile(path := os.path.join(folder, name)):
            return path
    raise OSError("the grammar of PostgreSQL is not installed: pip install postgast")


@functools.cache
def grammar() -> Grammar:
    """The grammar of this process."""
    return Grammar(locate())


_thread = threading.local()


def stack_bytes() -> int:
    """The size of this thread's C stack; 0 where it cannot be known."""
    known: int | None = getattr(_thread, "stack_bytes", None)
    if known is None:
        known = _thread.stack_bytes = _measured()
    return known


def _measured() -> int:
    libc = ctypes.CDLL(None)
    libc.pthread_self.restype = c_void_p
    thread = c_void_p(libc.pthread_self())
    if sys.platform == "darwin":
        libc.pthread_get_stacksize_np.restype = c_size_t
        return int(libc.pthread_get_stacksize_np(thread))
    if not hasattr(libc, "pthread_getattr_np"):
        return 0
    attributes = ctypes.create_string_buffer(256)  # pthread_attr_t is 56 bytes in glibc and musl on 64 bits
    if libc.pthread_getattr_np(thread, attributes):
        return 0
    address, size = c_void_p(), c_size_t()
    libc.pthread_attr_getstack(attributes, ctypes.byref(address), ctypes.byref(size))
    libc.pthread_attr_destroy(attributes)
    return int(size.value)


def _whole(text: bytes) -> bytes:
    if b"\0" in text:
        raise GrammarError("a NUL byte")
    return text


def _places(result: Any) -> list[tuple[int, int]]:
    return [(place.contents.location, place.contents.length) for place in result.stmts[: result.n_stmts]]


def _bound(library: ctypes.CDLL, name: str, free: str, result: type[Structure], *extra: Any) -> Callable[..., Any]:
    """A function that calls C, reads what it needs from the result struct, and frees that. Any: ctypes has no types."""
    function, release = getattr(library, name), getattr(library, free)
    function.argtypes, function.restype = [c_char_p, *extra], result
    release.argtypes, release.restype = [result], None

    def call(read: Callable[[Any], Any], *arguments: Any) -> Any:
        answer = function(*arguments)
        try:
            if answer.error:
                raise GrammarError((answer.error.contents.message or b"").decode("utf-8", "replace"))
            return read(answer)
        finally:
            release(answer)

    return call
