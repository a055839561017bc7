"""The benchmark's made-up trees name made-up companies: a package registry is named by the product's own data alone."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "bench"
HOSTS = [
    host
    for registry in tomllib.loads((files("yett.providers") / "hosts.toml").read_text("utf-8"))["registry"]
    for host in registry["hosts"]
]


@pytest.mark.parametrize("file", sorted((BENCH / "leaky").glob("*.py")), ids=lambda file: file.name)
def test_no_public_registry_is_named(file: Path) -> None:
    text = file.read_text("utf-8")
    assert [host for host in HOSTS if host in text] == []
