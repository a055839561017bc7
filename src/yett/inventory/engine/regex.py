"""Confirming patterns: RE2 where it can be, because its time is linear whatever the text; else Python's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

Compile = Callable[[str], Any]  # Any: a pattern of either kind; both have match, search and finditer


def with_re2() -> Compile:
    """A compiler of byte patterns. What RE2 does not know (assertions, in a few rooms) Python compiles."""
    try:
        import re2
    except ImportError:
        return with_python()
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.dot_nl = True

    def compiled(pattern: str) -> Any:  # Any: as above
        try:
            return re2.compile(pattern.encode(), options)
        except re2.error:
            return re.compile(pattern.encode(), re.DOTALL)

    return compiled


def with_python() -> Compile:
    """For where nothing but the standard library may be imported. Rules have bounded repeats, so this is safe too."""
    return lambda pattern: re.compile(pattern.encode(), re.DOTALL)
