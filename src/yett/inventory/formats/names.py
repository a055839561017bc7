"""The format of a path without importing every format: names and modules are kept in the engine's cache."""

from __future__ import annotations

import hashlib
import marshal
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from yett.inventory.engine import cache
from yett.inventory.formats import by_module
from yett.inventory.formats.endings import Endings
from yett.inventory.formats.format import Format


def format_at(path: str) -> Format | None:
    """As `formats.format_of`; only the module of the format that it is gets imported."""
    found = _index().of(path.lower())
    if found is None:
        return None
    module, _, id_ = found.partition(":")
    return next((made for made in import_module(f"yett.inventory.formats.{module}").FORMATS if made.id == id_), None)


@lru_cache(maxsize=1)
def _index() -> Endings[str]:
    name = f"{stamp()}.formats"
    kept = cache.read(name)
    if kept is not None:
        return Endings(marshal.loads(kept))
    rows = [(end, f"{module}:{made.id}") for module, made in by_module() for end in (*made.paths, *made.names)]
    cache.write(name, marshal.dumps(rows))
    return Endings(rows)


def stamp() -> str:
    """Of the sources by size and time, as importing them is judged too."""
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        about = file.stat()
        digest.update(f"{file.name} {about.st_size} {about.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:24]
