"""Describe one resource of Railway: where it stands, what depends on it, which backups it has and which die with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from yett.model.errors import UpstreamFailed
from yett.model.resource import Backup, Environment, Resource, ResourceRef
from yett.providers.railway.view import PROVIDER, Node, View, complete, environment, environments_of, nodes, size_bytes

ENVIRONMENT = """query ($id: String!) { environment(id: $id) { id name projectId
  serviceInstances(first: 200) { edges { node { serviceName } } } } }"""
SERVICE = """query ($id: String!) { service(id: $id) { id name
  project { id environments(first: 200) { edges { node { id name } } pageInfo { hasNextPage endCursor } } }
  serviceInstances(first: 200) { edges { node { environmentId } } pageInfo { hasNextPage endCursor } } } }"""
SERVICE_INSTANCE = """query ($environment: String!, $service: String!) {
  serviceInstance(environmentId: $environment, serviceId: $service) { serviceName environmentId }
  environment(id: $environment) { id name } }"""
PROJECT = """query ($id: String!) { project(id: $id) { id name
  environments(first: 200) { edges { node { id name } } pageInfo { hasNextPage endCursor } }
  services(first: 200) { edges { node { name } } } } }"""
VOLUME_INSTANCE = """query ($id: String!) { volumeInstance(id: $id) { id volumeId mountPath currentSizeMB
  volume { name } environment { id name } } }"""
DEPLOYMENT = "query ($id: String!) { deployment(id: $id) { id status environment { id name } } }"


async def describe(view: View, ref: ResourceRef) -> Resource:
    """The resource as Railway shows it; without environments if it is not seen, or of a kind that cannot be asked."""
    reader = _READERS.get(ref.kind)
    if reader is None or not ref.id:
        return unseen(ref)
    try:
        return await reader(view, ref)
    except (UpstreamFailed, KeyError, TypeError, ValueError):
        return unseen(ref)  # an answer of another shape is no answer: unknown counts as production


def unseen(ref: ResourceRef) -> Resource:
    return Resource(ref, "", ())


async def _environment(view: View, ref: ResourceRef) -> Resource:
    node = (await view.ask(ENVIRONMENT, id=ref.id))["environment"]
    services = tuple(str(instance["serviceName"]) for instance in nodes(node["serviceInstances"]))
    parents = (ResourceRef(PROVIDER, "project", str(node["projectId"])),)
    return Resource(_same(ref, node["id"]), node["name"], (environment(node),), dependants=services, parents=parents)


async def _project(view: View, ref: ResourceRef) -> Resource:
    node = (await view.ask(PROJECT, id=ref.id))["project"]
    services = tuple(str(service["name"]) for service in nodes(node["services"]))
    return Resource(_same(ref, node["id"]), node["name"], environments_of(node["environments"]), dependants=services)


async def _service(view: View, ref: ResourceRef) -> Resource:
    node = (await view.ask(SERVICE, id=ref.id))["service"]
    known = {one.id: one for one in environments_of(node["project"]["environments"])}
    used = [str(instance["environmentId"]) for instance in nodes(node["serviceInstances"])]
    whole = complete(node["serviceInstances"]) and all(one in known for one in used)
    stands = tuple(known[one] for one in dict.fromkeys(used)) if whole else ()
    parents = (ResourceRef(PROVIDER, "project", str(node["project"]["id"])),)
    return Resource(_same(ref, node["id"]), node["name"], stands, parents=parents)


async def _service_instance(view: View, ref: ResourceRef) -> Resource:
    """A service in one environment; the id is both ids."""
    environment_id, service_id = ref.id.split("/")
    answer = await view.ask(SERVICE_INSTANCE, environment=environment_id, service=service_id)
    node = answer["serviceInstance"]
    if node["environmentId"] != environment_id:
        return unseen(ref)
    parents = (ResourceRef(PROVIDER, "service", service_id), ResourceRef(PROVIDER, "environment", environment_id))
    return Resource(ref, node["serviceName"], (environment(answer["environment"]),), parents=parents)


async def _volume(view: View, ref: ResourceRef) -> Resource:
    """A volume with every environment that uses it: several are a shared volume (R14)."""
    for listed in await view.projects():
        project = await view.volumes(listed)
        for node in nodes(project["volumes"]):
            if node["id"] == ref.id:
                return await _volume_in(view, ref, node, project)
    return unseen(ref)


async def _volume_in(view: View, ref: ResourceRef, node: Node, project: Node) -> Resource:
    instances = list(nodes(node["volumeInstances"]))
    services = {str(service["id"]): str(service["name"]) for service in nodes(project["services"])}
    mounted = [str(instance["serviceId"]) for instance in instances if instance["serviceId"]]
    backups = [backup for instance in instances for backup in await _backups(view, str(instance["id"]))]
    return Resource(
        ref=ref,
        name=str(node["name"]),
        environments=_environments_of_instances(node["volumeInstances"], project),
        backups=tuple(backups),
        size_bytes=sum(size_bytes(instance["currentSizeMB"]) for instance in instances),
        dependants=tuple(dict.fromkeys(services.get(service, service) for service in mounted)),
        parents=(ResourceRef(PROVIDER, "project", str(project["id"])),),
    )


def _environments_of_instances(instances: Node, project: Node) -> tuple[Environment, ...]:
    known = {one.id: one for one in environments_of(project["environments"])}
    used = dict.fromkeys(str(instance["environmentId"]) for instance in nodes(instances))
    if not complete(instances) or not all(one in known for one in used):
        return ()
    return tuple(known[one] for one in used)


async def _volume_instance(view: View, ref: ResourceRef) -> Resource:
    node = (await view.ask(VOLUME_INSTANCE, id=ref.id))["volumeInstance"]
    return Resource(
        ref=_same(ref, node["id"]),
        name=str(node["volume"]["name"]),
        environments=(environment(node["environment"]),),
        backups=await _backups(view, ref.id),
        size_bytes=size_bytes(node["currentSizeMB"]),
        parents=(ResourceRef(PROVIDER, "volume", str(node["volumeId"])),),
    )


async def _backups(view: View, volume_instance: str) -> tuple[Backup, ...]:
    """Railway keeps a volume's backups on the volume: they die with it (R10)."""
    found = await view.backups(volume_instance)
    return tuple(Backup(str(b["id"]), str(b["createdAt"]), size_bytes(b["usedMB"]), True) for b in found)


