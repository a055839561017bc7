"""Clouds: AWS, Google, Azure, Kubernetes, Terraform, rclone, and the logins that command lines keep."""

from __future__ import annotations

import base64
import json
import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from yett.inventory.formats import all_formats, cloud_logins, sniffers
from yett.inventory.formats.gcloud import DATABASES
from yett.inventory.formats.rclone import _KEY

Parsed = Callable[..., list[Any]]
Made = Callable[..., str]


def pairs(found: list[Any]) -> list[tuple[str, str]]:
    return [(one.value, one.account) for one in found]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_aws_profiles(parsed: Parsed, made: Made) -> None:
    key, secret, session, other = made(20), made(40), made(200), made(40)
    text = (
        f"[default]\naws_access_key_id = {key}\naws_secret_access_key={secret}\n\n"
        f"[work]\nAWS_SECRET_ACCESS_KEY = {other}\naws_session_token = {session} \n"
        "[x]\naws_secret_access_key = <yours>\n"
    )
    for path in ("~/.aws/credentials", "~/.aws/config"):
        found = parsed(path, text)
        assert pairs(found) == [(secret, key), (other, ""), (session, "")]
        assert found[0].hit.provider == "aws"


def test_aws_caches(parsed: Parsed, made: Made) -> None:
    token, client, secret, session = made(300), made(60), made(40), made(100)
    sso = {"startUrl": "https://x.example/start", "accessToken": token, "clientId": "c1", "clientSecret": client}
    found = parsed(f"~/.aws/sso/cache/{made(40)}.json", json.dumps(sso))
    assert pairs(found) == [(token, "https://x.example/start"), (client, "c1")]
    cli = {"Credentials": {"AccessKeyId": "A1", "SecretAccessKey": secret, "SessionToken": session}}
    assert pairs(parsed("~/.aws/cli/cache/a.json", json.dumps(cli))) == [(secret, "A1"), (session, "A1")]


def test_google_keys_and_logins(parsed: Parsed, parsed_as: Parsed, made: Made) -> None:
    pem = f"-----BEGIN {'PRIVATE'} KEY-----\n{made(64)}\n-----END {'PRIVATE'} KEY-----\n"
    key = {"type": "service_account", "private_key": pem, "client_email": "svc@p.example"}
    for found in (
        parsed("my-service-account.json", json.dumps(key)),
        parsed_as("google-service-account", json.dumps(key)),
    ):
        assert pairs(found) == [(pem, "svc@p.example")]
        assert found[0].raw == json.dumps(pem)[1:-1]
    refresh, secret = made(60), made(24)
    adc = {"type": "authorized_user", "client_id": "c", "client_secret": secret, "refresh_token": refresh}
    found = parsed("~/.config/gcloud/application_default_credentials.json", json.dumps(adc))
    assert sorted(pairs(found)) == sorted([(refresh, "c"), (secret, "c")])
    client = {"installed": {"client_id": "c", "client_secret": secret}}
    assert pairs(parsed("client_secret_1.json", json.dumps(client))) == [(secret, "c")]
    assert ("gcloud/credentials.db", "credentials", "account_id", "value") in DATABASES


def test_azure(parsed: Parsed, made: Made) -> None:
    refresh, access, secret, key = made(100), made(400), made(40), made(40)
    cache = {
        "AccessToken": {"k": {"secret": access, "home_account_id": "a.b", "environment": "login.example"}},
        "RefreshToken": {"k": {"secret": refresh, "home_account_id": "a.b"}},
        "Account": {"k": {"username": "ann@x.example"}},
    }
    found = parsed("~/.azure/msal_token_cache.json", json.dumps(cache))
    assert pairs(found) == [(access, "a.b@login.example"), (refresh, "a.b")]
    old = [{"accessToken": access, "refreshToken": refresh, "userId": "ann"}]
    assert pairs(parsed("~/.azure/accessTokens.json", json.dumps(old))) == [(access, "ann"), (refresh, "ann")]
    principal = [{"client_id": "c", "tenant": "t", "client_secret": secret}]
    assert pairs(parsed("~/.azure/service_principal_entries.json", json.dumps(principal))) == [(secret, "c@t")]
    made_by_az = {"appId": "c", "tenant": "t", "password": key}
    assert pairs(parsed("azure-credentials.json", json.dumps(made_by_az))) == [(key, "c@t")]


