"""Volumes and their backups: made, lost, copied and put back on the machine, not only in a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yett.lab.postgres import Cluster, Login
from yett.lab.railway.execution import Call, Resolver
from yett.lab.railway.world import (
    Backup,
    ServiceInstance,
    Unusable,
    Volume,
    VolumeInstance,
    World,
    new_id,
    now,
)


def delete(call: Call, volume_id: str) -> bool:
    """Lose a volume at once, with its data and its backups, whichever environments it serves (R8, R10, R14)."""
    call.caller.known()
    call.caller.volume(call.world.volumes[volume_id])
    lose(call, volume_id)
    return True


def create(call: Call, input: Mapping[str, Any]) -> Volume:
    """Make a volume; for a database service, with a fresh PostgreSQL under the service's login."""
    project_id, environment_id, service_id = input["projectId"], input.get("environmentId"), input.get("serviceId")
    call.caller.owner(project_id)
    if environment_id is None or service_id is None:
        raise Unusable("environmentId and serviceId are needed to mount a volume")
    service = call.world.service_instance(service_id, environment_id)
    if any(
        service_id == v.service_id and environment_id == v.environment_id for v in call.world.volume_instances.values()
    ):
        raise Unusable("A volume is already attached to this service in this environment")
    volume = Volume(new_id(), f"{call.world.services[service_id].name}-volume", project_id)
    if login := login_of(service):
        cluster = call.platform.machine.create_database(volume.id, login)
        service.variables.update(connection_variables(cluster))
    else:
        call.platform.machine.create_files(volume.id)
    mount(call.world, volume, environment_id, service_id, input["mountPath"])
    return volume


def update(call: Call, volume_id: str, input: Mapping[str, Any]) -> Volume:
    call.caller.known()
    volume = call.world.volumes[volume_id]
    call.caller.volume(volume)
    volume.name = input.get("name") or volume.name
    return volume


def backup_create(call: Call, volume_instance_id: str, name: str | None = None) -> dict[str, str]:
    instance = _authorised(call, volume_instance_id)
    backup_id = new_id()
    size = call.platform.machine.back_up(instance.volume_id, backup_id)
    call.world.backups[backup_id] = Backup(backup_id, instance.id, name or "Manual backup", now(), size)
    return _workflow()


def backup_delete(call: Call, volume_instance_id: str, volume_instance_backup_id: str) -> dict[str, str]:
    instance = _authorised(call, volume_instance_id)
    backup = _backup_of(call.world, instance, volume_instance_backup_id)
    call.platform.machine.remove_backup(instance.volume_id, backup.id)
    del call.world.backups[backup.id]
    return _workflow()


def backup_restore(call: Call, volume_instance_id: str, volume_instance_backup_id: str, **_: Any) -> dict[str, str]:
    """Put a backup back over the live data, without keeping what it replaces."""
    instance = _authorised(call, volume_instance_id)
    backup = _backup_of(call.world, instance, volume_instance_backup_id)
    call.platform.machine.restore(instance.volume_id, backup.id)
    return _workflow()


def lose(call: Call, volume_id: str) -> None:
    """Drop a volume from the world and from the disk."""
    call.world.forget_volume(volume_id)
    call.platform.machine.destroy(volume_id)


def mount(world: World, volume: Volume, environment_id: str, service_id: str, path: str) -> VolumeInstance:
    """Enter a volume into the world, mounted in an environment."""
    instance = VolumeInstance(new_id(), volume.id, environment_id, service_id, path)
    world.volumes[volume.id] = volume
    world.volume_instances[instance.id] = instance
    return instance


def login_of(service: ServiceInstance) -> Login | None:
    """Return the database login of a service, None where it is no database."""
    held = service.variables
    if "PGPASSWORD" not in held:
        return None
    return Login(held["PGUSER"], held["PGPASSWORD"], held["PGDATABASE"])


def connection_variables(cluster: Cluster) -> dict[str, str]:
    """Return what the platform sets for a running database. Private and public address are one here."""
    return {
        "PGHOST": "127.0.0.1",
        "PGPORT": str(cluster.port),
        "DATABASE_URL": cluster.url,
        "DATABASE_PUBLIC_URL": cluster.url,
    }


def _authorised(call: Call, volume_instance_id: str) -> VolumeInstance:
    call.caller.known()
    instance = call.world.volume_instances[volume_instance_id]
    call.caller.volume(call.world.volumes[instance.volume_id])
    return instance


def _backup_of(world: World, instance: VolumeInstance, backup_id: str) -> Backup:
    backup = world.backups[backup_id]
    if backup.volume_instance_id != instance.id:
        raise Unusable("Backup not found")
    return backup


def _workflow() -> dict[str, str]:
    return {"workflowId": f"volume/{new_id()}"}


MUTATIONS: dict[str, Resolver] = {
    "volumeDelete": delete,
    "volumeCreate": create,
    "volumeUpdate": update,
    "volumeInstanceBackupCreate": backup_create,
    "volumeInstanceBackupDelete": backup_delete,
    "volumeInstanceBackupRestore": backup_restore,
}
