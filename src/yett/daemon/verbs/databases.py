"""Databases: which there are, what a lease on each may touch."""

from __future__ import annotations

from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.gateway.databases import registry
from yett.gateway.databases.registry import Database
from yett.gateway.databases.scopes import scope_from
from yett.model.errors import YettError
from yett.providers.postgres.dump import Address

PLACE = "PostgreSQL connection string"


async def add(plane: Plane, request: Message) -> Message:
    """Look at the database with the given login; keep the login in the vault, and the rest in the registry."""
    name, url = str(request["name"]), str(request.get("value", "")).strip()
    if not name.replace("-", "").replace("_", "").isalnum():
        raise YettError(f"{name!r} is no name for a database", "use letters, digits, - and _")
    address = Address.parse(url)
    host, port = address.get("host") or "127.0.0.1", int(address.get("port") or 5432)
    seen = await plane.databases.identify(address)
    environment = str(request.get("environment") or "") or name
    scope = {
        "mode": "read" if request.get("read_only") else "write",
        "schemas": [str(one) for one in request.get("schemas") or seen.schemas],
        "masked": [str(one) for one in request.get("masked") or ()],
        "veiled": [str(one) for one in request.get("veiled") or ()],
    }
    scope_from(scope)
    secret = f"database/{name}"
    database = Database(name, seen.id, host, port, seen.dbname, environment, secret, scope)
    plane.databases.keep_login(secret, url, plane.owner, environment)
    await plane.journal.run(lambda tx: registry.write(tx, database, plane.owner, plane.desk.clock()))
    plane.databases.reload()
    return {"database": database.as_json(), "warnings": list(seen.warnings)}


async def list_(plane: Plane, request: Message) -> Message:
    return {"databases": [one.as_json() for one in plane.databases.all]}


async def remove(plane: Plane, request: Message) -> Message:
    name = str(request["name"])
    database = plane.databases.named(name)
    await plane.databases.leave(database)
    await plane.journal.run(lambda tx: registry.forget(tx, name, plane.owner))
    plane.broker.remove(database.secret)
    plane.databases.reload()
    return {"ok": True}


VERBS = {"database.add": add, "database.list": list_, "database.remove": remove}
