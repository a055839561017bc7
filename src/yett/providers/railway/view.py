"""What one token sees of Railway: projects, environments, volumes, domains. Queries only, with the schema's own names.

A list that Railway cuts off is no list: an environment that is missing from it could be production. So every page says
whether there is more, and what may be incomplete is left out whole (law 6: unknown counts as production).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from yett.model.canonical import Json
from yett.model.errors import UpstreamFailed
from yett.model.provider import ApiClient
from yett.model.resource import Environment
from yett.providers.railway.api import BEARER, PROJECT, ask

PROVIDER = "railway"
MAX_PAGES = 40

Node = dict[str, Any]  # Any: an answer's shape is its document's

_MORE = "pageInfo { hasNextPage endCursor }"
_ENVIRONMENTS = f"environments(first: 200) {{ edges {{ node {{ id name }} }} {_MORE} }}"
_PROJECT = f"id name {_ENVIRONMENTS}"
_INSTANCE = "id environmentId serviceId mountPath sizeMB currentSizeMB"
_VOLUMES = f"""volumes(first: 200) {{ edges {{ node {{ id name
  volumeInstances(first: 200) {{ edges {{ node {{ {_INSTANCE} }} }} {_MORE} }} }} }} {_MORE} }}
  services(first: 200) {{ edges {{ node {{ id name }} }} {_MORE} }}"""
_DOMAINS = f"""environments(first: 200) {{ edges {{ node {{ id name
  serviceInstances(first: 500) {{ edges {{ node {{ serviceName
    domains {{ customDomains {{ id domain }} serviceDomains {{ id domain }} }} }} }} {_MORE} }} }} }} {_MORE} }}"""

PROJECTS = f"""query ($after: String, $workspace: String) {{
  projects(first: 50, after: $after, workspaceId: $workspace) {{ edges {{ node {{ {_PROJECT} }} }} {_MORE} }} }}"""
PROJECT_BY_ID = f"query ($id: String!) {{ project(id: $id) {{ {_PROJECT} }} }}"
PROJECT_VOLUMES = f"query ($id: String!) {{ project(id: $id) {{ {_PROJECT} {_VOLUMES} }} }}"
PROJECT_DOMAINS = f"query ($id: String!) {{ project(id: $id) {{ {_DOMAINS} }} }}"
BACKUPS = "query ($id: String!) { volumeInstanceBackupList(volumeInstanceId: $id) { id createdAt usedMB } }"
ME = "query { me { id email } }"
WORKSPACES = "query { apiToken { workspaces { id name } } }"
PROJECT_TOKEN = "query { projectToken { name projectId environmentId environment { id name } project { id name } } }"


class View:
    """One token's view, for the length of one question. A project token stands in a header of its own."""

    def __init__(self, api: ApiClient, secret: str) -> None:
        self._api = api
        self._secret = secret
        self._header = BEARER
        self._projects: list[Node] | None = None

    async def ask(self, document: str, **variables: Json) -> Node:
        """Ask as what the token turned out to be. Raises UpstreamFailed."""
        return await ask(self._api, self._secret, document, variables, header=self._header)

    async def ask_as_project(self) -> Node:
        """Ask what environment a project token is for. Raises UpstreamFailed: it is no project token."""
        answer = await ask(self._api, self._secret, PROJECT_TOKEN, {}, header=PROJECT)
        self._header = PROJECT
        found: Node = answer["projectToken"]
        return found

    async def workspaces(self) -> list[Node]:
        """The workspaces of an account or workspace token; none if it does not say."""
        try:
            return list((await self.ask(WORKSPACES))["apiToken"]["workspaces"])
        except UpstreamFailed:
            return []

    async def projects(self) -> list[Node]:
        """Every project that the token reaches, with its environments.

        Raises:
            UpstreamFailed: Railway does not answer this token.
        """
        if self._projects is None:
            try:
                self._projects = await self._listed()
            except UpstreamFailed:
                token = await self.ask_as_project()
                self._projects = [(await self.ask(PROJECT_BY_ID, id=token["projectId"]))["project"]]
        return self._projects

    async def volumes(self, project: Node) -> Node:
        """The project again, with its volumes, their instances and the services that mount them."""
        found: Node = (await self.ask(PROJECT_VOLUMES, id=project["id"]))["project"]
        return found

    async def domains(self, project: Node) -> Node:
        """The project's environments with every domain of their services."""
        found: Node = (await self.ask(PROJECT_DOMAINS, id=project["id"]))["project"]
        return found

    async def backups(self, volume_instance: str) -> list[Node]:
        return list((await self.ask(BACKUPS, id=volume_instance))["volumeInstanceBackupList"])

    async def _listed(self) -> list[Node]:
        """An account's own projects and those of each of its workspaces, once each."""
        found = {project["id"]: project for project in await self._pages(None)}
        for workspace in await self.workspaces():
            found.update({project["id"]: project for project in await self._pages(workspace["id"])})
        return list(found.values())

    async def _pages(self, workspace: str | None) -> list[Node]:
        found: list[Node] = []
        after: str | None = None
        for _ in range(MAX_PAGES):
            page = (await self.ask(PROJECTS, after=after, workspace=workspace))["projects"]
            found += [edge["node"] for edge in page["edges"]]
            after = page["pageInfo"]["endCursor"]
            if not page["pageInfo"]["hasNextPage"] or not after:
                break
        return found


def nodes(connection: Node) -> Iterator[Node]:
    return (edge["node"] for edge in connection["edges"])


def complete(connection: Node) -> bool:
    return not connection["pageInfo"]["hasNextPage"]


def environment(node: Node) -> Environment:
    return Environment(PROVIDER, str(node["id"]), str(node["name"]))


def environments_of(connection: Node) -> tuple[Environment, ...]:
    """All of them, or none if the list is cut off."""
    return tuple(environment(node) for node in nodes(connection)) if complete(connection) else ()


def size_bytes(megabytes: object) -> int:
    return int(float(str(megabytes or 0)) * 1_000_000)
