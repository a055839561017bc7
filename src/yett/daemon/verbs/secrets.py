"""Secrets and leases. A value comes in and never goes out."""

from __future__ import annotations

import asyncio

from yett.daemon.channel import Message
from yett.daemon.plane import OWN, Plane
from yett.gateway.databases.registry import POSTGRES
from yett.model.errors import YettError


async def add(plane: Plane, request: Message) -> Message:
    provider = str(request["provider"])
    room = plane.book.named(provider)
    if room is None:
        known = ", ".join(sorted(room.name for room in plane.book.rooms if room.positions))
        raise YettError(f"Yett knows no provider {provider!r}", f"those with a folder: {known}")
    value = str(request.get("value", ""))
    if not value:
        raise YettError("no value was given", "type it at the prompt, or pipe it in")
    kind = str(request.get("kind") or "") or await _kind(plane, provider, value)
    purpose = OWN if request.get("own") else str(request.get("purpose", ""))
    kept = await asyncio.to_thread(
        plane.vault.put,
        str(request["name"]),
        provider,
        kind,
        value,
        purpose,
        plane.owner,
        hosts=room.hosts,
        position=room.positions[0] if room.positions else "header:authorization",
        environment=str(request.get("environment") or "") or None,
    )
    return {"name": kept.name, "kind": kept.kind, "fingerprint": kept.fingerprint}


async def list_(plane: Plane, request: Message) -> Message:
    return {"secrets": [kept.as_json() for kept in plane.vault.list()]}


async def remove(plane: Plane, request: Message) -> Message:
    name = str(request["name"])
    await asyncio.to_thread(plane.broker.remove, name)
    return {"ok": True}


async def lease_list(plane: Plane, request: Message) -> Message:
    rows = [
        {
            "id": lease.id,
            "session": lease.session,
            "provider": lease.provider,
            "secret": lease.secret,
            "position": lease.position,
            "expires": int(lease.expires),
        }
        for run in plane.runs.values()
        for lease in run.leases
    ]
    roles = [
        {
            "id": role,
            "session": run.session.id,
            "provider": POSTGRES,
            "secret": database,
            "position": "role",
            "expires": int(run.session.task.expires),
        }
        for run in plane.runs.values()
        if run.databases is not None
        for database, role in run.databases.roles
    ]
    return {"leases": [*rows, *roles]}


async def lease_revoke(plane: Plane, request: Message) -> Message:
    """End a lease and close what it opened (law 10)."""
    lease = str(request["lease"])
    for run in plane.runs.values():
        if run.databases is not None and await run.databases.revoke(lease):
            return {"ok": True}
    ended = await asyncio.to_thread(plane.broker.revoke, lease)
    if not ended:
        raise YettError(f"no live lease {lease}", "yett lease list shows those there are")
    for one in ended:
        plane.gate.drop_tunnels(one.session)
    return {"ok": True}


async def _kind(plane: Plane, provider: str, value: str) -> str:
    """What the provider itself says that the credential is; "" if it cannot be asked."""
    room = plane.book.named(provider)
    inspector = room.inspector() if room else None
    if inspector is None:
        return ""
    try:
        authority = await inspector.authority(plane.api, value)
    except YettError:
        return ""
    return authority.kind if authority.known else ""


VERBS = {
    "secret.add": add,
    "secret.list": list_,
    "secret.remove": remove,
    "lease.list": lease_list,
    "lease.revoke": lease_revoke,
}
