"""Logins that the clients of databases, registries and shells keep, and what was typed into them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from bench.leaky.chance import Chance
from bench.leaky.layout import Json, Leaky, as_env, as_ini, as_json, as_toml, of_json


def _netrc(chance: Chance) -> Leaky:
    first, second = chance.uuid(), chance.password()
    text = f"machine api.heroku.com\n  login ada@corp.test\n  password {first}\n"
    one = f"machine {chance.host()} login {chance.person()} password {second}\n"
    return Leaky(".netrc", chance.choice((text + one, one + text, one + "# work\n" + text)), [first, second])


def _git_credentials(chance: Chance) -> Leaky:
    token, password = chance.github(), chance.password("_-")
    return Leaky(
        ".git-credentials",
        f"https://ada:{token}@github.com\nhttps://{chance.person()}:{password}@{chance.host()}\n",
        [token, password],
    )


def _docker(chance: Chance) -> Leaky:
    first, second = chance.password("_-"), chance.github()
    auths = {
        host: {"auth": base64.b64encode(f"{chance.person()}:{value}".encode()).decode()}
        for host, value in (("https://hub.northwind-parts.internal/v1/", first), ("images.corp.internal", second))
    }
    return Leaky(
        ".docker/config.json",
        as_json(chance, {"auths": auths, "credHelpers": {"images.old.internal": "gcloud"}}),
        [first, second],
    )


def _npmrc(chance: Chance) -> Leaky:
    token, own = chance.npm(), chance.choice((chance.uuid, chance.opaque))()
    text = f"registry=https://npm.{chance.word()}.internal/\n//npm.northwind-parts.internal/:_authToken={token}\n//npm.corp.internal/:_authToken={own}\nalways-auth=true\n//old.internal/:_authToken=${{NPM_TOKEN}}\n"
    return Leaky(".npmrc", text, [token, own])


def _pypirc(chance: Chance) -> Leaky:
    token, password = (
        f"pypi-AgEIcHlwaS5vcmc{chance.text(150, 'abcdefghijABCDEFGHIJ0123456789-_')}",
        chance.password("_-"),
    )
    sections = {
        "distutils": {"index-servers": "pypi corp"},
        "pypi": {"username": "__token__", "password": token},
        "corp": {"repository": f"https://{chance.host()}/", "username": chance.person(), "password": password},
    }
    return Leaky(".pypirc", as_ini(chance, sections), [token, password])


def _pgpass(chance: Chance) -> Leaky:
    first, second = chance.password("!#%+=_-"), chance.text(20)
    return Leaky(
        ".pgpass",
        f"# host:port:database:user:password\n{chance.host()}:5432:app:{chance.person()}:{first}\n*:*:*:ada:{second}\n",
        [first, second],
    )


def _mycnf(chance: Chance) -> Leaky:
    password = chance.password("!%+=_-")
    written = chance.choice((password, f'"{password}"'))
    return Leaky(
        ".my.cnf",
        as_ini(
            chance,
            {
                "client": {"user": chance.person(), "password": written, "host": chance.host()},
                "mysqldump": {"quick": ""},
            },
        ),
        [password],
    )


def _rclone(chance: Chance) -> Leaky:
    secret, token = chance.aws_secret(), chance.opaque()
    sections = {
        "s3": {"type": "s3", "provider": "AWS", "access_key_id": chance.aws_id(), "secret_access_key": secret},
        "drive": {
            "type": "drive",
            "client_id": chance.text(20),
            "token": json.dumps({"access_token": token, "token_type": "Bearer", "expiry": "2020-01-01T00:00:00Z"}),
        },
    }
    return Leaky(
        ".config/rclone/rclone.conf",
        as_ini(chance, sections, " = "),
        [secret, token],
        [sections["s3"]["access_key_id"]],
    )


def _pg_service(chance: Chance) -> Leaky:
    password = chance.password("!%+=_-")
    return Leaky(
        ".pg_service.conf",
        as_ini(
            chance,
            {"prod": {"host": chance.host(), "user": chance.person(), "password": password, "dbname": "app"}},
            "=",
        ),
        [password],
    )


def _bash_history(chance: Chance) -> Leaky:
    token, password, bearer, other = chance.api_key(), chance.password("_-"), chance.opaque(), chance.password("_-")
    lines = [
        f"export SOME_TOKEN={token}",
        f"mysql -h {chance.host()} -u root -p{password} app",
        "ls -la",
        "git log --oneline | head",
        f"curl -H 'Authorization: Bearer {bearer}' https://{chance.host()}/v1/me",
        "cd ~/src && make",
        f"PGPASSWORD={other} psql -h {chance.host()}",
    ]
    chance.shuffle(lines)
    return Leaky(".bash_history", "\n".join(lines) + "\n", [token, password, bearer, other])


def _zsh_history(chance: Chance) -> Leaky:
    token, password = chance.opaque(), chance.password("_-")
    lines = [
        f"deploy --token {token} --env prod",
        "vim README.md",
        f"sshpass -p {password} ssh {chance.person()}@{chance.host()}",
    ]
    return Leaky(
        ".zsh_history",
        "".join(f": {1_790_000_000 + at}:0;{line}\n" for at, line in enumerate(lines)),
        [token, password],
    )


def _fish_history(chance: Chance) -> Leaky:
    token = chance.opaque()
    return Leaky(
        ".local/share/fish/fish_history",
        f"- cmd: set -x DEPLOY_TOKEN {token}\n  when: 1790000000\n- cmd: ls\n  when: 1790000001\n",
        [token],
    )


def _start(path: str) -> Callable[[Chance], Leaky]:
    def make(chance: Chance) -> Leaky:
        key, other = chance.api_key(), chance.opaque()
        text = as_env(
            chance, {"SOME_API_KEY": key, "INTERNAL_TOKEN": other, "EDITOR": "vim", "AWS_PROFILE": "prod"}, export=True
        )
        return Leaky(path, "# ~/.rc\nalias ll='ls -la'\n" + text + "export PATH=$HOME/bin:$PATH\n", [key, other])

    return make


def _ssh(chance: Chance) -> Leaky:
    key = chance.pem(chance.choice(("openssh", "")))
    return Leaky(chance.choice((".ssh/id_ed25519", ".ssh/id_rsa", ".ssh/deploy")), key, [key])


def _public_ssh(chance: Chance) -> Leaky:
    return Leaky(".ssh/id_ed25519.pub", chance.public_key() + "\n", [])


def _psql_history(chance: Chance) -> Leaky:
    password = chance.password("_-")
    return Leaky(
        ".psql_history", f"\\dt\nALTER ROLE {chance.person()} WITH PASSWORD '{password}';\nselect 1;\n", [password]
    )


def _cargo(chance: Chance) -> Leaky:
    token, other = f"cio{chance.text(32)}", chance.opaque()
    return Leaky(
        ".cargo/credentials.toml",
        as_toml(chance, {"registry": {"token": token}, "registries.corp": {"token": other}}),
        [token, other],
    )


def _gem(chance: Chance) -> Leaky:
    key = f"rubygems_{chance.hex(48)}"
    return Leaky(".gem/credentials", f"---\n:rubygems_api_key: {key}\n", [key])


def _pip(chance: Chance) -> Leaky:
    password = chance.password("_-")
    return Leaky(
        ".config/pip/pip.conf",
        as_ini(
            chance,
            {"global": {"index-url": f"https://{chance.person()}:{password}@{chance.host()}/simple", "timeout": "60"}},
        ),
        [password],
    )


def _s3cfg(chance: Chance) -> Leaky:
    key, secret = chance.aws_id(), chance.aws_secret()
    return Leaky(
        ".s3cfg",
        as_ini(chance, {"default": {"access_key": key, "secret_key": secret, "host_base": "s3.amazonaws.com"}}, " = "),
        [secret],
        [key],
    )


def _databricks(chance: Chance) -> Leaky:
    token = f"dapi{chance.hex(32)}"
    return Leaky(
        ".databrickscfg",
        as_ini(chance, {"DEFAULT": {"host": f"https://{chance.word()}.cloud.databricks.com", "token": token}}),
        [token],
    )


def _snow(chance: Chance) -> Leaky:
    password = chance.password("%_-")
    return Leaky(
        ".snowsql/config",
        as_ini(chance, {"connections": {"accountname": chance.word(), "username": "ada", "password": password}}, " = "),
        [password],
    )


def _composer(chance: Chance) -> tuple[Json, list[str]]:
    token, password = chance.github(), chance.password()
    return {
        "github-oauth": {"github.com": token},
        "http-basic": {chance.host(): {"username": "ada", "password": password}},
    }, [token, password]


def _maven(chance: Chance) -> Leaky:
    password = chance.password("!%+_-")
    text = f"""<?xml version="1.0"?>
