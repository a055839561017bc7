"""Path templates: what a parameter takes, and what it never takes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from yett.providers.actions import path_pattern


@pytest.mark.parametrize(
    ("template", "path", "found"),
    [
        ("/v1/models", "/v1/models", {}),
        ("/v1/models/{model}", "/v1/models/m-1", {"model": "m-1"}),
        ("/v1/{a}/b/{c}", "/v1/x/b/y", {"a": "x", "c": "y"}),
        ("/v1/files/{rest...}", "/v1/files", {"rest": ""}),
        ("/v1/files/{rest...}", "/v1/files/f", {"rest": "f"}),
        ("/v1/files/{rest...}", "/v1/files/f/content", {"rest": "f/content"}),
        ("/", "/", {}),
        ("/v1.0/x", "/v1.0/x", {}),
    ],
)
def test_a_path_of_the_template_is_taken_apart(template: str, path: str, found: dict[str, str]) -> None:
    match = path_pattern(template).fullmatch(path)
    assert match is not None
    assert match.groupdict(default="") == found


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("/v1/models/{model}", "/v1/models/"),
        ("/v1/models/{model}", "/v1/models/a/b"),
        ("/v1/models/{model}", "/v1/models/.."),
        ("/v1/models/{model}", "/v1/models/."),
        ("/v1/models/{model}", "/v1/models/%2e%2e"),
        ("/v1/models/{model}", "/v1/models/a%2fb"),
        ("/v1/models/{model}", "/v1/models/a\\b"),
        ("/v1/files/{rest...}", "/v1/filesx"),
        ("/v1/files/{rest...}", "/v1/files/"),
        ("/v1/files/{rest...}", "/v1/files/a//b"),
        ("/v1/files/{rest...}", "/v1/files/a/../../organizations"),
        ("/v1.0/x", "/v1a0/x"),
        ("/v1/models", "/v1/models/"),
    ],
)
def test_a_path_that_a_server_could_read_otherwise_is_not(template: str, path: str) -> None:
    assert path_pattern(template).fullmatch(path) is None


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"/v1/files[!-~]{0,30}", fullmatch=True))
def test_what_is_below_never_climbs_out(path: str) -> None:
    if path_pattern("/v1/files/{rest...}").fullmatch(path):
        assert not {".", ".."} & set(path.split("/"))
        assert not set("%\\") & set(path)
