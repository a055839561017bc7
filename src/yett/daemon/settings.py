"""Where Yett keeps its things, and the few settings of `config.toml`."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yett.model.errors import ConfigurationError

DEFAULT_PORT = 7711
KEYS = frozenset({"port", "realm", "resolve", "extra_ca", "task_hours", "git", "strict", "undo"})
RESOLVE_KEYS = frozenset({"name", "address", "port"})

Toml = dict[str, Any]  # Any: as it stands in the file; every key is checked as it is taken


@dataclass(frozen=True, slots=True)
class Settings:
    """One control plane's settings. `resolve` and `git` lead to the lab, and are for drills only (law 11)."""

    home: Path
    port: int = DEFAULT_PORT
    realm: str = "real"
    resolve: Mapping[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    extra_ca: str = ""
    task_hours: int = 12
    git: Mapping[str, str] = field(default_factory=dict)
    strict: bool = False
    """Every run is `yett run --strict`. No file of a workspace says otherwise (law 9)."""
    undo: Toml = field(default_factory=dict)
    """`[undo]` as it stands there: yett.recovery.keep.settings reads it, which commands have no time to import."""

    @property
    def operator_socket(self) -> Path:
        return self.home / "operator.sock"


def default_home() -> Path:
    """$YETT_HOME, else the place that XDG names for state."""
    if said := os.environ.get("YETT_HOME"):
        return Path(said).absolute()
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "yett"


def load_settings(home: Path, port: int | None = None) -> Settings:
    """Read `home/config.toml` if there is one.

    Raises:
        ConfigurationError: an unknown key, a wrong type, or a loopback name outside a drill.
    """
    path = home / "config.toml"
    try:
        said: Toml = tomllib.loads(path.read_text()) if path.exists() else {}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}", "mend or remove it") from None
    if unknown := said.keys() - KEYS:
        raise ConfigurationError(f"{path}: unknown {', '.join(sorted(unknown))}", f"known: {', '.join(sorted(KEYS))}")
    realm = said.get("realm", "real")
    if realm not in ("real", "drill"):
        raise ConfigurationError(f"{path}: realm is {realm!r}", "it is real or drill")
    resolve = _resolve(path, said.get("resolve", []))
    if resolve and realm != "drill":
        raise ConfigurationError(
            f"{path} maps names to addresses of its own", "only a drill may: the gate must not become a way in (law 11)"
        )
    return Settings(
        home=home,
        port=port if port is not None else _number(path, said, "port", DEFAULT_PORT),
        realm=realm,
        resolve=resolve,
        extra_ca=str(said.get("extra_ca", "")),
        task_hours=_number(path, said, "task_hours", 12),
        git=_git(path, said.get("git", {}), realm),
        strict=_flag(path, said, "strict"),
        undo=_table(path, said, "undo"),
    )


def _number(path: Path, said: Toml, key: str, default: int) -> int:
    number = said.get(key, default)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number < 65536:
        raise ConfigurationError(f"{path}: {key} is {number!r}", "it is a number")
    return number


def _flag(path: Path, said: Toml, key: str) -> bool:
    flag = said.get(key, False)
    if not isinstance(flag, bool):
        raise ConfigurationError(f"{path}: {key} is {flag!r}", "it is true or false")
    return flag


def _table(path: Path, said: Toml, key: str) -> Toml:
    table = said.get(key, {})
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: {key} is {table!r}", f"it is a table: [{key}]")
    return table


def _resolve(path: Path, rows: list[Toml]) -> dict[tuple[str, int], tuple[str, int]]:
    """[[resolve]] name, address "host:port", port (the port that is asked for; 443 if not said)."""
    found = {}
    for row in rows:
        if row.keys() - RESOLVE_KEYS or not {"name", "address"} <= row.keys():
            raise ConfigurationError(f"{path}: a [[resolve]] needs name and address, and takes port")
        host, _, number = str(row["address"]).rpartition(":")
        found[(str(row["name"]).lower(), int(row.get("port", 443)))] = (host, int(number))
    return found


def _git(path: Path, table: Toml, realm: str) -> dict[str, str]:
    """Git configuration that a drill needs to reach its lab's remote; a person's own git needs none."""
    if table and realm != "drill":
        raise ConfigurationError(f"{path} sets git configuration", "only a drill may; use your own ~/.gitconfig")
    return {str(key): str(value) for key, value in table.items()}
