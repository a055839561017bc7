"""The list of attempts, by theme: one file each, with a function `attempts(targets)` that names them.

Every attempt is done on its own, prints one JSON line and expects nothing of the others. Its outcome is what the agent
sees: `done` (it got what it wanted), `arrived` (the platform itself answered, without success), `refused` (something
else said no), `unreachable` (nothing answered), `absent` (there was nothing to try it on).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator

from ..targets import Targets
from .outcome import Result

Attempt = Callable[[], Result]


def themes() -> list[str]:
    """Return the themes' names."""
    return [module.name for module in pkgutil.iter_modules(__path__) if module.name != "outcome"]


def listed(targets: Targets) -> Iterator[tuple[str, Attempt]]:
    """Return every attempt as ("theme: name", function), in the order of the files."""
    for theme in themes():
        module = importlib.import_module(f"{__name__}.{theme}")
        for name, attempt in module.attempts(targets).items():
            yield f"{theme}: {name}", attempt
