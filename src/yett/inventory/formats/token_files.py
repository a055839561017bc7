"""Files that hold one token and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from yett.inventory.formats.format import Format
from yett.inventory.formats.placeholder import is_placeholder
from yett.inventory.hit import Hit

LONGEST = 16_384

_TOKEN = re.compile(rb"(?:\xef\xbb\xbf)?\s*+(?P<value>[!-~]++)\s*+")


def whole(kind: str, title: str, identity: str, provider: str = "") -> Callable[[bytes], Iterator[Hit]]:
    """A parser for such a file. Of several words it is none."""

    def parse(content: bytes) -> Iterator[Hit]:
        found = _TOKEN.fullmatch(content) if len(content) <= LONGEST else None
        if found is not None and not is_placeholder(found["value"]):
            yield Hit(provider, kind, title, False, *found.span("value"), identity=identity)

    return parse


def _format(
    kind: str,
    title: str,
    identity: str,
    provider: str,
    *homes: str,
    names: tuple[str, ...] = (),
    paths: tuple[str, ...] = (),
) -> Format:
    return Format(kind, title, identity, whole(kind, title, identity, provider), names, paths, homes)


FORMATS = (
    _format(
        "vault-token", "login of Vault or OpenBao", "cli-token", "hashicorp", "~/.vault-token", "~/.bao-token",
        names=(".vault-token", ".bao-token", "vault-token"),
    ),
    _format(
        "supabase-login", "login of Supabase", "cli-token", "supabase", "~/.supabase/access-token",
        paths=(".supabase/access-token",),
    ),
    _format(
        "kubernetes-token", "token of a Kubernetes service account", "workload-identity", "kubernetes",
        paths=("secrets/kubernetes.io/serviceaccount/token", "secrets/eks.amazonaws.com/serviceaccount/token",
               "secrets/azure/tokens/azure-identity-token"),
    ),
    _format(
        "consul-token", "token of Consul", "cli-token", "hashicorp", "~/.consul-token",
        names=(".consul-token",),
    ),
    _format("nomad-token", "token of Nomad", "cli-token", "hashicorp", "~/.nomad-token", names=(".nomad-token",)),
    _format("docker-secret", "secret given to a container", "password", "", paths=("run/secrets/*",)),
    _format("deta-token", "login of Deta", "cli-token", "deta", "~/.deta/tokens", paths=(".deta/tokens",)),
    _format(
        "huggingface-token", "login of Hugging Face", "cli-token", "hugging-face",
        "~/.cache/huggingface/token", "~/.huggingface/token",
        paths=("huggingface/token", ".huggingface/token"),
    ),
)  # fmt: skip
