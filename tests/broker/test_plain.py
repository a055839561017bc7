"""The quick search: what it finds in rows and bound values, and that pieces make no difference."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yett.broker.plain import Plain, RowScan
from yett.model.errors import CredentialRefused
from yett.model.secret import Secret

VALUE = b'kT9v"Q2x\\W7/mZ4p\nL1s=D8f%G3h'
PLAIN = Plain({"one": Secret(VALUE), "short": Secret(b"tooshort")})
WRITTEN = {
    "as it stands": VALUE,
    "copy": VALUE.replace(b"\\", b"\\\\").replace(b"\n", b"\\n"),
    "csv": VALUE.replace(b'"', b'""'),
    "json": json.dumps(VALUE.decode()).encode(),
    "json in copy": json.dumps(VALUE.decode()).encode().replace(b"\\", b"\\\\"),
    "url": quote(VALUE, safe="").encode(),
    "hex": VALUE.hex().encode(),
    "HEX": VALUE.hex().upper().encode(),
    "base64": base64.b64encode(b"x" + VALUE + b"yz"),
    "base64url": base64.urlsafe_b64encode(b"xy" + VALUE),
}


@pytest.mark.parametrize("form", list(WRITTEN))
def test_every_form_is_found(form: str) -> None:
    assert PLAIN.find_one(b"a\t" + WRITTEN[form] + b"\t1\n") == "one"


def test_what_is_no_secret_is_not() -> None:
    assert PLAIN.find_one(b"tooshort\t" + VALUE[:-1] + b"\n" + VALUE[1:]) is None
    assert Plain({}).find_one(VALUE) is None


@given(st.sampled_from(list(WRITTEN)), st.binary(max_size=60), st.lists(st.integers(1, 40), min_size=1, max_size=9))
def test_it_is_found_however_the_rows_are_cut(form: str, before: bytes, sizes: list[int]) -> None:
    rows, scan, pos, n = before + WRITTEN[form] + b"\t1\n", RowScan(lambda: PLAIN), 0, 0
    with pytest.raises(CredentialRefused) as refused:  # noqa: PT012 - any of the pieces
        while pos < len(rows):
            scan.feed(rows[pos : (pos := pos + sizes[n % len(sizes)])])
            n += 1
    assert refused.value.fingerprint == "one"
