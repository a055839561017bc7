"""Databases: which there are, what a lease on each may touch."""

from __future__ import annotations

from yett.approvals.acts import ActKind
from yett.daemon.channel import Message
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign
from yett.gateway.databases import registry
from yett.gateway.databases.allowed import unmasking
from yett.gateway.databases.allowed.scopes import columns_from, limits_from, said_limits, scope_from
from yett.gateway.databases.allowed.sending import body_of_more
from yett.gateway.databases.allowed.widening import body_of, keep_scope, known_scope, widened
from yett.gateway.databases.registry import Database
from yett.gateway.databases.service import Showing
from yett.ledger.journal import Transaction
from yett.model.canonical import Json
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
    scope: dict[str, Json] = {
        "mode": "read" if request.get("read_only") else "write",
        "schemas": [str(one) for one in request.get("schemas") or seen.schemas],
        "masked": [str(one) for one in request.get("masked") or ()],
        "veiled": [str(one) for one in request.get("veiled") or ()],
        **limits_from(request),
    }
    if backup := str(request.get("backup") or "").strip():
        scope["backup"] = backup
    scope_from(scope)
    if wider := widened(plane.store.read(lambda reader: known_scope(reader, seen.id)), scope):
        asked = await ask_to_sign(plane, ActKind.WIDEN, body_of(name, seen.id, wider, scope))
        return {**asked, "wider": list(wider)}
    secret = f"database/{name}"
    database = Database(name, seen.id, host, port, seen.dbname, environment, secret, scope)
    plane.databases.keep_login(secret, url, plane.owner, environment)

    def write(tx: Transaction) -> None:
        if widened(known_scope(tx, seen.id), scope):
            raise YettError("what tasks may do there has just been narrowed", "run the same command again")
        registry.write(tx, database, plane.owner, plane.desk.clock())
        keep_scope(tx, seen.id, scope)

    await plane.journal.run(write)
    plane.databases.reload()
    return {"database": database.as_json(), "warnings": list(seen.warnings)}


async def list_(plane: Plane, request: Message) -> Message:
    """`limits`: what counts, also where nothing was said."""
    listed: list[Json] = [{**one.as_json(), "limits": said_limits(one.scope)} for one in plane.databases.all]
    return {"databases": listed}


async def remove(plane: Plane, request: Message) -> Message:
    name = str(request["name"])
    database = plane.databases.named(name)
    await plane.databases.leave(database)
    await plane.journal.run(lambda tx: registry.forget(tx, name, plane.owner))
    plane.broker.remove(database.secret)
    plane.databases.reload()
    return {"ok": True}


async def show(plane: Plane, request: Message) -> Message:
    """Propose that a running session sees columns that are masked for it; a person signs it."""
    database = plane.databases.named(str(request["name"]))
    columns = columns_from([str(one) for one in request.get("columns") or ()])
    masked = scope_from(database.scope)
    named = [f"{table}.{column}" for table, names in sorted(columns.items()) for column in sorted(names)]
    known = {f"{t}.{c}" for masks in (masked.masked, masked.veiled) for t, names in masks.items() for c in names}
    if not named or (strange := sorted(set(named) - known)):
        said = ", ".join(strange) if named else "no column"
        raise YettError(f"{said} is not masked in {database.name}", f"those that are: {', '.join(sorted(known))}")
    seat = _seat(plane, database, str(request.get("session", "")))
    task = seat.session.task
    minutes = float(str(request.get("minutes") or 0))
    now = plane.desk.clock() / 1e9
    until = int(min(task.expires, now + minutes * 60) if minutes > 0 else task.expires)
    body = unmasking.body_of(database, seat.session, named, until)
    return await ask_to_sign(plane, ActKind.UNMASK, body)


async def allow(plane: Plane, request: Message) -> Message:
    """Propose that a running session may have more of a database than every task may; a person signs it."""
    database = plane.databases.named(str(request["name"]))
    more = body_of_more(request)
    seat = _seat(plane, database, str(request.get("session", "")))
    task = seat.session.task
    body: dict[str, Json] = {
        "database": database.name,
        "id": database.id,
        "more": more,
        "to": f"{seat.session.principal.agent}, for: {task.purpose}",
        "session": seat.session.id,
        "task": task.id,
        "until": int(task.expires),
    }
    return await ask_to_sign(plane, ActKind.BUDGET, body)


def _seat(plane: Plane, database: Database, session: str) -> Showing:
    seats = [one for one in plane.databases.seats if one.database.id == database.id]
    if session:
        seats = [one for one in seats if one.session.id == session]
    if len(seats) == 1:
        return seats[0]
    running = ", ".join(sorted(one.session.id for one in seats))
    if not running:
        raise YettError(f"no running task has {database.name}", "start one: yett run")
    raise YettError(f"several running tasks have {database.name}", f"say which: --session, one of {running}")


VERBS = {
    "database.allow": allow,
    "database.add": add,
    "database.list": list_,
    "database.remove": remove,
    "database.show": show,
}
