"""Logins that the command lines of clouds and hosts keep."""

from __future__ import annotations

import base64
from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Json, Leaky, as_ini, as_json, as_toml, of_json, of_yaml, single


def _aws(chance: Chance) -> Leaky:
    profiles: dict[str, dict[str, str]] = {}
    secrets, ids = [], []
    for name in ("default", "prod", chance.word())[: chance.randint(1, 3)]:
        key, secret = chance.aws_id(), chance.aws_secret()
        profiles[name] = {"aws_access_key_id": key, "aws_secret_access_key": secret}
        if chance.random() < 0.3:
            profiles[name]["aws_session_token"] = token = chance.base64(240)
            secrets.append(token)
        secrets.append(secret)
        ids.append(key)
    return Leaky(".aws/credentials", as_ini(chance, profiles), secrets, ids)


def _aws_sso(chance: Chance) -> Leaky:
    access, refresh, client = chance.base64(120), chance.base64(120), chance.text(120)
    login = {
        "startUrl": "https://corp.awsapps.com/start",
        "region": "eu-west-1",
        "accessToken": access,
        "expiresAt": "2026-11-21T10:00:00Z",
        "clientId": chance.text(22),
        "clientSecret": client,
        "refreshToken": refresh,
    }
    return Leaky(f".aws/sso/cache/{chance.hex(40)}.json", as_json(chance, login), [access, refresh, client])


def _gcloud(chance: Chance) -> Leaky:
    path = ".config/gcloud/application_default_credentials.json"
    if chance.random() < 0.5:
        key = chance.pem("pkcs8")
        account = {
            "type": "service_account",
            "project_id": "prod-1",
            "private_key_id": chance.hex(40),
            "private_key": key,
            "client_email": "bot@prod-1.iam.gserviceaccount.com",
            "client_id": str(chance.randint(10**20, 10**21)),
        }
        return Leaky(path, as_json(chance, account), [key], [account["private_key_id"]])
    secret, refresh = f"GOCSPX-{chance.text(28)}", f"1//0{chance.text(100)}"
    user = {
        "type": "authorized_user",
        "client_id": f"{chance.randint(10**11, 10**12)}-{chance.text(32).lower()}.apps.googleusercontent.com",
        "client_secret": secret,
        "refresh_token": refresh,
    }
    return Leaky(path, as_json(chance, user), [secret, refresh])


def _azure(chance: Chance) -> Leaky:
    access, refresh = chance.jwt(), f"0.AX{chance.text(400, 'abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_.')}"
    key = f"{chance.uuid()}.{chance.uuid()}-login.microsoftonline.com"
    cache = {
        "AccessToken": {
            f"{key}-accesstoken": {"secret": access, "target": "https://management.core.windows.net//.default"}
        },
        "RefreshToken": {f"{key}-refreshtoken": {"secret": refresh, "client_id": chance.uuid()}},
        "Account": {key: {"home_account_id": chance.uuid(), "username": "ada@corp.test"}},
    }
    return Leaky(".azure/msal_token_cache.json", as_json(chance, cache), [access, refresh])


def _railway(chance: Chance) -> Leaky:
    token = chance.choice((chance.uuid, lambda: chance.text(43, "abcdefghijkABCDEFGH0123456789-_")))()
    config = {
        "projects": {
            "/home/ada/app": {"projectPath": "/home/ada/app", "project": chance.uuid(), "environment": chance.uuid()}
        },
        "user": {"token": token},
    }
    return Leaky(".railway/config.json", as_json(chance, config), [token])


def _doctl(chance: Chance) -> tuple[Json, list[str]]:
    first, second = chance.digitalocean(), chance.digitalocean()
    return {"access-token": first, "auth-contexts": {"work": second}, "context": "default", "output": "text"}, [
        first,
        second,
    ]


def _wrangler(chance: Chance) -> Leaky:
    access, refresh = chance.text(72, "abcdefghijABCDEF0123456789-_."), chance.text(72, "abcdefghijABCDEF0123456789-_.")
    fields = {
        "oauth_token": access,
        "expiration_time": "2026-11-20T10:00:00.000Z",
        "refresh_token": refresh,
        "scopes": ["account:read"],
    }
    return Leaky(".config/.wrangler/config/default.toml", as_toml(chance, {"": fields}), [access, refresh])


