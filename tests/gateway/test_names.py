"""Host names: no address in any spelling, no second spelling of a name (law 11)."""

from __future__ import annotations

import pytest

from yett.gateway.names import NameRefused, authority, host_name


@pytest.mark.parametrize(
    "raw",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "0", "1.2.3.0x4", "a.1", "0x",
        "[::1]", "::1", "[::ffff:127.0.0.1]", "::ffff:7f00:1", "fe80::1%eth0",
        "api.test.", "api..test", ".test", "", "-a.test", "a-.test", "a b.test", "a.test/", "user@a.test", "a.test#",
        "a_b.test\r\n", "b\xfccher.test", "xn--.test", "xn--abc-.test", "xn--a\u212a.test", "a" * 64 + ".test",
        "localhost", "LOCALHOST", "x.localhost", "metadata.google.internal", "metadata", "ip6-localhost",
    ],
)  # fmt: skip
def test_a_name_that_is_none_is_refused(raw):
    with pytest.raises(NameRefused):
        host_name(raw)


@pytest.mark.parametrize(
    ("raw", "name"),
    [("API.Railway.COM", "api.railway.com"), ("gitlab", "gitlab"), ("xn--bcher-kva.test", "xn--bcher-kva.test"),
     ("1e100.net", "1e100.net"), ("a_b.test", "a_b.test"), ("0x7f.test", "0x7f.test")],
)  # fmt: skip
def test_a_name_has_one_spelling(raw, name):
    assert host_name(raw) == name


@pytest.mark.parametrize(
    "raw", ["a.test", "a.test:", "a.test:0", "a.test:65536", "a.test:+443", "a.test:443x", "a:1:2"]
)
def test_an_authority_needs_a_port(raw):
    with pytest.raises(NameRefused):
        authority(raw)


def test_an_authority_is_a_name_and_a_port():
    assert authority("A.test:8443") == ("a.test", 8443)
    assert authority("a.test", 80) == ("a.test", 80)
