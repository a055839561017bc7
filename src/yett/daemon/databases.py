"""A run's databases: each is found where the agent looks for it, and answers to the placeholders that the agent has."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote

from yett.broker.placeholders import new_placeholder
from yett.daemon.addresses import Addresses
from yett.daemon.masking import Masked
from yett.daemon.plane import Plane
from yett.gateway.databases.registry import Database
from yett.gateway.databases.seat import Doors, Seat
from yett.model.errors import YettError
from yett.model.identity import Session

_log = logging.getLogger("yett.daemon")

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", ""})
ANYBODY = ""
"""The user name of a client that took its login from nowhere but `yett run --database`."""

AGENT = "agent"
_LARGEST_READ = 4 << 20
_URL = re.compile(
    r"postgres(?:ql)?(?:\+[a-z0-9]+)?://(?P<user>[^\s:/@'\"]{1,200}):(?P<password>[^\s@/'\"]{1,200})"
    r"@(?P<host>[^\s:/?'\"]{1,255})(?::(?P<port>\d{1,5}))?/(?P<database>[^\s?'\"&]{1,200})"
)


def placeholders_for(
    database: Database, environ: Mapping[str, str], files: Iterable[Path], fresh: str
) -> dict[str, str]:
    """User name -> the password that this session's client would send: what masking put into its own settings.

    `environ` and `files` are the masked ones; `fresh` is for a client that has no setting of its own.
    """
    found = {ANYBODY: fresh, AGENT: fresh}
    for text in (*environ.values(), *map(_text, files)):
        for user, password in _logins(database, text):
            found.setdefault(user, password)
    user = environ.get("PGUSER", "")
    if user and environ.get("PGPASSWORD") and _is_at(database, environ.get("PGHOST", ""), environ.get("PGPORT", "")):
        found.setdefault(user, environ["PGPASSWORD"])
    return found


def variables_for(database: Database, fresh: str, environ: Mapping[str, str]) -> dict[str, str]:
    """How a client finds the database without any setting of its own; what is set already stays."""
    host = "127.0.0.1" if database.host in LOOPBACK else database.host
    url = f"postgresql://{AGENT}:{fresh}@{host}:{database.port}/{database.dbname}"
    wanted = {
        "DATABASE_URL": url,
        "PGHOST": host,
        "PGPORT": str(database.port),
        "PGUSER": AGENT,
        "PGPASSWORD": fresh,
        "PGDATABASE": database.dbname,
    }
    kept = {name: value for name, value in wanted.items() if name not in environ}
    whole = all(name in kept for name in wanted if name.startswith("PG"))
    return kept if whole else {name: value for name, value in kept.items() if not name.startswith("PG")}


def _logins(database: Database, text: str) -> Iterator[tuple[str, str]]:
    for match in _URL.finditer(text):
        if _is_at(database, match["host"], match["port"] or "") and unquote(match["database"]) == database.dbname:
            yield unquote(match["user"]), unquote(match["password"])


def _is_at(database: Database, host: str, port: str) -> bool:
    same = host == database.host or (host in LOOPBACK and database.host in LOOPBACK)
    return same and int(port or "5432") == database.port


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_READ).decode("utf-8", "replace")
    except OSError:
        return ""


class RunDatabases:
    """The databases of one run. Each answers at its own host and port, as it would without Yett."""

    def __init__(self, plane: Plane, session: Session, masked: Masked, wanted: str) -> None:
        """`wanted`: the database of `yett run --database`, "" if none. Raises YettError: there is none of that name."""
        self._plane = plane
        self._session = session
        self._opening: asyncio.Task[None] | None = None
        if wanted:
            plane.databases.named(wanted)
        self._seats = [self._seat(database, masked, wanted) for database in plane.databases.all]

    @property
    def loopback_ports(self) -> list[int]:
        return sorted({seat.database.port for seat in self._seats if seat.database.host in LOOPBACK})

    @property
    def roles(self) -> list[tuple[str, str]]:
        """(database, lease role) of those that were used."""
        return [(seat.database.name, seat.role) for seat in self._seats if seat.role]

    async def revoke(self, role: str) -> bool:
        """End one lease, with its connections. Whether it was one of these."""
        found = [seat for seat in self._seats if seat.role and seat.role == role]
        for seat in found:
            self._plane.front.drop(self._session.id)
            await seat.close()
        return bool(found)

    def ports_of(self, name: str) -> list[int]:
        return sorted({seat.database.port for seat in self._seats if seat.database.host == name})

    def listen(self, listener: socket.socket, name: str, port: int) -> None:
        """Serve every database of that host and port: a client says which of them it wants."""
        here = [seat for seat in self._seats if seat.database.port == port and _same_host(seat.database.host, name)]
        self._plane.front.listen(self._session.id, listener, Doors(here))

    def open_soon(self, addresses: Addresses) -> None:
        """Listen on 127.0.0.1 inside, as soon as the supervisor serves requests."""
        self._opening = asyncio.get_running_loop().create_task(self._open(addresses))

    async def close(self) -> None:
        """Connections first, then the roles."""
        if self._opening is not None:
            self._opening.cancel()
        self._plane.front.close_session(self._session.id)
        await asyncio.gather(*(seat.close() for seat in self._seats))

    async def _open(self, addresses: Addresses) -> None:
        for port in self.loopback_ports:
            try:
                self.listen(await addresses.listener("127.0.0.1", port), "127.0.0.1", port)
            except (YettError, OSError) as error:
                _log.warning("the database port %d cannot be opened inside: %s", port, error)

    def _seat(self, database: Database, masked: Masked, wanted: str) -> Seat:
        fresh = new_placeholder()
        files = (Path(mask["masked"]) for mask in masked.masks)
        placeholders = placeholders_for(database, masked.environ, files, fresh)
        if database.name == wanted:
            masked.environ |= variables_for(database, fresh, masked.environ)
        return Seat(self._plane.databases, self._session, database, placeholders)


def _same_host(one: str, other: str) -> bool:
    return one == other or (one in LOOPBACK and other in LOOPBACK)