def _fly(chance: Chance) -> tuple[Json, list[str]]:
    token = f"fm2_{chance.base64(300)}"
    return {"access_token": token, "last_login": "2026-11-20T10:00:00Z", "app_secrets_minvers": 3}, [token]


def _vercel(chance: Chance) -> tuple[Json, list[str]]:
    token = chance.text(24)
    return {"// Note": "This is your Vercel credentials file. DO NOT SHARE!", "token": token}, [token]


def _netlify(chance: Chance) -> tuple[Json, list[str]]:
    token = f"nfp_{chance.text(36)}"
    user = chance.hex(24)
    return {
        "telemetryDisabled": True,
        "userId": user,
        "users": {user: {"id": user, "name": "Ada", "auth": {"token": token}}},
    }, [token]


def _neon(chance: Chance) -> tuple[Json, list[str]]:
    access, refresh = chance.text(87, "abcdefghijABCDEF0123456789-_."), chance.text(87, "abcdefghijABCDEF0123456789-_.")
    return {
        "access_token": access,
        "refresh_token": refresh,
        "expires_at": 1_900_000_000_000,
        "scope": "openid offline",
    }, [access, refresh]


def _gh(chance: Chance) -> tuple[Json, list[str]]:
    token = f"gho_{chance.github()[4:]}"
    return {"github.com": {"user": "ada", "oauth_token": token, "git_protocol": "https"}}, [token]


def _glab(chance: Chance) -> tuple[Json, list[str]]:
    token = chance.gitlab()
    return {
        "git_protocol": "ssh",
        "hosts": {"gitlab.com": {"token": token, "api_protocol": "https", "user": "ada"}},
        "host": "gitlab.com",
    }, [token]


def _terraform(chance: Chance) -> tuple[Json, list[str]]:
    token = f"{chance.text(14)}.atlasv1.{chance.text(67)}"
    return {"credentials": {"app.terraform.io": {"token": token}}}, [token]


def _terraformrc(chance: Chance) -> Leaky:
    token = chance.opaque()
    head = 'plugin_cache_dir = "$HOME/.terraform.d/cache"\n\n'
    text = f'{head}credentials "tf.{chance.word()}.internal" {{\n  token = "{token}"\n}}\n'
    return Leaky(".terraformrc", text, [token])


def _kube(chance: Chance) -> tuple[Json, list[str]]:
    token, password, key = chance.opaque(), chance.password(), chance.pem()
    users = [
        {"name": "a", "user": {"token": token}},
        {"name": "b", "user": {"username": "b", "password": password}},
        {
            "name": "c",
            "user": {
                "client-certificate-data": chance.base64(700),
                "client-key-data": base64.b64encode(key.encode()).decode(),
            },
        },
    ]
    clusters = [
        {
            "name": "prod",
            "cluster": {"server": "https://10.0.0.1:6443", "certificate-authority-data": chance.base64(700)},
        }
    ]
    return {"apiVersion": "v1", "kind": "Config", "clusters": clusters, "users": users, "current-context": "prod"}, [
        token,
        password,
        key,
    ]


CLOUDS: tuple[Callable[[Chance], Leaky], ...] = (
    *(_aws, _aws_sso, _gcloud, _azure, _railway, _wrangler, _terraformrc),
    *(
        of_yaml(".config/doctl/config.yaml", _doctl),
        of_yaml(".fly/config.yml", _fly),
        of_yaml(".config/gh/hosts.yml", _gh),
    ),
    *(of_yaml(".config/glab-cli/config.yml", _glab), of_yaml(".kube/config", _kube)),
    of_json(".local/share/com.vercel.cli/auth.json", _vercel),
    of_json(".config/netlify/config.json", _netlify),
    of_json(".config/neonctl/credentials.json", _neon),
    of_json(".terraform.d/credentials.tfrc.json", _terraform),
    single(".supabase/access-token", lambda chance: f"sbp_{chance.hex(40)}"),
    single(".vault-token", lambda chance: f"hvs.{chance.text(24)}"),
    single(".cache/huggingface/token", Chance.huggingface),
)