def test_kubeconfig(parsed: Parsed, made: Made) -> None:
    token, password, pem, variable, refresh = made(200), made(), f"-----BEGIN X-----\n{made(64)}", made(), made()
    environ = [{"name": "MY_PASSWORD", "value": variable}, {"name": "A", "value": "b"}]
    config = {
        "kind": "Config",
        "clusters": [{"name": "prod", "cluster": {"server": "https://k.example:6443"}}],
        "contexts": [{"name": "c", "context": {"cluster": "prod", "user": "ann"}}],
        "users": [
            {"name": "ann", "user": {"token": token, "username": "x", "password": password}},
            {"name": "bob", "user": {"client-key-data": b64(pem), "client-certificate-data": b64("cert")}},
            {"name": "cem", "user": {"exec": {"env": environ}}},
            {"name": "dan", "user": {"auth-provider": {"config": {"refresh-token": refresh, "client-id": "c"}}}},
        ],
    }  # fmt: skip
    for text in (yaml.safe_dump(config), json.dumps(config)):
        found = parsed("~/.kube/config", text)
        assert sorted(pairs(found)) == sorted(
            [
                (token, "ann@k.example:6443"),
                (password, "ann@k.example:6443"),
                (pem, "bob"),
                (refresh, "dan"),
                (variable, ""),
            ]
        )
    (certificate,) = (one for one in found if one.hit.identity == "certificate")
    assert certificate.raw == b64(pem)


