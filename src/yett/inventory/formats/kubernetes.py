"""Kubernetes: kubeconfig files (who may reach which cluster), and Secret manifests with their values."""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.formats.basic import decoded_base64
from yett.inventory.formats.containers import parse as container_logins
from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format, Unparsable
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.formats.secret_names import is_secret
from yett.inventory.formats.userinfo import logins_in
from yett.inventory.formats.yaml_spans import yaml_documents, yaml_entries
from yett.inventory.hit import Hit

CONFIG = "login to a Kubernetes cluster"
SECRET = "value in a Kubernetes Secret"

_IDENTITIES = {
    "token": "service-account",
    "password": "password",
    "client-key-data": "certificate",
    "access-token": "oauth-token",
    "refresh-token": "oauth-token",
    "id-token": "oauth-token",
    "client-secret": "oauth-client",
}
_NO_SECRETS = frozenset(
    word
    for line in """user username user-name login email name host hostname server address endpoint port database dbname
    db db_name db_user db_host db_port db_username ca.crt tls.crt ca-bundle.crt cert.pem ca.pem ca namespace region zone
    type scheme protocol driver bucket bucket_name project project_id client_id client-id clientid tenant_id tenant-id
    tenantid aws_access_key_id access_key_id known_hosts ssh-publickey id_rsa.pub issuer realm""".splitlines()
    for word in line.split()
)
"""Keys of Secrets that say where to log in, not how."""


def parse_config(content: bytes) -> Iterator[Hit]:
    """users[].user: tokens, passwords, client keys, what auth providers and exec plugins are given."""
    entries = list(yaml_entries(content))
    hosts = _hosts(entries)
    names = {entry.path[1]: entry.value for entry in entries if _is(entry, "users", "*", "name")}
    for entry in entries:
        if entry.path[:1] != ("users",) or entry.path[2:3] != ("user",) or not entry.is_real:
            continue
        user = names.get(entry.path[1], "")
        account = account_at(user, hosts.get(user, ""))
        if entry.key == "client-key-data":
            if pem := decoded_base64(entry.value):
                yield entry.hit("kubeconfig", CONFIG, identity="certificate", account=account, decoded=pem)
        elif identity := _IDENTITIES.get(entry.key):
            yield entry.hit("kubeconfig", CONFIG, identity=identity, account=account)
    yield from _variables(entries)


def _hosts(entries: list[Entry]) -> dict[str, str]:
    """The cluster that each user logs in to, by the contexts."""
    rows: dict[tuple[str, str], dict[str, str]] = {}
    for entry in entries:
        if entry.path[:1] in (("clusters",), ("contexts",)) and len(entry.path) >= 3:
            rows.setdefault((entry.path[0], entry.path[1]), {})[entry.key] = entry.value
    servers = {row.get("name", ""): row.get("server", "") for (kind, _), row in rows.items() if kind == "clusters"}
    contexts = [row for (kind, _), row in rows.items() if kind == "contexts"]
    return {row["user"]: _host(servers.get(row.get("cluster", ""), "")) for row in contexts if "user" in row}


def _host(server: str) -> str:
    return server.partition("://")[2].partition("/")[0] or server


def _variables(entries: list[Entry]) -> Iterator[Hit]:
    """users[].user.exec.env[]: name and value."""
    names = {entry.parent: entry.value for entry in entries if "env" in entry.path and entry.key == "name"}
    for entry in entries:
        if "env" in entry.path and entry.key == "value" and is_secret(names.get(entry.parent, ""), entry.value):
            yield entry.hit("kubeconfig", "variable of a Kubernetes login", identity="oauth-token")


def parse_secret(content: bytes) -> Iterator[Hit]:
    """data (base64) and stringData of every object of kind Secret, also within a List, but what only says where."""
    entries = list(yaml_documents(content))
    kinds = {(number, entry.parent): entry.value for number, entry in entries if entry.key == "kind"}
    names = {
        (number, entry.path[:-2]): entry.value for number, entry in entries if entry.path[-2:] == ("metadata", "name")
    }
    for number, entry in entries:
        place = (number, entry.path[:-2])
        if kinds.get(place) != "Secret" or len(entry.path) < 2 or entry.path[-2] not in ("data", "stringData"):
            continue
        encoded = entry.path[-2] == "data"
        yield from _of_secret(content, entry, decoded_base64(entry.value) if encoded else b"", names.get(place, ""))


def _of_secret(content: bytes, entry: Entry, decoded: bytes, name: str) -> Iterator[Hit]:
    value = decoded or entry.value.encode("utf-8", "replace")
    if not entry.is_real and not decoded:
        return
    if entry.key in (".dockerconfigjson", ".dockercfg"):
        yield from _container_logins(entry, value)
        return
    stripped = value.strip()
    if is_placeholder(stripped):
        return
    if entry.key.lower().replace("-", "_") in _NO_SECRETS or entry.key.lower() in _NO_SECRETS:
        return
    if next(logins_in(stripped), None) is None and stripped.startswith((b"http://", b"https://")):
        return  # where, not how
    yield entry.hit("kubernetes-secret", SECRET, account=name, decoded=stripped if decoded else b"")


def _container_logins(entry: Entry, value: bytes) -> Iterator[Hit]:
    """The passwords in a pull secret: all of them stand in the one encoded value."""
    try:
        hits = list(container_logins(value))
    except Unparsable:
        return
    for hit in hits:
        yield entry.hit("kubernetes-secret", hit.title, account=hit.account, decoded=hit.value_in(value))


def _is(entry: Entry, *keys: str) -> bool:
    return len(entry.path) == len(keys) and all(key in ("*", part) for key, part in zip(keys, entry.path, strict=True))


FORMATS = (
    Format(
        "kubeconfig",
        CONFIG,
        "service-account",
        parse_config,
        names=("kubeconfig", "*.kubeconfig", "kubeconfig.yaml", "kubeconfig.yml", "kubeconfig-*", "kubelet.conf"),
        paths=(".kube/config", ".kube/*.yaml", ".kube/*.yml", "k3s/k3s.yaml", "kubernetes/admin.conf"),
        homes=("~/.kube/config", "~/.kube/*.yaml", "~/.kube/*.yml", "~/.kube/*.config", "~/.kube/config-*"),
        sniff=rb"(?:client-key-data|client-certificate-data|current-context)[\"']?[ \t]{0,4}:",
    ),
    Format(
        "kubernetes-secret",
        SECRET,
        "password",
        parse_secret,
        names=("secret.yaml", "secret.yml", "*-secret.yaml", "*-secret.yml", "*-secrets.yaml", "*-secrets.yml"),
        sniff=rb"kind[\"']?[ \t]{0,4}:[ \t]{0,4}[\"']?Secret[\"']?[ \t]{0,4}[\r\n,]",
    ),
)
