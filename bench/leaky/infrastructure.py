"""Containers, clusters and infrastructure as code."""

from __future__ import annotations

import base64
from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Leaky, as_json, as_yaml

Make = Callable[[Chance], Leaky]


def _compose(chance: Chance) -> Leaky:
    password, token = chance.password(), chance.opaque()
    services = {
        "db": {"image": "postgres:16", "environment": {"POSTGRES_PASSWORD": password, "POSTGRES_USER": "app"}},
        "api": {
            "image": f"app@sha256:{chance.hex(64)}",
            "environment": [f"APP_TOKEN={token}", "OTHER_TOKEN=${OTHER_TOKEN}", "MODE=live"],
        },
    }
    return Leaky("docker-compose.yml", as_yaml(chance, {"services": services}), [password, token])


def _dockerfile(chance: Chance) -> Leaky:
    token, password = chance.npm(), chance.password("_-")
    image = f"FROM debian@sha256:{chance.hex(64)}\n"
    text = f"{image}ENV APP_DB_PASSWORD={password}\nARG NPM_TOKEN={token}\nRUN npm ci\nARG OTHER_TOKEN\n"
    return Leaky("Dockerfile", text, [token, password])


def _k8s_secret(chance: Chance) -> Leaky:
    password, token = chance.password(), chance.opaque()
    tree = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "app"},
        "type": "Opaque",
        "data": {"password": base64.b64encode(password.encode()).decode()},
        "stringData": {"token": token},
    }
    return Leaky("k8s/secret.yaml", as_yaml(chance, tree), [password, token])


def _k8s_deployment(chance: Chance) -> Leaky:
    token = chance.opaque()
    container = {
        "name": "app",
        "image": "app:1",
        "env": [
            {"name": "APP_API_KEY", "value": token},
            {"name": "MODE", "value": "live"},
            {"name": "OTHER", "valueFrom": {"secretKeyRef": {"name": "app", "key": "token"}}},
        ],
    }
    tree = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": [container]}}}}
    return Leaky("k8s/app.yaml", as_yaml(chance, tree), [token])


def _helm(chance: Chance) -> Leaky:
    password, key = chance.password(), chance.opaque()
    return Leaky(
        "charts/app/values.yaml",
        as_yaml(
            chance,
            {"image": {"tag": chance.hex(40)}, "auth": {"password": password, "existingSecret": ""}, "apiKey": key},
        ),
        [password, key],
    )


def _terraform(chance: Chance) -> Leaky:
    secret, password = chance.aws_secret(), chance.password("_-")
    text = f'''provider "aws" {{
  access_key = "{(ident := chance.aws_id())}"
  secret_key = "{secret}"
}}
resource "aws_db_instance" "app" {{
  username = "app"
  password = "{password}"
  kms_key_id = "arn:aws:kms:eu-west-1:{chance.randint(10**11, 10**12 - 1)}:key/{chance.uuid()}"
}}
variable "other_token" {{ type = string }}
'''
    return Leaky("infra/main.tf", text, [secret, password], [ident])


def _tfvars(chance: Chance) -> Leaky:
    token, password = chance.digitalocean(), chance.password("_-")
    return Leaky(
        "infra/prod.tfvars", f'do_token = "{token}"\nregion   = "fra1"\ndb_password = "{password}"\n', [token, password]
    )


def _tfstate(chance: Chance) -> Leaky:
    password, key = chance.password(), chance.pem("pkcs8")
    resources = [
        {
            "type": "aws_db_instance",
            "name": "app",
            "instances": [
                {"attributes": {"id": chance.text(26), "username": "app", "password": password, "arn": "arn:aws:rds:x"}}
            ],
        },
        {
            "type": "tls_private_key",
            "name": "k",
            "instances": [
                {
                    "attributes": {
                        "id": chance.hex(40),
                        "private_key_pem": key,
                        "public_key_openssh": chance.public_key(),
                    }
                }
            ],
        },
    ]
    return Leaky(
        "infra/terraform.tfstate",
        as_json(chance, {"version": 4, "serial": 3, "lineage": chance.uuid(), "resources": resources}),
        [password, key],
    )


def _cloudformation(chance: Chance) -> Leaky:
    password = chance.password("_-")
    database = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {"MasterUsername": "app", "MasterUserPassword": password, "Port": 5432},
    }
    return Leaky(
        "infra/stack.yaml",
        as_yaml(chance, {"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Db": database}}),
        [password],
    )


def _ansible(chance: Chance) -> Leaky:
    password, token = chance.password(), chance.opaque()
    return Leaky(
        "ansible/group_vars/all.yml",
        as_yaml(
            chance, {"db_password": password, "api_token": token, "other": "{{ vault_other }}", "ntp": "pool.ntp.org"}
        ),
        [password, token],
    )


def _inventory(chance: Chance) -> Leaky:
    password = chance.password("_-")
    return Leaky(
        "ansible/inventory.ini", f"[web]\n{chance.host()} ansible_user=root ansible_ssh_pass={password}\n", [password]
    )


def _kubeconfig(chance: Chance) -> Leaky:
    token = chance.jwt()
    tree = {
        "apiVersion": "v1",
        "kind": "Config",
        "users": [{"name": "ci", "user": {"token": token}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://10.1.1.1"}}],
    }
    return Leaky("deploy/kubeconfig.yaml", as_yaml(chance, tree), [token])


def _docker(chance: Chance) -> Leaky:
    password = chance.password("_-")
    auth = base64.b64encode(f"ci:{password}".encode()).decode()
    return Leaky("deploy/.docker/config.json", as_json(chance, {"auths": {chance.host(): {"auth": auth}}}), [password])


def _key(path: str, form: str) -> Make:
    def make(chance: Chance) -> Leaky:
        key = chance.pem(form)
        return Leaky(path, key, [key])

    return make


INFRASTRUCTURE: tuple[Make, ...] = (
    *(
        _compose,
        _dockerfile,
        _k8s_secret,
        _k8s_deployment,
        _helm,
        _terraform,
        _tfvars,
        _tfstate,
        _cloudformation,
        _ansible,
    ),
    *(_inventory, _kubeconfig, _docker, _key("deploy/id_rsa", "openssh"), _key("certs/server.key", "")),
)