def test_kubernetes_secrets(parsed_as: Parsed, made: Made) -> None:
    first, second, third, fourth = (made() for _ in range(4))
    pull = json.dumps({"auths": {"r.example": {"auth": b64(f"ann:{fourth}")}}})
    encoded = {"password": b64(first), "username": b64("ann"), "x": b64("${Y}")}
    plain = {"any": second, "host": "db.example", "t": "<token>"}
    documents = [
        {"kind": "Secret", "metadata": {"name": "db"}, "data": encoded},
        {"kind": "ConfigMap", "data": {"password": b64(made())}},
        {"kind": "Secret", "metadata": {"name": "s"}, "stringData": plain},
        {"kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "l"}, "data": {"t": b64(third)}}]},
        {"kind": "Secret", "metadata": {"name": "p"}, "data": {".dockerconfigjson": b64(pull)}},
    ]  # fmt: skip
    found = parsed_as("kubernetes-secret", yaml.safe_dump_all(documents))
    assert pairs(found) == [(first, "db"), (second, "s"), (third, "l"), (fourth, "ann@r.example")]
    assert found[0].raw == b64(first)


def test_terraform_logins_and_variables(parsed: Parsed, made: Made) -> None:
    token, password, key = made(90), made(), made(32)
    assert pairs(parsed(".terraformrc", f'credentials "app.example" {{\n  token = "{token}"\n}}\n')) == [
        (token, "app.example")
    ]
    tfrc = {"credentials": {"app.example": {"token": token}}}
    assert pairs(parsed("credentials.tfrc.json", json.dumps(tfrc))) == [(token, "app.example")]
    text = f'region = "eu"\ndb_password = "{password}" # c\n'
    text += f'logins = {{ a = {{ api_key = "{key}" }} }}\ntoken = var.token\n'
    assert [one.value for one in parsed("prod.tfvars", text)] == [password, key]
    assert [one.value for one in parsed("prod.auto.tfvars.json", json.dumps({"db_password": password}))] == [password]


def test_terraform_state(parsed: Parsed, made: Made) -> None:
    output, marked, named, nested, url, old = (made() for _ in range(6))
    state = {
        "version": 4,
        "terraform_version": "1.9.0",
        "outputs": {"a": {"value": output, "type": "string", "sensitive": True}, "b": {"value": made()}},
        "resources": [
            {
                "type": "db",
                "instances": [
                    {
                        "attributes": {
                            "content": marked,
                            "username": "ann",
                            "endpoint": "db.example",
                            "password": named,
                            "deep": [{"odd": nested}],
                            "url": f"postgres://u:{url}@h.example/x",
                            "id": made(),
                        },
                        "sensitive_attributes": [
                            [{"type": "get_attr", "value": "content"}],
                            [
                                {"type": "get_attr", "value": "deep"},
                                {"type": "index", "value": {"value": 0, "type": "number"}},
                                {"type": "get_attr", "value": "odd"},
                            ],
                        ],
                    }
                ],
            }
        ],
        "modules": [{"resources": {"x": {"primary": {"attributes": {"master_password": old}}}}}],
    }
    for text in (json.dumps(state), json.dumps(state, indent=2)):
        found = parsed("terraform.tfstate", text)
        assert sorted(one.value for one in found) == sorted([output, marked, named, nested, url, old])
        assert {one.account for one in found if one.value in (marked, named)} == {"ann@db.example"}


def obscured(text: str) -> str:
    counter = secrets.token_bytes(16)
    cipher = Cipher(algorithms.AES(bytes(_KEY)), modes.CTR(counter)).encryptor()
    return base64.urlsafe_b64encode(counter + cipher.update(text.encode()) + cipher.finalize()).decode().rstrip("=")


def test_rclone_is_read_through_its_obscuring(parsed: Parsed, made: Made) -> None:
    password, access, refresh, key = (made() for _ in range(4))
    hidden = obscured(password)
    token = json.dumps({"access_token": access, "refresh_token": refresh, "expiry": "2026"})
    text = (
        f"[box]\ntype = sftp\nhost = h.example\nuser = ann\npass = {hidden}\n"
        f"[drive]\ntype = drive\ntoken = {token}\n[s3]\naccess_key_id = A\nsecret_access_key = {key}\n"
    )
    found = parsed("rclone.conf", text)
    assert pairs(found) == [(password, "ann@h.example"), (access, "drive"), (refresh, "drive"), (key, "A@s3")]
    assert found[0].raw == hidden


@pytest.mark.parametrize(
    "path",
    [
        "~/.vault-token",
        "~/.supabase/access-token",
        "/var/run/secrets/kubernetes.io/serviceaccount/token",
        "run/secrets/db",
    ],
)
def test_files_that_are_a_token(parsed: Parsed, made: Made, path: str) -> None:
    token = made(40)
    assert [one.raw for one in parsed(path, f"\n {token}\n")] == [token]
    assert parsed(path, f"{token} and words\n") == []
    assert parsed(path, "<token>\n") == []
    assert parsed(path, "") == []


DECLARED = tomllib.loads(Path(cloud_logins.__file__).with_suffix(".toml").read_text())["login"]


def written(login: dict[str, Any], keys: list[str], value: str) -> str:
    """A file of that program that holds the value at that path."""
    if login["reads"] in ("ini", "ini="):
        return f"[{'.'.join(keys[:-1])}]\n{keys[-1]} = {value}\n"
    if login["reads"] == "toml":
        return f"[{'.'.join(keys[:-1])}]\n{keys[-1]} = '{value}'\n" if len(keys) > 1 else f"{keys[0]} = '{value}'\n"
    tree: Any = value
    for key in reversed(keys):
        tree = {key: tree}
    return json.dumps(tree) if login["reads"] == "json" else yaml.safe_dump(tree)


@pytest.mark.parametrize("login", DECLARED, ids=lambda login: login["id"])
def test_every_declared_place_is_read(parsed: Parsed, made: Made, login: dict[str, Any]) -> None:
    endings = [*login.get("paths", ()), *login.get("names", ())]
    for where in login["at"]:
        keys = [part.split("|")[-1].replace("*", "it") for part in where.replace("**/", "any/").split("/")]
        value = made(40)
        for ending in endings:
            text = written(login, keys, value)
            if login["reads"].startswith("ini") and "." in keys[-1] and len(keys) == 1:
                text = f"{keys[0]}={value}\n"  # a properties file
            found = parsed(f"~/{ending.replace('*', 'it')}", text)
            assert [one.value for one in found] == [value], (where, ending)
            assert found[0].hit.provider == login["provider"]
            assert parsed(f"~/{ending.replace('*', 'it')}", text.replace(value, "changeme")) == []


def test_accounts_of_command_lines(parsed: Parsed, made: Made) -> None:
    token = made(40)
    assert pairs(parsed("~/.config/gh/hosts.yml", f"github.com:\n  user: ann\n  oauth_token: {token}\n")) == [
        (token, "ann@github.com")
    ]
    assert pairs(parsed("~/.config/hub", f"github.com:\n- user: ann\n  oauth_token: {token}\n")) == [
        (token, "ann@github.com")
    ]
    assert pairs(
        parsed(
            "~/.mc/config.json",
            json.dumps({"aliases": {"a": {"url": "https://m", "accessKey": "k", "secretKey": token}}}),
        )
    ) == [(token, "k@https://m")]


def test_a_home_is_of_the_same_format_as_its_path() -> None:
    for made in all_formats():
        if made in cloud_logins.FORMATS:
            assert made.homes or made.names, made.id


def test_what_content_tells_is_told() -> None:
    assert {"google-service-account", "kubernetes-secret", "aws-credentials", "terraform-state"} <= {
        made.id for made in sniffers()
    }
