"""Dump a database over its wire, restore it, and prove that the two are equal."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from yett.model.errors import YettError
from yett.providers.postgres.binaries import binaries
from yett.providers.postgres.content import Content, read_content
from yett.providers.postgres.server import scratch_server

DUMP = "database.dump"
GLOBALS_GAP = "roles, tablespaces and other databases of the same server are not part of it"


@dataclass(frozen=True, slots=True)
class Address:
    """How to reach a database. `password` never appears in a command line, a repr or an error."""

    parameters: tuple[tuple[str, str], ...]
    password: str

    def __repr__(self) -> str:
        return f"Address({dict(self.parameters)})"

    @classmethod
    def parse(cls, url: str) -> Address:
        """From a connection string as a provider's API returns it."""
        try:
            parts = conninfo_to_dict(url)
        except psycopg.ProgrammingError:
            raise YettError("the provider returned a connection string that cannot be read") from None
        password = str(parts.pop("password", "") or "")
        return cls(tuple(sorted((key, str(value)) for key, value in parts.items())), password)

    def at(self, host: str, port: int) -> Address:
        """The same database, dialled at another address."""
        kept = {key: value for key, value in self.parameters if key not in ("host", "hostaddr", "port")}
        kept |= {"host": host, "port": str(port)}
        return Address(tuple(sorted(kept.items())), self.password)

    def get(self, key: str, default: str = "") -> str:
        return dict(self.parameters).get(key, default)

    def connect(self) -> psycopg.Connection:
        try:
            return psycopg.connect(make_conninfo(**dict(self.parameters)), password=self.password, connect_timeout=10)
        except psycopg.OperationalError as error:
            raise YettError(f"the database cannot be reached: {_without(str(error), self.password)}") from None

    def conninfo(self) -> str:
        return make_conninfo(**dict(self.parameters))

    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ.get("PATH", ""),
            "PGPASSWORD": self.password,
            "PGCONNECT_TIMEOUT": "10",
            "LC_ALL": "C",
        }


def capture(address: Address, folder: Path) -> Content:
    """Dump into `folder` and hash the content within one snapshot, so that both tell of the same instant."""
    with address.connect() as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        snapshot = str(row[0]) if row else ""
        target = folder / DUMP
        target.touch(0o600)
        _run(
            [
                "pg_dump",
                "--format=custom",
                f"--snapshot={snapshot}",
                f"--file={target}",
                f"--dbname={address.conninfo()}",
            ],
            address,
        )
        return read_content(connection)


def verify(folder: Path, expected: Content) -> None:
    """Restore the dump beside, in a scratch server, and compare.

    Raises:
        YettError: it does not restore, or what comes back is not what was there.
    """
    with scratch_server() as parameters:
        scratch = Address(tuple(sorted(parameters.items())), "")
        _restore(folder, scratch, same_owner=False)
        with scratch.connect() as connection:
            found = expected.differences(read_content(connection))
    if found:
        raise YettError("the undo was restored beside and is not equal: " + "; ".join(found))


def restore(address: Address, folder: Path, expected: Content) -> None:
    """Load the dump into an empty database and compare."""
    _restore(folder, address, same_owner=True)
    with address.connect() as connection:
        found = expected.differences(read_content(connection))
    if found:
        raise YettError("the restored database is not equal to what was dumped: " + "; ".join(found))


def _restore(folder: Path, address: Address, *, same_owner: bool) -> None:
    flags = ["--exit-on-error", "--single-transaction"]
    if not same_owner:
        flags += ["--no-owner", "--no-privileges"]
    _run(["pg_restore", *flags, f"--dbname={address.conninfo()}", str(folder / DUMP)], address)


def _run(command: list[str], address: Address) -> None:
    program = binaries() / command[0]
    done = subprocess.run(
        [program, *command[1:]], env=address.environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise YettError(f"{command[0]} failed: {_without(done.stderr.strip(), address.password)[-400:]}")


def _without(text: str, secret: str) -> str:
    return text.replace(secret, "***") if secret else text
