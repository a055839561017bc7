"""Ask Railway what a token can really do, where its resources stand, and which environments there are.

Railway has no scopes (R9): an account token can do everything the account can, a workspace token everything in the
workspace, a project token everything in one environment. What is listed here is what that reaches.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from yett.model.credential import Authority, Permission
from yett.model.effects import Effect, Recovery
from yett.model.errors import UpstreamFailed
from yett.model.provider import ApiClient
from yett.model.resource import Environment, Resource, ResourceRef
from yett.providers.railway.resources import describe
from yett.providers.railway.view import ME, Node, View, environment, nodes

EVERYTHING = "*"


class RailwayInspector:
    """Railway's answers, read with a token; queries only. It keeps nothing between calls."""

    async def environments(self, api: ApiClient, secret: str) -> tuple[Environment, ...]:
        found = [environment(e) for p in await View(api, secret).projects() for e in nodes(p["environments"])]
        return tuple(dict.fromkeys(found))

    async def resolve(self, api: ApiClient, secret: str, refs: tuple[ResourceRef, ...]) -> tuple[Resource, ...]:
        view = View(api, secret)
        return tuple([await describe(view, ref) for ref in refs])

    async def authority(self, api: ApiClient, secret: str) -> Authority:
        view = View(api, secret)
        for ask in (_account, _workspace, _project):
            try:
                return await ask(view)
            except UpstreamFailed:
                continue  # a token of another kind: Railway says only "Not Authorized"
        return Authority(known=False, kind="", identity="", blanket=False)


async def _account(view: View) -> Authority:
    me = (await view.ask(ME))["me"]
    everything = _everything("account", str(me["id"]), str(me["email"]), "me")
    return Authority(True, "account token", str(me["email"]), True, (everything, *[p async for p in _reach(view)]))


async def _workspace(view: View) -> Authority:
    workspaces = await view.workspaces()
    if not workspaces:
        raise UpstreamFailed("the token has no workspace")
    names = ", ".join(str(workspace["name"]) for workspace in workspaces)
    everything = [_everything("workspace", str(w["id"]), str(w["name"]), "apiToken") for w in workspaces]
    return Authority(True, "workspace token", names, True, (*everything, *[p async for p in _reach(view)]))


async def _project(view: View) -> Authority:
    token = await view.ask_as_project()
    place = environment(token["environment"])
    whole = Permission(
        EVERYTHING, f"environment:{place.id}", place.name, place.name, Effect.ADMIN, Recovery.NONE, "projectToken"
    )
    volumes = [p async for p in _volumes(view, token["project"], only=place.id)]
    return Authority(True, "project token", str(token["name"]), False, (whole, *volumes))


async def _reach(view: View) -> AsyncIterator[Permission]:
    """What a token without scopes reaches: every project, the variables of every environment, every volume."""
    for project in await view.projects():
        name, whole = str(project["name"]), f"project:{project['id']}"
        yield Permission("projectDelete", whole, name, EVERYTHING, Effect.DELETE, Recovery.NONE, "projects")
        for node in nodes(project["environments"]):
            place = environment(node)
            at = f"environment:{place.id}"
            yield Permission("environmentDelete", at, place.name, place.name, Effect.DELETE, Recovery.NONE, "projects")
            yield Permission("variables", at, place.name, place.name, Effect.ADMIN, Recovery.AUTOMATIC, "projects")
        async for permission in _volumes(view, project):
            yield permission


async def _volumes(view: View, listed: Node, only: str = "") -> AsyncIterator[Permission]:
    """Every volume, once an environment. Its backups die with it (R10), so nothing is left."""
    project = await view.volumes(listed)
    names = {str(node["id"]): str(node["name"]) for node in nodes(project["environments"])}
    for volume in nodes(project["volumes"]):
        for instance in nodes(volume["volumeInstances"]):
            place = str(instance["environmentId"])
            if only in ("", place):
                yield Permission(
                    actions="volumeDelete",
                    resource=f"volume:{volume['id']}",
                    resource_name=f"{project['name']}/{volume['name']}",
                    environment=names.get(place, place),
                    effect=Effect.DELETE,
                    recovery=Recovery.NONE,
                    proof="project.volumes",
                )


def _everything(kind: str, id: str, name: str, proof: str) -> Permission:
    return Permission(EVERYTHING, f"{kind}:{id}", name, EVERYTHING, Effect.ADMIN, Recovery.NONE, proof)
