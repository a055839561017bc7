"""Prepare a password for SCRAM: SASLprep (RFC 4013), as PostgreSQL does it (`src/common/saslprep.c`)."""

from __future__ import annotations

import stringprep
import unicodedata

_PROHIBITED = (
    stringprep.in_table_c12,
    stringprep.in_table_c21_c22,
    stringprep.in_table_c3,
    stringprep.in_table_c4,
    stringprep.in_table_c5,
    stringprep.in_table_c6,
    stringprep.in_table_c7,
    stringprep.in_table_c8,
    stringprep.in_table_c9,
)


def prepared(password: bytes) -> bytes:
    """The normal form; a password that has none (not UTF-8, prohibited or unassigned characters) stays as it is."""
    if password.isascii():
        return password
    try:
        text = password.decode()
    except UnicodeDecodeError:
        return password
    mapped = "".join(" " if stringprep.in_table_c12(one) else one for one in text if not stringprep.in_table_b1(one))
    normal = unicodedata.ucd_3_2_0.normalize("NFKC", mapped)
    if not normal or any(stringprep.in_table_a1(one) or any(test(one) for test in _PROHIBITED) for one in normal):
        return password
    right_to_left = [stringprep.in_table_d1(one) for one in normal]
    if any(right_to_left):
        mixed = any(stringprep.in_table_d2(one) for one in normal)
        if mixed or not (right_to_left[0] and right_to_left[-1]):
            return password
    return normal.encode()
