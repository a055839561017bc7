"""What the platform knows: workspaces, projects, environments, services, volumes, domains, deployments."""

from __future__ import annotations

import datetime
import uuid
from dataclasses import dataclass, field
from typing import Generic, TypeVar


class NotAuthorized(Exception):
    """The token does not reach that far; the platform's own two words."""

    def __init__(self) -> None:
        """Say it as the real API does."""
        super().__init__("Not Authorized")


class Unusable(Exception):
    """A request that names something absent or makes no sense."""


def new_id() -> str:
    """Return a fresh lower-case UUID, as every object of the platform has."""
    return str(uuid.uuid4())


def now() -> datetime.datetime:
    """Return the time as the platform stamps it."""
    return datetime.datetime.now(datetime.UTC)


Noun = TypeVar("Noun")


class Table(dict[str, Noun], Generic[Noun]):
    """Objects by id; asking for an absent one is the caller's error, worded like the API's."""

    def __init__(self, noun: str) -> None:
        """Hold objects that the API calls `noun`."""
        super().__init__()
        self._noun = noun

    def __missing__(self, key: str) -> Noun:
        """Refuse an unknown id."""
        raise Unusable(f"{self._noun} not found")


@dataclass
class Workspace:
    """A team's home: owns projects."""

    id: str
    name: str
    created_at: datetime.datetime = field(default_factory=now)


@dataclass
class Project:
    """Environments, services and volumes that belong together."""

    id: str
    name: str
    workspace_id: str
    created_at: datetime.datetime = field(default_factory=now)
    deleted_at: datetime.datetime | None = None


@dataclass
class Environment:
    """production, staging, ..."""

    id: str
    name: str
    project_id: str
    variables: dict[str, str] = field(default_factory=dict)
    created_at: datetime.datetime = field(default_factory=now)


@dataclass
class Service:
    """A program that runs in one or more environments."""

    id: str
    name: str
    project_id: str
    created_at: datetime.datetime = field(default_factory=now)


@dataclass
class ServiceInstance:
    """A service in one environment, with its variables."""

    id: str
    service_id: str
    environment_id: str
    variables: dict[str, str] = field(default_factory=dict)
    start_command: str | None = None
    created_at: datetime.datetime = field(default_factory=now)


@dataclass
class Volume:
    """A disk of a project. One volume may serve several environments (R14)."""

    id: str
    name: str
    project_id: str
    created_at: datetime.datetime = field(default_factory=now)


@dataclass
class VolumeInstance:
    """A volume as it is mounted in one environment."""

    id: str
    volume_id: str
    environment_id: str
    service_id: str | None
    mount_path: str
    state: str = "READY"
    created_at: datetime.datetime = field(default_factory=now)


@dataclass
class Backup:
    """A backup of a volume instance. Its file lies on the volume itself (R10)."""

    id: str
    volume_instance_id: str
    name: str
    created_at: datetime.datetime
    bytes: int


@dataclass
class Domain:
    """A custom domain of a service."""

    id: str
    domain: str
    project_id: str
    environment_id: str
    service_id: str
    target_port: int | None = None
    created_at: datetime.datetime = field(default_factory=now)


@dataclass
class Deployment:
    """One roll-out of a service in an environment."""

    id: str
    project_id: str
    service_id: str
    environment_id: str
    status: str = "SUCCESS"
    created_at: datetime.datetime = field(default_factory=now)


class World:
    """All of it, in tables by id."""

    def __init__(self) -> None:
        """Start empty."""
        self.workspaces: Table[Workspace] = Table("Workspace")
        self.projects: Table[Project] = Table("Project")
        self.environments: Table[Environment] = Table("Environment")
        self.services: Table[Service] = Table("Service")
        self.service_instances: Table[ServiceInstance] = Table("ServiceInstance")
        self.volumes: Table[Volume] = Table("Volume")
        self.volume_instances: Table[VolumeInstance] = Table("VolumeInstance")
        self.backups: Table[Backup] = Table("Backup")
        self.domains: Table[Domain] = Table("Domain")
        self.deployments: Table[Deployment] = Table("Deployment")

    def service_instance(self, service_id: str, environment_id: str) -> ServiceInstance:
        """Return a service as it runs in an environment."""
        for instance in self.service_instances.values():
            if instance.service_id == service_id and instance.environment_id == environment_id:
                return instance
        raise Unusable("ServiceInstance not found")

    def instances_of(self, volume_id: str) -> list[VolumeInstance]:
        """Return where a volume is mounted."""
        return [instance for instance in self.volume_instances.values() if instance.volume_id == volume_id]

    def latest_deployment(self, service_id: str, environment_id: str) -> Deployment | None:
        """Return the newest deployment of a service in an environment."""
        found = [
            d for d in self.deployments.values() if (d.service_id, d.environment_id) == (service_id, environment_id)
        ]
        return max(found, key=lambda deployment: deployment.created_at, default=None)

    def forget_volume(self, volume_id: str) -> None:
        """Drop a volume with its instances and their backups."""
        for instance in self.instances_of(volume_id):
            self.forget_instance(instance)
        self.volumes.pop(volume_id, None)

    def forget_instance(self, instance: VolumeInstance) -> None:
        """Drop a volume instance with its backups."""
        for backup in [b for b in self.backups.values() if b.volume_instance_id == instance.id]:
            del self.backups[backup.id]
        self.volume_instances.pop(instance.id, None)