async def _deployment(view: View, ref: ResourceRef) -> Resource:
    node = (await view.ask(DEPLOYMENT, id=ref.id))["deployment"]
    return Resource(_same(ref, node["id"]), f"deployment ({node['status']})", (environment(node["environment"]),))


async def _domain(view: View, ref: ResourceRef) -> Resource:
    """A domain by its id alone: Railway wants the project beside it, so every project is looked through."""
    listed = "customDomains" if ref.kind == "custom_domain" else "serviceDomains"
    for project in await view.projects():
        for place in nodes((await view.domains(project))["environments"]):
            for instance in nodes(place["serviceInstances"]):
                for domain in instance["domains"][listed]:
                    if domain["id"] == ref.id:
                        dependants = (str(instance["serviceName"]),)
                        return Resource(ref, str(domain["domain"]), (environment(place),), dependants=dependants)
    return unseen(ref)


def _same(ref: ResourceRef, id: object) -> ResourceRef:
    """The reference, if the answer is about it. Raises ValueError."""
    if str(id) != ref.id:
        raise ValueError("Railway answered about something else")
    return ref


_READERS: Mapping[str, Callable[[View, ResourceRef], Awaitable[Resource]]] = {
    "environment": _environment,
    "project": _project,
    "service": _service,
    "service_instance": _service_instance,
    "volume": _volume,
    "volume_instance": _volume_instance,
    "deployment": _deployment,
    "custom_domain": _domain,
    "service_domain": _domain,
}
KINDS = frozenset(_READERS)
"""The kinds of `operations.toml` that can be looked at; a resource of another kind stands nowhere that is known."""
