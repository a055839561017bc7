"""What can be read: the root fields of Query, and the fields of objects that are more than an attribute."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yett.lab.railway.execution import Call, Resolver, connection
from yett.lab.railway.tokens import Kind, Token
from yett.lab.railway.world import (
    Backup,
    Deployment,
    Domain,
    Environment,
    NotAuthorized,
    Project,
    Service,
    ServiceInstance,
    Volume,
    VolumeInstance,
    Workspace,
)

MEGABYTE = 1_000_000
PERSON = {
    "id": "5b0f9f0e-7d0a-4a53-9a3c-2f6f2c3f7a10",
    "name": "Jer",
    "email": "jer@pocketos.example",
    "username": "jer",
}


def me(call: Call) -> dict[str, object]:
    call.caller.account()
    first = next(iter(call.world.workspaces.values()))
    return {**PERSON, "createdAt": first.created_at, "has2FA": True}


def api_token(call: Call) -> dict[str, object]:
    token = call.caller.known()
    if token.kind is Kind.PROJECT:
        raise NotAuthorized
    return {"workspaces": [w for w in call.world.workspaces.values() if token.workspace_id in (None, w.id)]}


def api_tokens(call: Call, **page: Any) -> object:
    call.caller.account()
    return connection([token for token in call.platform.keyring if token.kind is not Kind.PROJECT], **page)


def project_token(call: Call) -> Token:
    token = call.caller.known()
    if token.kind is not Kind.PROJECT:
        raise NotAuthorized
    return token


def project_tokens(call: Call, project_id: str, **page: Any) -> object:
    call.caller.owner(project_id)
    return connection([token for token in call.platform.keyring if token.project_id == project_id], **page)


def projects(call: Call, workspace_id: str | None = None, **page: Any) -> object:
    token = call.caller.known()
    if token.kind is Kind.PROJECT:
        raise NotAuthorized
    wanted = workspace_id or token.workspace_id
    if wanted:
        call.caller.workspace(wanted)
    return connection([p for p in call.world.projects.values() if wanted in (None, p.workspace_id)], **page)


def project(call: Call, id: str) -> Project:
    found = call.world.projects[id]
    call.caller.project(found)
    return found


def environment(call: Call, id: str, project_id: str | None = None) -> Environment:
    call.caller.environment(id)
    return call.world.environments[id]


def environments(call: Call, project_id: str, **page: Any) -> object:
    found = call.world.projects[project_id]
    call.caller.project(found)
    return project_environments(call, found, **page)


def service(call: Call, id: str) -> Service:
    found = call.world.services[id]
    call.caller.project(call.world.projects[found.project_id])
    return found


def service_instance(call: Call, service_id: str, environment_id: str) -> ServiceInstance:
    call.caller.environment(environment_id)
    return call.world.service_instance(service_id, environment_id)


def volume_instance(call: Call, id: str) -> VolumeInstance:
    found = call.world.volume_instances[id]
    call.caller.environment(found.environment_id)
    return found


def volume_instance_backup_list(call: Call, volume_instance_id: str) -> list[Backup]:
    found = volume_instance(call, volume_instance_id)
    return [backup for backup in call.world.backups.values() if backup.volume_instance_id == found.id]


def variables(call: Call, environment_id: str, service_id: str | None = None, **_: Any) -> dict[str, str]:
    call.caller.environment(environment_id)
    if service_id is None:
        return call.world.environments[environment_id].variables
    return call.world.service_instance(service_id, environment_id).variables


def variables_for_deployment(call: Call, environment_id: str, service_id: str, **_: Any) -> dict[str, str]:
    own = variables(call, environment_id, service_id)
    return {**call.world.environments[environment_id].variables, **own}


def custom_domain(call: Call, id: str, project_id: str) -> Domain:
    found = call.world.domains[id]
    call.caller.environment(found.environment_id)
    return found


def domains(call: Call, environment_id: str, service_id: str, **_: Any) -> dict[str, object]:
    call.caller.environment(environment_id)
    return instance_domains(call, call.world.service_instance(service_id, environment_id))


def deployments(call: Call, input: Mapping[str, str], **page: Any) -> object:
    wanted = {"environment_id": "environmentId", "service_id": "serviceId", "project_id": "projectId"}
    found = [
        d for d in call.world.deployments.values()
        if all(input.get(name) in (None, getattr(d, attribute)) for attribute, name in wanted.items())
    ]  # fmt: skip
    call.caller.known()
    for seen in {d.environment_id for d in found}:
        call.caller.environment(seen)
    return connection(found, **page)


def deployment(call: Call, id: str) -> Deployment:
    found = call.world.deployments[id]
    call.caller.environment(found.environment_id)
    return found


def workspace(call: Call, workspace_id: str) -> Workspace:
    call.caller.workspace(workspace_id)
    return call.world.workspaces[workspace_id]


def project_environments(call: Call, source: Project, **page: Any) -> object:
    page.pop("is_ephemeral", None), page.pop("sort", None)
    return connection([e for e in call.world.environments.values() if e.project_id == source.id], **page)


def instance_domains(call: Call, source: ServiceInstance) -> dict[str, object]:
    place = (source.service_id, source.environment_id)
    return {
        "customDomains": [d for d in call.world.domains.values() if (d.service_id, d.environment_id) == place],
        "serviceDomains": [],
    }


def current_size(call: Call, source: VolumeInstance) -> float:
    folder = call.platform.machine.folder(source.volume_id)
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MEGABYTE


def _all_workspaces(call: Call, source: object) -> list[Workspace]:
    return list(call.world.workspaces.values())


def _all_projects(call: Call, source: object, **page: Any) -> object:
    return connection(list(call.world.projects.values()), **page)


def _workspace_projects(call: Call, source: Workspace, **page: Any) -> object:
    return connection([p for p in call.world.projects.values() if p.workspace_id == source.id], **page)


def _services(call: Call, source: Project, **page: Any) -> object:
    return connection([s for s in call.world.services.values() if s.project_id == source.id], **page)


def _volumes(call: Call, source: Project, **page: Any) -> object:
    return connection([v for v in call.world.volumes.values() if v.project_id == source.id], **page)


def _volume_instances(call: Call, source: Volume, **page: Any) -> object:
    return connection(call.world.instances_of(source.id), **page)


def _environment_volumes(call: Call, source: Environment, **page: Any) -> object:
    found = [v for v in call.world.volume_instances.values() if v.environment_id == source.id]
    return connection(found, **page)


def _environment_services(call: Call, source: Environment, **page: Any) -> object:
    found = [s for s in call.world.service_instances.values() if s.environment_id == source.id]
    return connection(found, **page)


def _service_instances(call: Call, source: Service, **page: Any) -> object:
    return connection([s for s in call.world.service_instances.values() if s.service_id == source.id], **page)


def _first_environment(call: Call, source: Project) -> Environment | None:
    return next((e for e in call.world.environments.values() if e.project_id == source.id), None)


def _first_environment_id(call: Call, source: Project) -> str | None:
    found = _first_environment(call, source)
    return found.id if found else None


def _project_of(call: Call, source: Any) -> Project:
    return call.world.projects[source.project_id]


def _environment_of(call: Call, source: Any) -> Environment:
    return call.world.environments[source.environment_id]


def _service_of(call: Call, source: Any) -> Service:
    return call.world.services[source.service_id]


def _created(call: Call, source: Any) -> object:
    return source.created_at


def _no(call: Call, source: object) -> bool:
    return False


def _yes(call: Call, source: object) -> bool:
    return True


def _megabytes(call: Call, source: Backup) -> int:
    return -(-source.bytes // MEGABYTE)


QUERIES: dict[str, Resolver] = {
    "me": me,
    "apiToken": api_token,
    "apiTokens": api_tokens,
    "projectToken": project_token,
    "projectTokens": project_tokens,
    "projects": projects,
    "project": project,
    "environment": environment,
    "environments": environments,
    "service": service,
    "serviceInstance": service_instance,
    "volumeInstance": volume_instance,
    "volumeInstanceBackupList": volume_instance_backup_list,
    "variables": variables,
    "variablesForServiceDeployment": variables_for_deployment,
    "customDomain": custom_domain,
    "domains": domains,
    "deployments": deployments,
    "deployment": deployment,
    "workspace": workspace,
}

OBJECTS: dict[str, dict[str, Resolver]] = {
    "User": {"workspaces": _all_workspaces, "projects": _all_projects},
    "Workspace": {"projects": _workspace_projects, "updatedAt": _created},
    "Project": {
        "workspace": lambda call, source: call.world.workspaces[source.workspace_id],
        "baseEnvironment": _first_environment,
        "baseEnvironmentId": _first_environment_id,
        "primaryEnvironmentId": _first_environment_id,
        "environments": project_environments,
        "services": _services,
        "volumes": _volumes,
        "updatedAt": _created,
        "isPublic": _no,
    },
    "Environment": {
        "serviceInstances": _environment_services,
        "volumeInstances": _environment_volumes,
        "updatedAt": _created,
        "isEphemeral": _no,
    },
    "Service": {"project": _project_of, "serviceInstances": _service_instances, "updatedAt": _created},
    "ServiceInstance": {
        "service": _service_of,
        "serviceName": lambda call, source: _service_of(call, source).name,
        "latestDeployment": lambda call, source: call.world.latest_deployment(source.service_id, source.environment_id),
        "domains": instance_domains,
        "updatedAt": _created,
    },
    "Volume": {"project": _project_of, "volumeInstances": _volume_instances},
    "VolumeInstance": {
        "volume": lambda call, source: call.world.volumes[source.volume_id],
        "environment": _environment_of,
        "service": _service_of,
        "sizeMB": lambda call, source: 50_000,
        "currentSizeMB": current_size,
        "isPendingDeletion": _no,
        "region": lambda call, source: "europe-west4-drams3a",
    },
    "VolumeInstanceBackup": {
        "externalId": lambda call, source: source.id,
        "usedMB": _megabytes,
        "referencedMB": _megabytes,
        "volumeInstanceSizeMB": lambda call, source: 50_000,
    },
    "CustomDomain": {"updatedAt": _created, "isRailwayDomain": _no},
    "Deployment": {
        "environment": _environment_of,
        "service": _service_of,
        "updatedAt": _created,
        "canRedeploy": _yes,
        "canRollback": _no,
        "deploymentStopped": lambda call, source: source.status == "REMOVED",
    },
    "ProjectToken": {"project": _project_of, "environment": _environment_of},
}
