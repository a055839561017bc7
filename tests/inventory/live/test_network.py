"""Only public addresses, only verified names, and no proxy but the person's."""

from __future__ import annotations

import socket
import time

import pytest

from inventory.live.tunnel import Tunnel
from yett.inventory.live import Network
from yett.inventory.live.network import Dialler, checked
from yett.lab.issuers import UNKNOWN_TO_ITS_CERTIFICATE, Running
from yett.model.errors import ConfigurationError, UpstreamFailed

HOST = "api.digitalocean.com"
INSIDE = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.9.9", "192.168.1.1", "169.254.169.254", "100.64.0.1",
    "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "168.63.129.16", "::1", "::", "fe80::1", "fe80::1%eth0",
    "fd00:ec2::254", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::", "2001:0:7f00:1::", "not an address",
]  # fmt: skip


def later() -> float:
    return time.monotonic() + 5


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_that_is_not_public_refuses_the_name(address: str) -> None:
    with pytest.raises((UpstreamFailed, ValueError)):
        checked([address])
    with pytest.raises((UpstreamFailed, ValueError)):
        checked(["1.1.1.1", address])


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "64:ff9b::101:101"])
def test_public_addresses_may_be_dialled(address: str) -> None:
    assert checked([address, address]) == [address]


def test_a_name_that_leads_inside_is_not_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    def dialled(*_: object) -> None:
        raise AssertionError("dialled")

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(socket, "create_connection", dialled)
    with pytest.raises(UpstreamFailed, match="not public"):
        Dialler(Network()).connect(HOST, 443, later())


def test_a_name_is_resolved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    dialled = []

    def resolved(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1" if len(asked) == 1 else "127.0.0.1", port))]

    def refused(address: tuple[str, int], *_: object) -> None:
        dialled.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setattr(socket, "create_connection", refused)
    dialler = Dialler(Network())
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            dialler.connect(HOST, 443, later())
    assert (asked, dialled) == ([HOST], [("1.1.1.1", 443)] * 2)


def test_a_certificate_for_another_name_is_refused(network: Network) -> None:
    with pytest.raises(UpstreamFailed, match="certificate is not valid"):
        Dialler(network).connect(UNKNOWN_TO_ITS_CERTIFICATE, 443, later())


def test_a_certificate_of_an_unknown_authority_is_refused(served: Running) -> None:
    with pytest.raises(UpstreamFailed, match="certificate is not valid"):
        Dialler(Network(mapped={HOST: served.address})).connect(HOST, 443, later())


def test_a_host_that_says_nothing_is_left(served: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        dialler = Dialler(Network(mapped={HOST: mute.getsockname()}, roots=served.authority))
        with pytest.raises(UpstreamFailed, match="in time"):
            dialler.connect(HOST, 443, time.monotonic() + 0.2)


def through(served: Running, tunnel: Tunnel, **environ: str) -> Dialler:
    given = Network.of({"HTTPS_PROXY": f"http://me:p%40ss@127.0.0.1:{tunnel.port}", **environ})
    return Dialler(Network(given.proxy, roots=served.authority))


def test_https_proxy_is_honoured_and_cannot_pose_as_the_host(served: Running) -> None:
    tunnel = Tunnel(served.address)
    try:
        with through(served, tunnel).connect(HOST, 443, later()) as wire:
            assert wire.version() in ("TLSv1.2", "TLSv1.3")
        with pytest.raises(UpstreamFailed, match="certificate is not valid"):
            through(served, tunnel).connect(UNKNOWN_TO_ITS_CERTIFICATE, 443, later())
    finally:
        tunnel.close()
    assert tunnel.heads[0].startswith(b"CONNECT api.digitalocean.com:443 HTTP/1.1\r\n")
    assert b"proxy-authorization: Basic bWU6cEBzcw==\r\n" in tunnel.heads[0]


def test_a_proxy_that_refuses_is_told(served: Running) -> None:
    tunnel = Tunnel(served.address, refuses=True)
    try:
        with pytest.raises(UpstreamFailed, match="HTTPS_PROXY"):
            through(served, tunnel).connect(HOST, 443, later())
    finally:
        tunnel.close()


def test_no_proxy_names_what_is_reached_directly() -> None:
    proxy = Network.of({"https_proxy": "proxy.example:3128", "NO_PROXY": ".corp.example, api.slack.example"}).proxy
    assert proxy is not None
    assert (proxy.host, proxy.port) == ("proxy.example", 3128)
    assert proxy.serves("api.example")
    assert not proxy.serves("git.corp.example")
    assert not proxy.serves("api.slack.example")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_no_other_variable_is_a_proxy(name: str) -> None:
    assert Network.of({name: "http://proxy.example:3128"}).proxy is None


@pytest.mark.parametrize("url", ["socks5://proxy.example:1", "https://proxy.example", "http://", "http://a:b"])
def test_a_proxy_of_another_sort_is_a_mistake(url: str) -> None:
    with pytest.raises(ConfigurationError):
        Network.of({"HTTPS_PROXY": url})


def test_session_keys_are_written_nowhere(served: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = served.authority.with_name("keys.log")
    monkeypatch.setenv("SSLKEYLOGFILE", str(keys))
    with Dialler(Network(mapped={HOST: served.address}, roots=served.authority)).connect(HOST, 443, later()):
        assert not keys.exists()
