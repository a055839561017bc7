"""Which schemas an unqualified name is looked for in, for a role without settings of its own: the database's path."""

from __future__ import annotations

from yett.model.errors import ConfigurationError
from yett.providers.postgres.identifiers import split
from yett.providers.postgres.own import Own

_PATH = "SELECT setting, source FROM pg_catalog.pg_settings WHERE name = 'search_path'"
_SET = """
SELECT pg_catalog.substr(one, 13) FROM pg_catalog.pg_db_role_setting s, pg_catalog.unnest(s.setconfig) one
WHERE s.setrole = 0 AND one LIKE 'search_path=%'
  AND s.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
ORDER BY s.setdatabase DESC LIMIT 1"""
_OWN_SOURCES = ("user", "database user", "client", "session", "interactive", "override")
USER = "$user"


async def database_path(own: Own) -> tuple[str, ...]:
    """The schemas of the database's search_path, in order, without "$user" and without pg_catalog and pg_temp.

    Which of them a role may use is another question: the server skips those that it may not. Call it in a transaction:
    it changes that transaction's search_path.

    Raises:
        ConfigurationError: only the role of this connection has a search_path, so that nobody else's can be known.
        Unreadable: it is no list of names.
    """
    row = await (await own.execute(_SET)).fetchone()
    if row is None:
        await own.execute("SET LOCAL search_path TO DEFAULT")
        setting, source = await (await own.execute(_PATH)).fetchone() or ("", "session")
        await own.execute("SET LOCAL search_path = pg_catalog, pg_temp")
        if source in _OWN_SOURCES:
            raise ConfigurationError(
                "Yett's own role or connection string sets search_path, so that the database's own cannot be known.",
                "ALTER ROLE <Yett's own role> RESET search_path, and leave options out of the connection string.",
            )
        row = (setting,)
    return tuple(name for name in split(str(row[0])) if name not in (USER, "pg_catalog", "pg_temp"))
