"""Names as the server itself reads them: it folds ASCII alone, and a name may hold any character beyond ASCII.

Python folds more: `lower()` makes a k of the Kelvin sign, and takes a no-break space for a space.
"""

from __future__ import annotations

import re
from string import ascii_lowercase, ascii_uppercase

from yett.model.errors import Unreadable

_FOLDED = str.maketrans(ascii_uppercase, ascii_lowercase)
SPACES = " \t\n\r\f\v"
_ITEM = re.compile(rf'[{SPACES}]*(?:"((?:[^"]|"")*)"|([^{SPACES},"][^{SPACES},]*))[{SPACES}]*(?:,|\Z)')
_BARE = re.compile(r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*")
_QUOTED = re.compile(r'"((?:[^"]|"")+)"')


def fold(name: str) -> str:
    """As downcase_identifier (scansup.c), where the server's encoding has several bytes to a character."""
    return name.translate(_FOLDED)


def unquoted(quoted: str) -> str:
    """What stands between the quotes of a quoted name."""
    return quoted[1:-1].replace('""', '"')


def words(text: str) -> set[str]:
    """Every name that could stand anywhere in a text, in its strings, too, whichever quotes belong together."""
    quoted = [*text.split('"'), *_QUOTED.findall(text), *_QUOTED.findall(text.partition('"')[2])]
    names = [*_BARE.findall(text), *(name.replace('""', '"') for name in quoted)]
    return {form for name in names for form in (name, fold(name))}


def split(names: str) -> list[str]:
    """As SplitIdentifierString (varlena.c): quoted names keep their case, others are folded.

    Raises:
        Unreadable: it is not a list of names.
    """
    found, at = [], 0
    while at < len(names):
        item = _ITEM.match(names, at)
        if item is None:
            raise Unreadable("This is not a list of names that a search_path could be.", "Look at: SHOW search_path")
        quoted, plain = item.groups()
        found.append(quoted.replace('""', '"') if quoted is not None else fold(plain))
        at = item.end()
    return [name for name in found if name]
