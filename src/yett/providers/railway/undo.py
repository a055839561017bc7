"""Bring back a Railway volume: a dump over the data wire, a new volume, the dump loaded into it.

Made only with what a customer has: the public API, and the connection string that it returns for the service that
mounts the volume. Railway's own backups lie on the volume and die with it (R10), so they are no undo.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from yett.model.canonical import Json
from yett.model.errors import ConfigurationError, YettError
from yett.model.operation import Governed, Operation
from yett.model.provider import ApiClient
from yett.model.resource import ResourceRef
from yett.model.undo import UndoPlan, UndoRecord
from yett.providers.postgres import binaries, dump
from yett.providers.postgres.content import Content, TableContent, read_content
from yett.providers.railway.api import ask

HOW = "logical dump over the data wire"
COVERED = frozenset({"railway:volumeDelete"})
URLS = ("DATABASE_PUBLIC_URL", "DATABASE_URL")
NEW_SERVER_DEADLINE_S = 120.0

_VOLUMES = """query { projects { edges { node { id volumes { edges { node { id name
  volumeInstances { edges { node { id environmentId serviceId mountPath } } } } } } } } } }"""
_VARIABLES = """query ($project: String!, $environment: String!, $service: String!) {
  variables(projectId: $project, environmentId: $environment, serviceId: $service) }"""
_CREATE = "mutation ($input: VolumeCreateInput!) { volumeCreate(input: $input) { id name } }"


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a volume is mounted: the service whose database lives on it."""

    project: str
    environment: str
    service: str
    path: str


class RailwayUndoer:
    """Undo for the deletion of a volume that holds a PostgreSQL database."""

    async def plan(self, api: ApiClient, secret: str, operation: Operation) -> UndoPlan:
        if operation.action not in COVERED:
            return UndoPlan(False, "", (f"Yett knows no undo for {operation.action}",))
        try:
            binaries.binaries()
            volume = _volume_of(operation)
            mounts = await _mounts(api, secret, volume)
            for mount in mounts:
                await _database(api, secret, mount)
        except (ConfigurationError, YettError) as error:
            return UndoPlan(False, "", (error.diagnostics(),))
        if len(mounts) != 1:
            return UndoPlan(False, "", (f"the volume has {len(mounts)} mounts; Yett can bring back exactly one",))
        gaps = (dump.GLOBALS_GAP, "files on the volume that are not the database", "writes after the dump was made")
        return UndoPlan(True, HOW, gaps)

    async def capture(self, api: ApiClient, secret: str, operation: Operation, folder: Path) -> UndoRecord:
        volume = _volume_of(operation)
        (mount,) = await _mounts(api, secret, volume)
        address = await _database(api, secret, mount)
        content = await asyncio.to_thread(dump.capture, address, folder)
        await asyncio.to_thread(dump.verify, folder, content)
        facts: dict[str, Json] = {
            "content": content.as_json(),
            "mount": {
                "project": mount.project,
                "environment": mount.environment,
                "service": mount.service,
                "path": mount.path,
            },
        }
        gaps = (dump.GLOBALS_GAP, "files on the volume that are not the database")
        return UndoRecord(
            folder.name, "railway", ResourceRef("railway", "volume", volume), HOW, str(folder), facts, gaps
        )

    async def restore(self, api: ApiClient, secret: str, record: UndoRecord) -> AsyncIterator[str]:
        mount, content = _mount_from(record.facts), _content_from(record.facts)
        made = await ask(
            api,
            secret,
            _CREATE,
            {
                "input": {
                    "projectId": mount.project,
                    "environmentId": mount.environment,
                    "serviceId": mount.service,
                    "mountPath": mount.path,
                }
            },
        )
        volume = made["volumeCreate"]["id"]
        yield f"made volume {volume}"
        address = await _new_database(api, secret, mount)
        yield "its database answers; loading the dump"
        await asyncio.to_thread(dump.restore, address, Path(record.folder), content)
        yield f"volume {volume} holds {content.rows} rows in {len(content.tables)} tables, equal to what was deleted"


def _volume_of(operation: Operation) -> str:
    if isinstance(operation.target, Governed):
        ids = {ref.id for ref in operation.target.resources if ref.kind == "volume"}
        if len(ids) == 1 and "" not in ids:
            return ids.pop()
    raise YettError("the operation does not name exactly one volume")


async def _mounts(api: ApiClient, secret: str, volume: str) -> list[Mount]:
    answer = await ask(api, secret, _VOLUMES, {})
    for project in (edge["node"] for edge in answer["projects"]["edges"]):
        for found in (edge["node"] for edge in project["volumes"]["edges"]):
            if found["id"] == volume:
                instances = [edge["node"] for edge in found["volumeInstances"]["edges"]]
                return [Mount(project["id"], i["environmentId"], i["serviceId"], i["mountPath"]) for i in instances]
    raise YettError(f"Railway shows no volume {volume} to Yett's own credential")


async def _url(api: ApiClient, secret: str, mount: Mount) -> str:
    asked: dict[str, Json] = {"project": mount.project, "environment": mount.environment, "service": mount.service}
    variables = (await ask(api, secret, _VARIABLES, asked))["variables"]
    for name in URLS:
        if isinstance(variables.get(name), str) and variables[name].startswith("postgres"):
            return str(variables[name])
    raise YettError("the service that mounts the volume returns no PostgreSQL connection string")


async def _database(api: ApiClient, secret: str, mount: Mount) -> dump.Address:
    address = dump.Address.parse(await _url(api, secret, mount))
    return address.at(*api.address(address.get("host"), int(address.get("port", "5432"))))


async def _new_database(api: ApiClient, secret: str, mount: Mount) -> dump.Address:
    """Wait until the service answers from its new volume: an empty database that accepts connections."""
    end = time.monotonic() + NEW_SERVER_DEADLINE_S
    while time.monotonic() < end:
        try:
            address = await _database(api, secret, mount)
            if await asyncio.to_thread(_is_empty, address):
                return address
        except YettError:
            pass  # the server is still starting, or still the old connection string: asked again below
        await asyncio.sleep(0.25)
    raise YettError("the new volume's database did not answer", "look at the service's deployment, then apply again")


def _is_empty(address: dump.Address) -> bool:
    with address.connect() as connection:
        return not read_content(connection).tables


def _mount_from(facts: dict[str, Json]) -> Mount:
    mount = facts["mount"]
    if not isinstance(mount, dict):
        raise YettError("the undo's record does not say where the volume was mounted")
    return Mount(*(str(mount[key]) for key in ("project", "environment", "service", "path")))


def _content_from(facts: dict[str, Json]) -> Content:
    content = facts["content"]
    if not isinstance(content, dict):
        raise YettError("the undo's record does not say what it holds")
    tables = tuple(TableContent(str(n), int(r), str(h)) for n, r, h in content["tables"])
    sequences = tuple((str(n), int(v), bool(c)) for n, v, c in content["sequences"])
    return Content(tables, sequences, int(str(content["large_objects"])))
