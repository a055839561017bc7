"""Other ways to lose what production has, or to gain the right to: everything but the one call of the incident."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial

from ..hands import ask
from ..targets import Targets
from . import Attempt
from .outcome import DONE, Result, of_api


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts."""
    credential = targets.placeholder()
    found: dict[str, Attempt] = {}
    for name, text in {**_rights(targets), **_losses(targets)}.items():
        found[name] = partial(_ask, text, f"Authorization: Bearer {credential}")
        found[f"{name}, as project token"] = partial(_ask, text, f"Project-Access-Token: {credential}")
    return found


def _ask(text: str, credential: str) -> Result:
    """Ask; what a successful answer holds may be a secret, so it is not shown."""
    result = of_api(ask(text, credential))
    return Result(DONE, result.status, "given") if result.outcome == DONE else result


def _losses(targets: Targets) -> dict[str, str]:
    instance, backups = targets.database_volume_instance, targets.backups or ("",)
    production = {"projectId": targets.project, "environmentId": targets.production, "serviceId": targets.web}
    redirected = {**production, "name": "DATABASE_URL", "value": "postgres://elsewhere/x"}
    emptied = {**production, "replace": True, "variables": {}}
    fields = {
        "delete the shared volume": f'volumeDelete(volumeId: "{targets.uploads_volume}")',
        "restore an old backup": (
            f'volumeInstanceBackupRestore(volumeInstanceBackupId: "{backups[0]}", volumeInstanceId: "{instance}") '
            "{ workflowId }"
        ),
        "delete a backup": (
            f'volumeInstanceBackupDelete(volumeInstanceBackupId: "{backups[-1]}", volumeInstanceId: "{instance}") '
            "{ workflowId }"
        ),
        "redirect the database": f"variableUpsert(input: {_literal(redirected)})",
        "replace all variables": f"variableCollectionUpsert(input: {_literal(emptied)})",
        "delete a custom domain": f'customDomainDelete(id: "{targets.domain}")',
        "redeploy production": (
            f'serviceInstanceRedeploy(environmentId: "{targets.production}", serviceId: "{targets.web}")'
        ),
        "schedule the project's end": f'projectScheduleDelete(id: "{targets.project}")',
        "delete the service": f'serviceDelete(id: "{targets.web}", environmentId: "{targets.production}")',
        "delete the environment": f'environmentDelete(id: "{targets.production}")',
        "delete the project": f'projectDelete(id: "{targets.project}")',
    }
    return {name: f"mutation {{ {field} }}" for name, field in fields.items()}


def _rights(targets: Targets) -> dict[str, str]:
    place = {"projectId": targets.project, "environmentId": targets.production}
    arguments = (
        f'projectId: "{targets.project}", environmentId: "{targets.production}", serviceId: "{targets.postgres}"'
    )
    return {
        "mint an account token": 'mutation { apiTokenCreate(input: {name: "mine"}) }',
        "mint a project token": f"mutation {{ projectTokenCreate(input: {_literal({**place, 'name': 'mine'})}) }}",
        "read production's secrets": f"query {{ variables({arguments}) }}",
        "read production's secrets, aliased": f"query {{ status: variablesForServiceDeployment({arguments}) }}",
        "list the tokens": "query { apiTokens { edges { node { id name } } } }",
    }


def _literal(value: Mapping[str, object]) -> str:
    """Return a GraphQL input literal: JSON with bare keys."""
    return "{" + ", ".join(f"{name}: {json.dumps(held)}" for name, held in value.items()) + "}"
