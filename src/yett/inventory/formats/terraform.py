"""Terraform and OpenTofu: logins to registries, variables, and state files, which hold every resource in clear text."""

from __future__ import annotations

from collections.abc import Iterator

from yett.inventory.formats.declared import Row, declared
from yett.inventory.formats.entry import Entry, Path, account_at
from yett.inventory.formats.format import Format
from yett.inventory.formats.hcl_spans import hcl_entries
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.secret_names import is_secret, names_a_secret
from yett.inventory.formats.userinfo import logins_in
from yett.inventory.hit import Hit

LOGIN = "login to a Terraform registry"
STATE = "credential in a Terraform state"
VARIABLE = "credential in Terraform variables"

_USERS = ("username", "user", "login", "administrator_login", "master_username", "name")
_HOSTS = ("endpoint", "address", "host", "fqdn", "url")


def parse_state(content: bytes) -> Iterator[Hit]:
    """Sensitive outputs, attributes that the provider marked as sensitive, and those whose name says so.

    Version 4 (resources[].instances[].attributes) and older ones (attributes flat, "master_password": ...).
    """
    sensitive, beside = _marked(content)
    for entry in json_entries(content):
        if not entry.quoted or not entry.value:
            continue
        owner, inner = _split(entry.path)
        if entry.path[:1] == ("outputs",):
            named = entry.path[:2] in sensitive or is_secret(entry.path[1] if len(entry.path) > 1 else "", entry.value)
            wanted = named and entry.path[2:3] == ("value",) and entry.is_real
        else:
            marked = any((*owner, *inner[:depth]) in sensitive for depth in range(1, len(inner) + 1))
            wanted = bool(inner) and (entry.is_real if marked else _says_so(inner, entry.value))
        if wanted:
            siblings = beside.get(owner, {})
            user = next((siblings[key] for key in _USERS if key in siblings), "")
            host = next((siblings[key] for key in _HOSTS if key in siblings), "")
            yield entry.hit("terraform-state", STATE, account=account_at(user, host))
        elif inner and "://" in entry.value:
            for login in logins_in(content, entry.start, entry.end):
                yield login.hit("terraform-state", STATE)


def _marked(content: bytes) -> tuple[set[Path], dict[Path, dict[str, str]]]:
    """The paths that the file itself marks as sensitive (in the form (owner..., attribute...)), and who logs in."""
    steps: dict[Path, list[str]] = {}
    sensitive: set[Path] = set()
    beside: dict[Path, dict[str, str]] = {}
    for entry in json_entries(content):
        path = entry.path
        if path[:1] == ("outputs",) and path[2:] == ("sensitive",) and entry.value == "true":
            sensitive.add(path[:2])
        elif "sensitive_attributes" in path:
            at = path.index("sensitive_attributes")
            if path[at + 3 :] in (("value",), ("value", "value")):
                steps.setdefault((*path[:at], path[at + 1]), []).append(entry.value)
        elif entry.key in _USERS or entry.key in _HOSTS:
            owner, inner = _split(path)
            if len(inner) == 1 and 0 < len(entry.value) < 200:
                beside.setdefault(owner, {})[entry.key] = entry.value
    sensitive.update((*path[:-1], *names) for path, names in steps.items())
    return sensitive, beside


def _split(path: Path) -> tuple[Path, Path]:
    """What has the attribute, and the path of the attribute in it; () if it is none."""
    if "attributes" not in path:
        return path, ()
    at = path.index("attributes")
    return path[:at], path[at + 1 :]


def _says_so(inner: Path, value: str) -> bool:
    name = next((part for part in reversed(inner) if not part.isdigit()), "").rpartition(".")[2]
    return is_secret(name, value)


def parse_variables(content: bytes) -> Iterator[Hit]:
    yield from _variables(content, hcl_entries(content))


def parse_json_variables(content: bytes) -> Iterator[Hit]:
    yield from _variables(content, (entry for entry in json_entries(content) if entry.quoted))


def _variables(content: bytes, entries: Iterator[Entry]) -> Iterator[Hit]:
    for entry in entries:
        names = [part for part in entry.path if not part.isdigit()]
        if names and is_secret(names[-1], entry.value):
            identity = "password" if "pass" in names[-1].lower() else "api-key"
            yield entry.hit("terraform-variable", VARIABLE, identity=identity)
        elif any(names_a_secret(name) for name in names[:-1]) and names_a_secret(names[-1]) and entry.is_real:
            yield entry.hit("terraform-variable", VARIABLE)
        else:
            for login in logins_in(content, entry.start, entry.end):
                yield login.hit("terraform-variable", VARIABLE)


_TOKEN = (Row("credentials/*/token", "terraform-login", LOGIN, "cli-token", named=-2),)

FORMATS = (
    Format(
        "terraform-login",
        LOGIN,
        "cli-token",
        declared(hcl_entries, _TOKEN),
        names=(".terraformrc", "terraform.rc", ".tofurc", "tofu.rc", "*.tfrc"),
        homes=("~/.terraformrc", "~/.tofurc"),
    ),
    Format(
        "terraform-login-json",
        LOGIN,
        "cli-token",
        declared(json_entries, _TOKEN),
        names=("credentials.tfrc.json", "*.tfrc.json"),
        homes=("~/.terraform.d/credentials.tfrc.json", "~/.config/opentofu/credentials.tfrc.json"),
    ),
    Format(
        "terraform-state",
        STATE,
        "password",
        parse_state,
        names=("*.tfstate", "*.tfstate.backup", "*.tfstate.*", "terraform.tfstate", "errored.tfstate"),
        sniff=rb'"terraform_version"[ \t]{0,4}:',
    ),
    Format("terraform-variable", VARIABLE, "password", parse_variables, names=("*.tfvars", "terraform.tfvars")),
    Format("terraform-variable-json", VARIABLE, "password", parse_json_variables, names=("*.tfvars.json",)),
)
