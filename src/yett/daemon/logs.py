"""The daemon's log says what kind of thing broke and where, never what it held: a message may quote a secret.

`ValueError("bad header: Bearer ...")` is how a credential gets into a log. So of an exception only its class and the
places are written, for it and for what caused it; asyncio's own reports, which quote the exception, likewise.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Any

_log = logging.getLogger("yett.daemon")

Raised = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)  # what sys.exc_info gives


class Places(logging.Formatter):
    """Time, logger, level and message; of an exception its class and frames, without its message and its values."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s %(message)s")

    def formatException(self, ei: Raised) -> str:
        return "" if ei[1] is None else _places(ei[1])


def configure() -> None:
    """Have every logger of this process, and what ends a thread, write in this form to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Places())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    threading.excepthook = lambda ended: _log.error("a thread ended: %s", _places(ended.exc_value))


def report(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:  # Any: asyncio's own type
    """An exception handler for an event loop. Of its message only what stands before a callback's arguments."""
    said = str(context.get("message", "")).partition("(")[0]
    _log.error("%s: %s", said, _places(context.get("exception")))


def _places(raised: BaseException | None) -> str:
    lines, seen = [], set[int]()
    while raised is not None and id(raised) not in seen:
        seen.add(id(raised))
        lines.append(f"{type(raised).__module__}.{type(raised).__qualname__}")
        lines += [f"  {f.filename}:{f.lineno} {f.name}" for f in traceback.extract_tb(raised.__traceback__)]
        raised = raised.__cause__ or (None if raised.__suppress_context__ else raised.__context__)
    return "\n".join(lines)
