"""Known credential files: a password there is a secret because of where it stands, not because of how it looks.

A family of formats is a module here with `FORMATS`; it is found by being here. `format_of` names the format of a path,
`sniffers` are those that content alone can tell (git history, files without a telling name). The `*_spans` modules read
JSON, YAML, INI, TOML, HCL, XML and shell assignments and say at which bytes each value stands; `entry` is their noun,
`placeholder` says what is no value at all, `declared` makes a parser out of rows.

It promises that a parser raises nothing but `Unparsable`, takes linear time whatever the file holds, never resolves an
alias, an entity or an include, and does no I/O. It will not judge whether a value still works, and reads no databases.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module

from yett.inventory.formats.endings import Endings
from yett.inventory.formats.format import Format, Unparsable

__all__ = ["Format", "Unparsable", "all_formats", "format_of", "sniffers"]


@lru_cache(maxsize=1)
def all_formats() -> tuple[Format, ...]:
    """Of every module here, in the modules' order."""
    return tuple(made for _, made in by_module())


@lru_cache(maxsize=1)
def by_module() -> tuple[tuple[str, Format], ...]:
    """(the module's name, a format of it) for every format."""
    import pkgutil  # a commit hook has the names from the cache

    names = [found.name for found in pkgutil.iter_modules(__path__)]
    modules = [(name, import_module(f"{__name__}.{name}")) for name in names]
    return tuple((name, made) for name, module in modules for made in getattr(module, "FORMATS", ()))


@lru_cache(maxsize=1)
def sniffers() -> tuple[Format, ...]:
    """Those that a file's content alone can tell."""
    return tuple(made for made in all_formats() if made.sniff)


def format_of(path: str) -> Format | None:
    """The format of a file by its path: the longest telling ending first, then whole base names, then patterns."""
    return _endings().of(path.lower())


@lru_cache(maxsize=1)
def _endings() -> Endings[Format]:
    return Endings((ending, made) for made in all_formats() for ending in (*made.paths, *made.names))
