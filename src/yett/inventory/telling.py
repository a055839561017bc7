"""Which values are so peculiar that they can be looked for by themselves."""

from __future__ import annotations

import re

from yett.inventory.engine.filters import bits, is_example

SHORTEST = 12
_PLAIN_SHORTEST = 20
"""A value of letters only is a word or two; shorter ones would be found in every text."""
_BITS = 2.75


def is_telling(value: bytes) -> bool:
    """Whether a value is so peculiar that wherever it stands it is the same credential."""
    if len(value) < SHORTEST or b"\n" in value or is_example(value) or bits(value) < _BITS:
        return False
    mixed = re.search(rb"\d", value) is not None and re.search(rb"[A-Za-z]", value) is not None
    return mixed or len(value) >= _PLAIN_SHORTEST
