"""Law 11. The gate is not a way in: one resolution, no address of this machine or its cloud, one name everywhere."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from law_plane import ELSEWHERE, LawPlane

from yett.daemon.settings import load_settings
from yett.gateway.dial import Dialer, DialSettings, Mapped, check
from yett.gateway.names import NameRefused
from yett.model.errors import ConfigurationError, YettError

INSIDE = (
    "127.0.0.1",
    "127.8.9.1",
    "::1",
    "0.0.0.0",
    "::",
    "169.254.169.254",
    "fe80::1",
    "::ffff:127.0.0.1",
    "100.100.100.200",
    "fd00:ec2::254",
    "224.0.0.1",
    "255.255.255.255",
)


@pytest.mark.parametrize("address", INSIDE)
def test_a_name_that_leads_inside_is_refused(address: str) -> None:
    with pytest.raises(NameRefused):
        check("innocent.example", [address])


def test_one_address_inside_among_others_refuses_the_name(laws: LawPlane) -> None:
    with pytest.raises(NameRefused):
        check("rebinding.example", ["93.184.216.34", "127.0.0.1"])


def test_the_addresses_of_this_machine_are_inside(laws: LawPlane) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            mine = probe.getsockname()[0]
        except OSError:
            mine = "127.0.0.1"
    with pytest.raises(NameRefused):
        check("me.example", [mine])


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "169.254.169.254"])
def test_no_agent_reaches_this_machine_through_its_gate(laws: LawPlane, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        service.settimeout(0.2)
        port = laws.proxy(laws.session())
        place = f"{host}:{service.getsockname()[1]}"
        request = f"GET http://{place}/ HTTP/1.1\r\nHost: {place}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw:
            raw.sendall(request.encode())
            assert raw.recv(64).split()[1] in (b"403", b"400", b"502")
        with pytest.raises(TimeoutError):
            service.accept()


def test_the_dialer_does_not_open_a_connection_inside() -> None:
    async def dial() -> None:
        with socket.create_server(("127.0.0.1", 0)) as service:
            port = int(service.getsockname()[1])
            with pytest.raises(YettError):
                await Dialer(DialSettings()).connect(asyncio.Protocol, "localhost", port, tls=False)
            service.settimeout(0.1)
            with pytest.raises(TimeoutError):
                service.accept()

    asyncio.run(dial())


def test_the_host_of_a_request_is_the_name_that_was_connected_to(laws: LawPlane) -> None:
    port = laws.proxy(laws.session())
    with laws.tunnel(port, ELSEWHERE) as tunnel:
        tunnel.sendall(b"GET / HTTP/1.1\r\nHost: other.example.org\r\n\r\n")
        assert tunnel.recv(64).startswith(b"HTTP/1.1 403")
    assert not laws.upstream.seen


def test_the_name_in_tls_is_the_name_that_was_connected_to(laws: LawPlane) -> None:
    port = laws.proxy(laws.session())
    raw = socket.create_connection(("127.0.0.1", port), timeout=5)
    raw.sendall(f"CONNECT {ELSEWHERE}:443 HTTP/1.1\r\nHost: {ELSEWHERE}:443\r\n\r\n".encode())
    assert b" 200 " in raw.recv(4096)
    context = ssl.create_default_context(cafile=str(laws.bundle))
    with pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(raw, server_hostname="other.example.org")
    assert not laws.upstream.seen


def test_a_method_or_path_in_another_field_is_refused_at_a_governed_host(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    body = b'{"query":"{ me { id } }"}'
    for header in ("x_http_method_override", "x_original_url", "x_rewrite_url"):
        reply = laws.over(port, "POST", "/graphql/v2", body, authorization=f"Bearer {token}", **{header: "DELETE"})
        assert reply.status in (400, 403)
    assert not laws.upstream.seen


def test_only_a_drill_may_map_names_to_addresses(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[[resolve]]\nname = "api.example"\naddress = "127.0.0.1:1"\n')
    with pytest.raises(ConfigurationError):
        load_settings(tmp_path)
    with pytest.raises(ConfigurationError):
        Dialer(DialSettings("real", (Mapped("api.example", 443, "127.0.0.1", 1),)))
