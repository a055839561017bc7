"""Types that a Parse declares for its parameters: a value becomes one of them before anything of the text has run.

A domain's check runs then, and nothing in the text says so. What is read is therefore the text with a comment behind it
that names them. Who writes such a comment by hand only adds to what his text may do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from yett.operations.sql.catalog import FIRST_NORMAL_OID

_DECLARED = re.compile(rb"\n/\* parameters of the types ([0-9]{1,10}(?:, [0-9]{1,10})*) \*/")


def with_declared(sql: bytes, types: Iterable[int]) -> bytes:
    """The text as it is to be read: as it is, unless a type is declared that did not come with the server."""
    made = sorted({oid for oid in types if oid >= FIRST_NORMAL_OID})
    if not made:
        return sql
    return sql + b"\n/* parameters of the types %s */" % ", ".join(map(str, made)).encode()


def declared(sql: bytes) -> frozenset[int]:
    """The types that comments in `sql` declare and that did not come with the server."""
    found = (int(oid) for match in _DECLARED.finditer(sql) for oid in match[1].split(b", "))
    return frozenset(oid for oid in found if oid >= FIRST_NORMAL_OID)
