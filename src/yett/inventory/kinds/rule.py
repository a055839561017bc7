"""One kind of credential as its TOML file declares it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from yett.inventory.severity import Severity

IDENTITIES = frozenset(
    {"api-key", "oauth-token", "oauth-client", "service-account", "cli-token", "certificate", "workload-identity"}
    | {"password", "webhook", "signing-key", "session"}
)
"""What a credential stands for (requirement R29)."""


@dataclass(frozen=True, slots=True)
class LiveCall:
    """The provider's own identification call: read-only, documented, sent to `url` with the credential in one place.

    `auth` is that place: `bearer`, `basic-user`, `basic-password:USER`, `header:NAME`, `header:NAME:PREFIX`,
    `query:NAME`, `path` (`{value}` in the URL's path, `{value/}` where its slashes stay) or `body` (`{value}` in it).
    `headers` are sent besides. A status of `alive` proves that the credential works, if `identity` (a dotted path in
    the JSON answer, digits for places in a list) leads to a name or none is declared; one of `dead` that it does not.
    """

    url: str
    auth: str
    method: str = "GET"
    body: str = ""
    alive: tuple[int, ...] = (200,)
    dead: tuple[int, ...] = (401,)
    identity: str = ""
    headers: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> LiveCall:  # Any: TOML
        """As a TOML table declares it. Raises TypeError: an unknown or a missing key."""
        return cls(**{**_frozen(row), "headers": tuple(row.get("headers", {}).items())})


@dataclass(frozen=True, slots=True)
class Rule:
    """A `pattern` identifies a value by its own form; `names` and `value` by what it is assigned to."""

    id: str
    provider: str
    title: str
    identity: str
    page: str
    severity: Severity = Severity.HIGH
    broad: bool = False
    pattern: str = ""
    prefixes: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    entropy: float = 0.0
    checksum: str = ""
    names: tuple[str, ...] = ()
    value: str = ""
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    live: LiveCall | None = None


_KNOWN = {field.name for field in fields(Rule)}


@lru_cache(maxsize=1)
def load_rules() -> tuple[Rule, ...]:
    """Every rule, by file and place in it. Of two with one id the first counts; a test sees to it that there are none.

    Raises:
        ValueError: a file holds an unknown key.
    """
    by_id: dict[str, Rule] = {}
    for rule in every_rule():
        by_id.setdefault(rule.id, rule)
    return tuple(by_id.values())


def every_rule() -> Iterator[Rule]:
    """As they are declared, also twice."""
    for file in sorted(Path(__file__).parent.glob("*.toml")):
        for row in tomllib.loads(file.read_text("utf-8")).get("rule", ()):
            yield _rule(row, file.name)


def _rule(row: Mapping[str, Any], file: str) -> Rule:  # Any: TOML
    if unknown := row.keys() - _KNOWN:
        raise ValueError(f"{file}: {row.get('id')}: unknown {', '.join(sorted(unknown))}")
    plain = _frozen(row)
    plain["severity"] = Severity.of(row.get("severity", "high"))
    if "live" in row:
        plain["live"] = LiveCall.of(row["live"])
    return Rule(**plain)


def _frozen(row: Mapping[str, Any]) -> dict[str, Any]:  # Any: as above
    return {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
