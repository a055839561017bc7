"""Pipelines, scripts and what starts programs."""

from __future__ import annotations

from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Leaky, as_yaml

Make = Callable[[Chance], Leaky]


def _github(chance: Chance) -> Leaky:
    token, password = chance.opaque(), chance.password("_-")
    run = f"curl -u ci:{password} https://{chance.host()}/upload"
    job = {
        "runs-on": "ubuntu-latest",
        "env": {"DEPLOY_TOKEN": token, "REGION": "eu-west-1", "OTHER": "${{ secrets.OTHER }}"},
        "steps": [{"uses": f"actions/checkout@{chance.hex(40)}"}, {"name": "upload", "run": run}],
    }
    return Leaky(
        ".github/workflows/deploy.yml", as_yaml(chance, {"name": "deploy", "jobs": {"deploy": job}}), [token, password]
    )


def _gitlab(chance: Chance) -> Leaky:
    token, password = chance.gitlab(), chance.password("_-")
    tree = {
        "variables": {"API_TOKEN": token, "GIT_DEPTH": "1"},
        "deploy": {"script": [f"docker login -u ci -p {password} {chance.host()}", "make"]},
    }
    return Leaky(".gitlab-ci.yml", as_yaml(chance, tree), [token, password])


def _jenkins(chance: Chance) -> Leaky:
    token = chance.opaque()
    text = f"""pipeline {{
  agent any
  environment {{
    DEPLOY_TOKEN = '{token}'
    OTHER = credentials('other')
  }}
  stages {{ stage('x') {{ steps {{ sh 'make' }} }} }}
}}
"""
    return Leaky("Jenkinsfile", text, [token])


def _circle(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky(
        ".circleci/config.yml",
        as_yaml(
            chance, {"version": 2.1, "jobs": {"build": {"environment": {"NEXUS_TOKEN": token}, "steps": ["checkout"]}}}
        ),
        [token],
    )


def _bitbucket(chance: Chance) -> Leaky:
    password = chance.password("_-")
    tree = {"pipelines": {"default": [{"step": {"script": [f"export SONAR_PASSWORD={password}", "make test"]}}]}}
    return Leaky("bitbucket-pipelines.yml", as_yaml(chance, tree), [password])


def _azure(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky(
        "azure-pipelines.yml",
        as_yaml(chance, {"variables": [{"name": "feedToken", "value": token}, {"name": "mode", "value": "live"}]}),
        [token],
    )


def _script(chance: Chance) -> Leaky:
    password, token, other = chance.password("_-"), chance.opaque(), chance.api_key()
    text = f"""#!/bin/sh
set -eu
export API_TOKEN="{other}"
mysqldump -h {chance.host()} -u root -p'{password}' app > app.sql
curl -sS -H "X-Api-Key: {token}" https://{chance.host()}/hook -d "token=$TOKEN"
TOKEN=$(vault kv get -field=token secret/app)
sha256sum -c <<<"{chance.hex(64)}  app.tar.gz"
"""
    return Leaky("scripts/backup.sh", text, [password, token, other])


def _make(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky("Makefile", f"NEXUS_TOKEN := {token}\n\ndeploy:\n\t./deploy --token $(NEXUS_TOKEN)\n", [token])


def _cron(chance: Chance) -> Leaky:
    password = chance.password("_-")
    return Leaky(
        "deploy/crontab",
        "MAILTO=ops@corp.test\n"
        f"0 3 * * * root PGPASSWORD={password} pg_dump -h {chance.host()} app > /backup/app.sql\n",
        [password],
    )


def _unit(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky(
        "deploy/app.service",
        f"[Unit]\nDescription=app\n[Service]\nEnvironment=APP_SECRET_KEY={token}\nExecStart=/usr/bin/app\n",
        [token],
    )


def _batch(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky("scripts/deploy.bat", f"@echo off\r\nset DEPLOY_TOKEN={token}\r\ncall deploy.exe\r\n", [token])


PIPELINES: tuple[Make, ...] = (
    _github,
    _gitlab,
    _jenkins,
    _circle,
    _bitbucket,
    _azure,
    _script,
    _make,
    _cron,
    _unit,
    _batch,
)
