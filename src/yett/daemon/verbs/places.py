"""Environments: what providers show, what a person signed."""

from __future__ import annotations

from yett.approvals.acts import ActKind
from yett.daemon.channel import Message
from yett.daemon.environments import list_rows, proposal
from yett.daemon.plane import Plane
from yett.daemon.signing import ask_to_sign
from yett.model.errors import YettError
from yett.model.resource import Environment


async def propose(plane: Plane, request: Message) -> Message:
    found = await _found(plane)
    return {"environments": [{"provider": e.provider, "id": e.id, "name": e.name} for e in found]}


async def set_(plane: Plane, request: Message) -> Message:
    found = await _found(plane)
    production = [str(name) for name in request.get("production", [])]
    unknown = set(production) - {environment.name for environment in found}
    if unknown:
        known = ", ".join(sorted({e.name for e in found})) or "none"
        raise YettError(f"no environment is called {', '.join(sorted(unknown))}", f"those that Yett sees: {known}")
    return await ask_to_sign(plane, ActKind.ENVIRONMENTS, proposal(found, production))


async def list_(plane: Plane, request: Message) -> Message:
    return {"environments": plane.store.read(list_rows)}


async def _found(plane: Plane) -> list[Environment]:
    """Every environment that Yett's own credentials show."""
    found: list[Environment] = []
    for room in plane.book.rooms:
        inspector, secret = room.inspector(), plane.own_secret(room.name)
        if inspector is not None and secret is not None:
            found += await inspector.environments(plane.api, secret)
    return [*found, *plane.databases.environments]


VERBS = {"environments.propose": propose, "environments.set": set_, "environments.list": list_}
