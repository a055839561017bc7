"""Logins to container registries: Docker's config.json, and auth.json of podman, buildah and skopeo."""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.formats.basic import basic_login
from yett.inventory.formats.entry import Entry, account_at, by_parent, text_of
from yett.inventory.formats.format import Format
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.userinfo import logins_in
from yett.inventory.hit import Hit

TITLE = "login to a container registry"
_TOKENS = frozenset({"identitytoken", "registrytoken"})


def parse(content: bytes) -> Iterator[Hit]:
    """`auths` holds base64 user:password by registry (the old .dockercfg at the root); proxies may hold a login."""
    entries = [entry for entry in json_entries(content) if entry.quoted and 2 <= len(entry.path) <= 4]
    for path, login in by_parent(entries).items():
        host = path[-1]
        if (auth := login.get("auth")) is not None:
            yield from _basic(auth, host)
        for key in _TOKENS & login.keys():
            if login[key].is_real:
                yield login[key].hit("container-registry", TITLE, identity="oauth-token", account=host)
        if (password := login.get("password")) is not None and password.is_real:
            yield password.hit("container-registry", TITLE, account=account_at(text_of(login, "username"), host))
    for entry in entries:
        if "proxy" in entry.key.lower():
            for found in logins_in(content, entry.start, entry.end):
                yield found.hit("container-registry", "password of a proxy in Docker's settings")


def _basic(auth: Entry, host: str) -> Iterator[Hit]:
    login = basic_login(auth.value)
    if login is None:
        if auth.is_real and len(auth.value) >= 16:
            yield auth.hit("container-registry", TITLE, account=host)
    elif not is_placeholder(password := login[1].rstrip(b"\0")):
        yield auth.hit("container-registry", TITLE, account=account_at(login[0], host), decoded=password)


FORMATS = (
    Format(
        "container-registry",
        TITLE,
        "password",
        parse,
        names=(".dockerconfigjson", ".dockercfg", "dockerconfig.json", "docker-config.json"),
        paths=(".docker/config.json", "containers/auth.json", ".docker/auth.json", "kaniko/config.json"),
        homes=("~/.docker/config.json", "~/.config/containers/auth.json", "~/.dockercfg"),
        sniff=rb'"auths"[ \t\r\n]{0,9}:[ \t\r\n]{0,9}\{[ \t\r\n]{0,99}"[^"]{1,200}"[ \t\r\n]{0,9}:[ \t\r\n]{0,9}\{',
    ),
)