<settings>
  <servers>
    <server>
      <id>corp</id>
      <username>{chance.person()}</username>
      <password>{password}</password>
    </server>
  </servers>
</settings>
"""
    return Leaky(".m2/settings.xml", text, [password])


def _gradle(chance: Chance) -> Leaky:
    password, token = chance.password("%_-"), chance.opaque()
    return Leaky(
        ".gradle/gradle.properties",
        f"org.gradle.jvmargs=-Xmx2g\nnexusUsername=ada\nnexusPassword={password}\nsonatypeToken={token}\n",
        [password, token],
    )


def _nuget(chance: Chance) -> Leaky:
    password = chance.password("_-")
    source = f'<packageSources><add key="corp" value="https://{chance.host()}/v3" /></packageSources>'
    fields = f'<add key="Username" value="ada" /><add key="ClearTextPassword" value="{password}" />'
    login = f"<packageSourceCredentials><corp>{fields}</corp></packageSourceCredentials>"
    text = f"<configuration>{source}{login}</configuration>"
    return Leaky(".nuget/NuGet/NuGet.Config", text, [password])


def _kaggle(chance: Chance) -> tuple[Json, list[str]]:
    key = chance.hex(32)
    return {"username": "ada", "key": key}, [key]


CLIENTS: tuple[Callable[[Chance], Leaky], ...] = (
    *(
        _netrc,
        _git_credentials,
        _docker,
        _npmrc,
        _pypirc,
        _pgpass,
        _mycnf,
        _rclone,
        _pg_service,
        _bash_history,
        _zsh_history,
    ),
    *(_fish_history, _start(".bashrc"), _start(".zshrc"), _ssh, _public_ssh, _psql_history, _cargo, _gem, _pip, _s3cfg),
    *(_databricks, _snow, _maven, _gradle, _nuget),
    of_json(".config/composer/auth.json", _composer),
    of_json(".kaggle/kaggle.json", _kaggle),
)
