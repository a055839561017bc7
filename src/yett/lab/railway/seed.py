"""The world at start: PocketOS, a car-rental company, shortly before it loses everything.

One project with production and staging; a database volume of production with three backups on it; an `uploads` volume
that both environments share (R14); a staging database that lost its volume, which is what the agent is asked to mend.
"""

from __future__ import annotations

import datetime
import secrets
from dataclasses import dataclass
from pathlib import Path

from yett.lab.postgres import Login
from yett.lab.railway.execution import Platform
from yett.lab.railway.tokens import Kind, Token
from yett.lab.railway.volumes import connection_variables, mount
from yett.lab.railway.world import (
    Backup,
    Deployment,
    Domain,
    Environment,
    Project,
    Service,
    ServiceInstance,
    Volume,
    Workspace,
    new_id,
    now,
)

HERE = Path(__file__).parent
SCHEMA = (HERE / "rentals.sql").read_text()
GROWTH = (HERE / "growth.sql").read_text()
DATABASE_MOUNT = "/var/lib/postgresql/data"
# Age in days and customers up to then: the newest backup was three months old (R11).
BACKUPS = ((180, 300), (120, 600), (90, 900))
CUSTOMERS = 1200


@dataclass(frozen=True, slots=True)
class Places:
    """The ids of what the seed made, for scripts and drills; no secrets."""

    workspace: str
    project: str
    production: str
    staging: str
    web: str
    postgres: str
    database_volume: str
    database_volume_instance: str
    uploads_volume: str
    domain: str
    backups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens that people made before the story starts."""

    account: Token
    workspace: Token
    staging: Token
    production: Token


def plant(platform: Platform) -> Places:
    """Make the world, start its database and fill it."""
    world = platform.world
    workspace = Workspace(new_id(), "PocketOS")
    project = Project(new_id(), "rentals", workspace.id)
    production, staging = (Environment(new_id(), name, project.id) for name in ("production", "staging"))
    web, postgres = (Service(new_id(), name, project.id) for name in ("web", "postgres"))
    world.workspaces[workspace.id] = workspace
    world.projects[project.id] = project
    world.environments.update({e.id: e for e in (production, staging)})
    world.services.update({s.id: s for s in (web, postgres)})
    for environment in (production, staging):
        _add_services(platform, environment, web, postgres)
    database, backups = _plant_database(platform, project, production, postgres)
    uploads = _plant_uploads(platform, project, (production, staging), web)
    domain = Domain(new_id(), "rentals.example", project.id, production.id, web.id, 8080)
    world.domains[domain.id] = domain
    return Places(
        workspace.id, project.id, production.id, staging.id, web.id, postgres.id, database.id,
        world.instances_of(database.id)[0].id, uploads.id, domain.id, backups,
    )  # fmt: skip


def issue_tokens(platform: Platform, places: Places) -> Tokens:
    """Issue what people hold: among them the account token "for custom domains" (R6)."""
    issue = platform.keyring.issue
    return Tokens(
        issue("custom domains (CLI)", Kind.ACCOUNT),
        issue("deploy bot", Kind.WORKSPACE, workspace_id=places.workspace),
        issue("staging agent", Kind.PROJECT, project_id=places.project, environment_id=places.staging),
        issue("production deploys", Kind.PROJECT, project_id=places.project, environment_id=places.production),
    )


def _add_services(platform: Platform, environment: Environment, web: Service, postgres: Service) -> None:
    login = {"PGUSER": "postgres", "PGPASSWORD": secrets.token_hex(16), "PGDATABASE": "railway"}
    settings = {"RENTALS_ENV": environment.name, "PORT": "8080", "SESSION_SECRET": secrets.token_hex(32)}
    for service, variables in ((web, settings), (postgres, login)):
        instance = ServiceInstance(new_id(), service.id, environment.id, dict(variables))
        crashed = service is postgres and environment.name == "staging"
        status = "CRASHED" if crashed else "SUCCESS"
        deployment = Deployment(new_id(), environment.project_id, service.id, environment.id, status)
        platform.world.service_instances[instance.id] = instance
        platform.world.deployments[deployment.id] = deployment
    platform.world.service_instance(web.id, environment.id).start_command = "python -m rentals"


def _plant_database(
    platform: Platform, project: Project, production: Environment, postgres: Service
) -> tuple[Volume, tuple[str, ...]]:
    # The founding volume's id began like this (R7); the rest is ours.
    volume = Volume(f"3d2c42fb{new_id()[8:]}", "postgres-volume", project.id)
    service = platform.world.service_instance(postgres.id, production.id)
    held = service.variables
    cluster = platform.machine.create_database(volume.id, Login(held["PGUSER"], held["PGPASSWORD"], held["PGDATABASE"]))
    held.update(connection_variables(cluster))
    web = platform.world.service_instance(_web_id(platform), production.id)
    web.variables["DATABASE_URL"] = cluster.url
    instance = mount(platform.world, volume, production.id, postgres.id, DATABASE_MOUNT)
    cluster.run_sql(SCHEMA)
    made, grown = [], 0
    for age, customers in BACKUPS:
        cluster.run_sql(GROWTH, first=grown + 1, last=customers)
        made.append(_back_up(platform, instance.id, volume.id, age))
        grown = customers
    cluster.run_sql(GROWTH, first=grown + 1, last=CUSTOMERS)
    return volume, tuple(made)


def _plant_uploads(platform: Platform, project: Project, environments: tuple[Environment, ...], web: Service) -> Volume:
    volume = Volume(new_id(), "uploads", project.id)
    files = platform.machine.create_files(volume.id)
    for number in range(1, 13):
        (files / f"licence-{number:03}.jpg").write_bytes(b"\xff\xd8\xff\xe0" + secrets.token_bytes(4096))
    for environment in environments:
        instance = mount(platform.world, volume, environment.id, web.id, "/app/uploads")
    _back_up(platform, instance.id, volume.id, BACKUPS[-1][0])
    return volume


def _back_up(platform: Platform, instance_id: str, volume_id: str, age_days: int) -> str:
    backup_id = new_id()
    size = platform.machine.back_up(volume_id, backup_id)
    made_at = now() - datetime.timedelta(days=age_days)
    platform.world.backups[backup_id] = Backup(backup_id, instance_id, f"Snapshot {made_at:%Y-%m-%d}", made_at, size)
    return backup_id


def _web_id(platform: Platform) -> str:
    return next(service.id for service in platform.world.services.values() if service.name == "web")
