"""Names to addresses, in threads of their own: a session's slow names keep only that session waiting.

The event loop would look names up in two threads of libuv that all sessions share, and passes even a literal address
through them: two names whose servers do not answer, and no connection is made by anybody for ten seconds.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import suppress
from weakref import WeakValueDictionary

EACH = 8
"""Lookups of one session at a time; the others wait their turn."""


class Resolver:
    """Asks the system's resolver. Used on one event loop."""

    def __init__(self) -> None:
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def addresses(self, who: str, host: str, port: int) -> list[str]:
        """The addresses of a name, in the system's order. `who`: the session that asks.

        Raises:
            OSError: it does not resolve.
        """
        turn = self._turns.setdefault(who, asyncio.Semaphore(EACH))
        await turn.acquire()
        loop = asyncio.get_running_loop()
        found: asyncio.Future[list[str]] = loop.create_future()

        def settle(result: list[str] | OSError) -> None:
            turn.release()
            if found.done():
                return
            if isinstance(result, OSError):
                found.set_exception(result)
            else:
                found.set_result(result)

        def look_up() -> None:
            result = _looked_up(host, port)
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, result)

        try:
            threading.Thread(target=look_up, name=f"yett-name-{host}", daemon=True).start()
        except RuntimeError:
            settle(OSError("no thread is left to look it up"))
        return await found


def _looked_up(host: str, port: int) -> list[str] | OSError:
    try:
        return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except OSError as error:
        return error
    except UnicodeError:
        return OSError("it is no host name")
