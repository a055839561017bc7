"""The logins that clouds' and services' command lines keep. What is where is declared in cloud_logins.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from yett.inventory.formats.declared import Reader, Row, declared
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import ini_entries
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.toml_spans import toml_entries
from yett.inventory.formats.yaml_spans import yaml_entries

_READERS: dict[str, Reader] = {
    "json": json_entries,
    "yaml": yaml_entries,
    "toml": toml_entries,
    "ini": ini_entries,
    "ini=": partial(ini_entries, separators="="),
}


def _formats() -> Iterator[Format]:
    declarations = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    for login in declarations["login"]:
        identity = login.get("identity", "cli-token")
        yield Format(
            login["id"],
            login["title"],
            identity,
            declared(_READERS[login["reads"]], tuple(_rows(login, identity))),
            names=tuple(login.get("names", ())),
            paths=tuple(login.get("paths", ())),
            homes=tuple(login.get("homes", ())),
        )


def _rows(login: dict[str, Any], identity: str) -> Iterator[Row]:  # Any: TOML
    for where, own in login["at"].items():
        yield Row(
            where,
            login["id"],
            login["title"],
            own or identity,
            login["provider"],
            login.get("user", ""),
            login.get("host", ""),
            login.get("named", 0),
        )


FORMATS = tuple(_formats())
