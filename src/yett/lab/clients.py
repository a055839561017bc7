"""psql and psycopg that a workspace brings along, so that an agent has them wherever it is shut in."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from yett.lab.postgres import find_binaries

PACKAGES = ("psycopg", "psycopg_binary", "typing_extensions")


@dataclass(frozen=True, slots=True)
class Clients:
    """`psql` is a program; `python` a name on PATH, `packages` the folder that it finds psycopg in."""

    psql: Path
    python: str
    packages: Path


def copy_clients(to: Path) -> Clients:
    """Copy them below `to`."""
    packages = to / "packages"
    packages.mkdir(parents=True)
    for name in PACKAGES:
        _copy_package(name, packages)
    return Clients(_copy_psql(to), f"python{sys.version_info.major}.{sys.version_info.minor}", packages)


def _copy_package(name: str, to: Path) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return
    origin = Path(spec.origin)
    if origin.name != "__init__.py":
        shutil.copy(origin, to)
        return
    shutil.copytree(origin.parent, to / name, ignore=shutil.ignore_patterns("__pycache__"))
    if (libraries := origin.parent.with_name(f"{name}.libs")).exists():
        shutil.copytree(libraries, to / libraries.name)


def _copy_psql(to: Path) -> Path:
    """The wheel's psql looks for libpq beside its package (its RPATH says so); the system's is in reach anyway."""
    binaries = find_binaries()
    package = binaries.parent.parent
    libraries = package.with_name(f"{package.name}.libs")
    if not libraries.exists():
        return binaries / "psql"
    copied = to / package.name / binaries.parent.name / "bin"
    copied.mkdir(parents=True)
    shutil.copy(binaries / "psql", copied)
    shutil.copytree(libraries, to / libraries.name)
    return copied / "psql"
