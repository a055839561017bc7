"""Every format together: found by its path, told apart, and no bytes whatever make a parser fail."""

from __future__ import annotations

import ast
import re
import time
from contextlib import suppress
from importlib.resources import files

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.inventory.formats import Format, Unparsable, all_formats, format_of, sniffers

IDENTITIES = {
    "api-key", "oauth-token", "oauth-client", "service-account", "cli-token", "certificate", "workload-identity",
    "password", "webhook", "signing-key", "session", "",
}  # fmt: skip
HOSTILE = (
    b"", b"\0" * 50_000, b"\xff\xfe\x00" * 20_000, b"[" * 100_000, b'{"a":' * 100_000, b"<a>" * 50_000, b"- " * 50_000,
    b"a" * 5_000_000, b"password=" * 50_000, b"\xef\xbb\xbf", b"machine " * 50_000, b":" * 100_000, b"\\" * 100_000,
    b"https://" * 50_000, b"://a:" * 50_000, b"Password=;" * 50_000, b"@" * 100_000, b" " * 500_000, b"\r" * 100_000,
)  # fmt: skip


def test_every_format_says_what_it_is() -> None:
    formats = all_formats()
    assert len({made.id for made in formats}) == len(formats)
    for made in formats:
        assert made.identity in IDENTITIES, made.id
        assert made.names or made.paths or made.homes or made.sniff, made.id
        assert all(home.startswith("~/") for home in made.homes), made.id


def test_no_two_formats_claim_the_same_name() -> None:
    claimed: dict[str, str] = {}
    for made in all_formats():
        for ending in (*made.names, *made.paths):
            assert claimed.setdefault(ending.lower(), made.id) == made.id, ending


def test_no_function_of_two_families_is_the_same() -> None:
    modules = [file for file in files("yett.inventory.formats").iterdir() if file.name.endswith(".py")]
    homes: dict[str, str] = {}
    for module in modules:
        for each in ast.parse(module.read_text("utf-8")).body:
            if isinstance(each, ast.FunctionDef):
                assert homes.setdefault(ast.dump(each), module.name) == module.name, each.name


def test_a_sniffing_pattern_is_one() -> None:
    for made in sniffers():
        re.compile(made.sniff)


def test_a_file_of_no_format_has_none() -> None:
    assert format_of("src/main.py") is None
    assert format_of("") is None
    assert format_of("/") is None


@pytest.mark.parametrize("made", all_formats(), ids=lambda made: made.id)
def test_hostile_bytes_are_read_or_refused_quickly(made: Format) -> None:
    for content in HOSTILE:
        began = time.monotonic()
        assert_survives(made, content)
        assert time.monotonic() - began < 10, content[:20]  # quadratic time would take minutes


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    content=st.binary(max_size=300)
    | st.text(alphabet="ab \t\n\r\"'\\={}[]<>/:;,.$@%&#!|-+0é", max_size=200).map(str.encode)
)
def test_no_bytes_make_a_parser_fail(content: bytes) -> None:
    for made in all_formats():
        assert_survives(made, content)


def assert_survives(made: Format, content: bytes) -> None:
    with suppress(Unparsable):
        for hit in made.parse(content):
            assert 0 <= hit.start <= hit.end <= len(content)


SAMPLES = (
    "machine h.example login ann password {}\nmacdef x\n\n",
    "h.example:5432:*:ann:{}\n",
    '[client]\nuser = ann\npassword = \'{}\' # c\ntoken = {{"access_token": "{}"}}\n',
    'https://ann:{}@h.example/x\n[http "https://h"]\n\textraheader = authorization: basic {}\n',
    '{{"auths": {{"h": {{"auth": "{}"}}}}, "type": "service_account", "private_key": "\\n{}", "k": [1, null]}}\n',
    "kind: Secret\nmetadata:\n  name: n\ndata:\n  p: {}\nstringData: {{k: '{}'}}\n---\n"
    "users:\n- name: n\n  user:\n    token: |\n      x\n",
    'credentials "h" {{\n  token = "{}"\n}}\nx_password = <<E\n{}\nE\n',
    '[a]\ntoken = "{}"\n[[contexts]]\ntoken = \'{}\'\nk = [1, {{a = "b"}}]\n',
    "export A_TOKEN='{}' # c\nB_PASSWORD=\"{}\"\n",
    '<c><add key="Password" value="{}"/><password>{}</password><!-- c --><![CDATA[x]]></c>',
    "Server=h.example;User Id=sa;Password={};jdbc:mysql://h/d?user=u&password={}\n",
    '{{"terraform_version": "1", "outputs": {{"p": {{"value": "{}", "sensitive": true}}}}, "resources": '
    '[{{"instances": [{{"attributes": {{"password": "{}"}}, '
    '"sensitive_attributes": [[{{"type": "get_attr", "value": "password"}}]]}}]}}]}}',
    "ann:$6$abcdefgh${}:19000:0:99999:7:::\n//h/:_authToken={}\n",
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_damaged_file_makes_a_parser_fail(data: st.DataObject) -> None:
    value = data.draw(st.text(alphabet="abcXYZ019+/=_-", min_size=8, max_size=40))
    content = bytearray(data.draw(st.sampled_from(SAMPLES)).format(value, value[::-1]).encode())
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(content)))
        piece = data.draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"'", b"{", b"}", b"[", b"]", b"\n", b"\\", b":", b"<"])
        )
        content[at : at + data.draw(st.integers(0, 4))] = piece
    for made in all_formats():
        assert_survives(made, bytes(content))
