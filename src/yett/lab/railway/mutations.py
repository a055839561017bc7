"""What changes the world. Each checks the token and nothing else: no confirmation, no environment (R8, R16)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yett.lab.railway import volumes
from yett.lab.railway.execution import Call, Resolver
from yett.lab.railway.tokens import Kind
from yett.lab.railway.world import Deployment, Domain, ServiceInstance, new_id, now


def project_delete(call: Call, id: str) -> bool:
    call.caller.owner(id)
    for volume in [v for v in call.world.volumes.values() if v.project_id == id]:
        volumes.lose(call, volume.id)
    for environment in [e for e in call.world.environments.values() if e.project_id == id]:
        _drop_environment(call, environment.id)
    for service in [s for s in call.world.services.values() if s.project_id == id]:
        del call.world.services[service.id]
    del call.world.projects[id]
    return True


def project_schedule_delete(call: Call, id: str) -> bool:
    call.caller.owner(id)
    call.world.projects[id].deleted_at = now()
    return True


def project_schedule_delete_cancel(call: Call, id: str) -> bool:
    call.caller.owner(id)
    call.world.projects[id].deleted_at = None
    return True


def environment_delete(call: Call, id: str) -> bool:
    call.caller.owner(call.world.environments[id].project_id)
    for instance in [v for v in call.world.volume_instances.values() if v.environment_id == id]:
        call.world.forget_instance(instance)
        if not call.world.instances_of(instance.volume_id):
            volumes.lose(call, instance.volume_id)
    _drop_environment(call, id)
    return True


def service_delete(call: Call, id: str, environment_id: str | None = None) -> bool:
    """Stop a service. Its volumes stay, attached to nothing, as on the real platform."""
    call.caller.owner(call.world.services[id].project_id)
    gone = [s for s in _instances(call, id) if environment_id in (None, s.environment_id)]
    for instance in gone:
        _detach(call, instance)
        del call.world.service_instances[instance.id]
    if not _instances(call, id):
        del call.world.services[id]
    return True


def redeploy(call: Call, service_id: str, environment_id: str) -> bool:
    call.caller.environment(environment_id)
    call.world.service_instance(service_id, environment_id)
    _deploy(call, service_id, environment_id)
    return True


def deployment_redeploy(call: Call, id: str, use_previous_image_tag: bool | None = None) -> Deployment:
    old = call.world.deployments[id]
    call.caller.environment(old.environment_id)
    return _deploy(call, old.service_id, old.environment_id)


def deployment_restart(call: Call, id: str) -> bool:
    return _set_status(call, id, "SUCCESS")


def deployment_stop(call: Call, id: str) -> bool:
    return _set_status(call, id, "REMOVED")


def variable_upsert(call: Call, input: Mapping[str, Any]) -> bool:
    _variables(call, input)[input["name"]] = input["value"]
    return True


def variable_collection_upsert(call: Call, input: Mapping[str, Any]) -> bool:
    held = _variables(call, input)
    if input.get("replace"):
        held.clear()
    held.update({str(name): str(value) for name, value in dict(input["variables"]).items()})
    return True


def variable_delete(call: Call, input: Mapping[str, Any]) -> bool:
    _variables(call, input).pop(input["name"], None)
    return True


def custom_domain_create(call: Call, input: Mapping[str, Any]) -> Domain:
    call.caller.environment(input["environmentId"])
    call.world.service_instance(input["serviceId"], input["environmentId"])
    port = input.get("targetPort")
    made = Domain(new_id(), input["domain"], input["projectId"], input["environmentId"], input["serviceId"], port)
    call.world.domains[made.id] = made
    return made


def custom_domain_delete(call: Call, id: str) -> bool:
    call.caller.environment(call.world.domains[id].environment_id)
    del call.world.domains[id]
    return True


def api_token_create(call: Call, input: Mapping[str, Any]) -> str:
    """Mint a token without scope or expiry; nothing says how far it reaches (R13)."""
    call.caller.account()
    workspace = input.get("workspaceId")
    kind = Kind.WORKSPACE if workspace else Kind.ACCOUNT
    return call.platform.keyring.issue(input["name"], kind, workspace_id=workspace).value


def api_token_delete(call: Call, id: str) -> bool:
    call.caller.account()
    return call.platform.keyring.revoke(id, (Kind.ACCOUNT, Kind.WORKSPACE))


def project_token_create(call: Call, input: Mapping[str, Any]) -> str:
    call.caller.owner(input["projectId"])
    place = call.world.environments[input["environmentId"]]
    issue = call.platform.keyring.issue
    return issue(input["name"], Kind.PROJECT, project_id=place.project_id, environment_id=place.id).value


def project_token_delete(call: Call, id: str) -> bool:
    found = next((token for token in call.platform.keyring if token.id == id), None)
    if found is not None and found.project_id is not None:
        call.caller.owner(found.project_id)
    call.caller.known()
    return call.platform.keyring.revoke(id, (Kind.PROJECT,))


def _drop_environment(call: Call, environment_id: str) -> None:
    world = call.world
    for table in (world.service_instances, world.domains, world.deployments):
        for key in [key for key, held in table.items() if held.environment_id == environment_id]:
            del table[key]
    del world.environments[environment_id]


def _instances(call: Call, service_id: str) -> list[ServiceInstance]:
    return [instance for instance in call.world.service_instances.values() if instance.service_id == service_id]


def _detach(call: Call, service: ServiceInstance) -> None:
    for instance in call.world.volume_instances.values():
        if (instance.service_id, instance.environment_id) == (service.service_id, service.environment_id):
            instance.service_id = None
            if cluster := call.platform.machine.cluster(instance.volume_id):
                cluster.stop()


def _deploy(call: Call, service_id: str, environment_id: str) -> Deployment:
    project_id = call.world.services[service_id].project_id
    made = Deployment(new_id(), project_id, service_id, environment_id)
    call.world.deployments[made.id] = made
    return made


def _set_status(call: Call, deployment_id: str, status: str) -> bool:
    found = call.world.deployments[deployment_id]
    call.caller.environment(found.environment_id)
    found.status = status
    return True


def _variables(call: Call, input: Mapping[str, Any]) -> dict[str, str]:
    environment_id, service_id = input["environmentId"], input.get("serviceId")
    call.caller.environment(environment_id)
    if service_id is None:
        return call.world.environments[environment_id].variables
    return call.world.service_instance(service_id, environment_id).variables


MUTATIONS: dict[str, Resolver] = {
    **volumes.MUTATIONS,
    "projectDelete": project_delete,
    "projectScheduleDelete": project_schedule_delete,
    "projectScheduleDeleteCancel": project_schedule_delete_cancel,
    "environmentDelete": environment_delete,
    "serviceDelete": service_delete,
    "serviceInstanceRedeploy": redeploy,
    "deploymentRedeploy": deployment_redeploy,
    "deploymentRestart": deployment_restart,
    "deploymentStop": deployment_stop,
    "deploymentRemove": deployment_stop,
    "variableUpsert": variable_upsert,
    "variableCollectionUpsert": variable_collection_upsert,
    "variableDelete": variable_delete,
    "customDomainCreate": custom_domain_create,
    "customDomainDelete": custom_domain_delete,
    "apiTokenCreate": api_token_create,
    "apiTokenDelete": api_token_delete,
    "projectTokenCreate": project_token_create,
    "projectTokenDelete": project_token_delete,
}
