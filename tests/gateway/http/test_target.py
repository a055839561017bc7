"""Request targets: one spelling of a path, and only that one leaves."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.gateway.http.framing import Malformed
from yett.gateway.http.target import governed_path, origin_form


@pytest.mark.parametrize(
    "target", ["https://a.test/", "a.test:443", "*", "", "/a b", "/a#b", "/\x7f", "/caf\xe9", "//a\x00", "?x"]
)
def test_only_origin_form_in_visible_ascii_is_a_target(target):
    with pytest.raises(Malformed):
        origin_form(target)


@pytest.mark.parametrize(
    "path",
    [
        "/a/../b",
        "/a/./b",
        "/..",
        "/a/%2e%2e/b",
        "/a/%2E./b",
        "/a//b",
        "//a",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a%00b",
        "/a%0d%0ab",
        "/a%7fb",
        "/a;x=1/b",
        "/a%3bx/b",
        "/..;/b",
        "/a%zz",
        "/a%",
        "/a%2",
        '/a"b',
        "/a<b",
        "/a\\b",
    ],
)
def test_a_path_with_two_readings_is_refused_on_a_governed_host(path):
    with pytest.raises(Malformed):
        governed_path(path, encoded_slash=False)


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("/", "/"),
        ("/a/b", "/a/b"),
        ("/a/b/", "/a/b/"),
        ("/%61dmin/%7Eme", "/admin/~me"),
        ("/a%20b%e2%82%ac", "/a%20b%E2%82%AC"),
        ("/v1/users:list@2", "/v1/users:list@2"),
        ("/.well-known/x", "/.well-known/x"),
        ("/a.b/..c", "/a.b/..c"),
    ],
)
def test_equivalent_escapes_become_one_spelling(path, canonical):
    assert governed_path(path, encoded_slash=False) == canonical


def test_a_registry_may_escape_the_slash_of_a_scoped_name():
    assert governed_path("/@scope%2fname", encoded_slash=True) == "/@scope%2Fname"


@given(st.text("/.%2eEfFabc5;\\", max_size=20))
@settings(max_examples=400, deadline=None)
def test_the_canonical_path_is_its_own_canonical_path(tail):
    try:
        path = governed_path("/" + tail, encoded_slash=False)
    except Malformed:
        return
    assert governed_path(path, encoded_slash=False) == path
    assert not {".", ".."} & set(path.split("/"))
