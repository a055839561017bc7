"""Dialling: names resolve once, every address is checked, a company's proxy is honoured (law 11)."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
import threading
from contextlib import contextmanager

import pytest

import listening
from yett.gateway.company import company_proxy
from yett.gateway.dial import Dialer, DialSettings, Mapped, check
from yett.gateway.names import NameRefused
from yett.gateway.resolving import EACH
from yett.model.errors import ConfigurationError, UpstreamFailed


def dial(settings, host="api.test", port=443, tls=True):
    async def connected():
        return await Dialer(settings).connect(asyncio.Protocol, host, port, tls=tls)

    return asyncio.run(connected())


def resolving(monkeypatch, *addresses):
    """The system's resolver answers with these addresses, whatever it is asked."""

    def getaddrinfo(host, port, **more):
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["169.254.169.254"], ["8.8.8.8", "127.0.0.1"], ["::ffff:7f00:1"]])
def test_a_name_that_leads_inside_is_refused_whole(monkeypatch, addresses):
    resolving(monkeypatch, *addresses)
    with pytest.raises(NameRefused):
        dial(DialSettings())


def test_nothing_is_asked_of_the_lookups_that_all_sessions_share(monkeypatch):
    async def shared(*_, **__):
        raise AssertionError("this waits behind everybody's slow names")

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", shared)
    monkeypatch.setattr("asyncio.selector_events.BaseSelectorEventLoop.sock_connect", shared)
    listener = socket.create_server(("127.0.0.1", 0))
    dial(DialSettings("drill", (Mapped("api.test", 443, *listener.getsockname()),)), tls=False)
    listening.close(listener)


def test_names_that_do_not_resolve_in_time_keep_their_own_session_waiting_only(monkeypatch):
    asked, end = [], threading.Event()

    def getaddrinfo(host, port, **more):
        asked.append(host)
        if host == "slow.test":
            end.wait(20)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    async def scene():
        dialer = Dialer(DialSettings(connect_seconds=2))

        async def outcome(host, who):
            try:
                await dialer.connect(asyncio.Protocol, host, 443, tls=False, who=who)
            except (UpstreamFailed, NameRefused) as error:
                return type(error)

        slow = [asyncio.create_task(outcome("slow.test", "s-1")) for _ in range(EACH + 5)]
        await asyncio.sleep(0.1)
        quick = [await outcome("quick.test", who) for who in ("s-2", "")]
        assert await asyncio.gather(*slow) == [UpstreamFailed] * (EACH + 5)
        assert await outcome("quick.test", "s-1") is UpstreamFailed, "its turns are still taken"
        end.set()
        return [*quick, await outcome("quick.test", "s-1")]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    assert asyncio.run(scene()) == [NameRefused] * 3
    assert asked.count("slow.test") == EACH


def test_a_name_that_does_not_resolve_or_is_none_is_said_so(monkeypatch):
    for error in (socket.gaierror(-2, "Name or service not known"), UnicodeError("label too long")):
        monkeypatch.setattr(socket, "getaddrinfo", lambda *a, error=error, **k: (_ for _ in ()).throw(error))
        with pytest.raises(UpstreamFailed, match="could not be reached"):
            dial(DialSettings())


def test_addresses_are_tried_once_each_in_their_order():
    assert check("a.test", ["8.8.8.8", "8.8.4.4", "8.8.8.8"]) == ["8.8.8.8", "8.8.4.4"]


def test_a_name_without_an_address_cannot_be_dialled():
    with pytest.raises(UpstreamFailed):
        check("a.test", [])


def test_an_upstream_that_never_answers_is_given_up():
    listener = socket.create_server(("127.0.0.1", 0))
    settings = DialSettings("drill", (Mapped("api.test", 443, *listener.getsockname()),), connect_seconds=0.2)
    with pytest.raises(UpstreamFailed, match=r"0\.2 seconds"):
        dial(settings)  # the TLS handshake hangs
    listening.close(listener)


def test_names_are_mapped_in_a_drill_only():
    mapped = (Mapped("api.test", 443, "127.0.0.1", 1),)
    with pytest.raises(ConfigurationError):
        Dialer(DialSettings("real", mapped))
    assert Dialer(DialSettings("drill", mapped)).address("api.test", 443) == ("127.0.0.1", 1)


def test_a_mapping_is_for_its_port_only(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("127.0.0.1", 5432))])
    with pytest.raises(NameRefused):
        Dialer(DialSettings("drill", (Mapped("api.test", 443, "127.0.0.1", 1),))).address("api.test", 5432)


def test_a_data_wire_is_dialled_at_a_checked_address(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("10.1.2.3", 5432))])
    assert Dialer(DialSettings()).address("db.test", 5432) == ("10.1.2.3", 5432)


def test_roots_that_are_none_are_refused(tmp_path):
    (tmp_path / "roots.pem").write_text("nonsense")
    with pytest.raises(ConfigurationError):
        Dialer(DialSettings(extra_roots=tmp_path / "roots.pem"))


# -- the company's proxy


@contextmanager
def proxy(answer=b"HTTP/1.1 200 OK\r\n\r\n"):
    """A proxy that answers CONNECT and ends there; gives the heads that it saw."""
    listener, heads = socket.create_server(("127.0.0.1", 0)), []

    def run():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                heads.append(connection.recv(4096))
                connection.sendall(answer)

    threading.Thread(target=run, daemon=True).start()
    yield f"http://ada:s%40fe@127.0.0.1:{listener.getsockname()[1]}", heads
    listening.close(listener)


def test_a_company_proxy_is_asked_by_name_with_its_credentials():
    with proxy() as (url, heads):
        dial(DialSettings(company=company_proxy({"https_proxy": url})), tls=False)
    expected = base64.b64encode(b"ada:s@fe")
    assert heads[0].startswith(b"CONNECT api.test:443 HTTP/1.1\r\nhost: api.test:443\r\n")
    assert b"proxy-authorization: Basic " + expected in heads[0]


@pytest.mark.parametrize("answer", [b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", b"nonsense\r\n\r\n", b""])
def test_a_company_proxy_that_refuses_or_breaks_is_an_upstream_failure(answer):
    with proxy(answer) as (url, _), pytest.raises(UpstreamFailed, match="company"):
        dial(DialSettings(company=company_proxy({"HTTPS_PROXY": url})))


@pytest.mark.parametrize(
    ("name", "through"),
    [("api.test", True), ("git.corp.test", False), ("corp.test", False), ("notcorp.test", True), ("intra.test", False)],
)
def test_no_proxy_names_what_is_reached_directly(name, through):
    found = company_proxy({"HTTP_PROXY": "proxy.test:3128", "NO_PROXY": ".corp.test, intra.test:443"})
    assert (found.host, found.port, found.serves(name)) == ("proxy.test", 3128, through)


def test_a_star_in_no_proxy_switches_the_proxy_off():
    assert not company_proxy({"HTTPS_PROXY": "http://p.test:1", "no_proxy": "*"}).serves("api.test")


@pytest.mark.parametrize("url", ["https://proxy.test", "socks5://proxy.test:1080", "http://", "http://p:x"])
def test_a_proxy_that_the_gate_cannot_use_is_said_so(url):
    with pytest.raises(ConfigurationError):
        company_proxy({"HTTPS_PROXY": url})


def test_no_proxy_variable_no_proxy():
    assert company_proxy({}) is None


def test_the_proxys_password_is_not_shown():
    assert "s@fe" not in repr(company_proxy({"HTTPS_PROXY": "http://ada:s%40fe@p.test:1"}))


def test_the_upstreams_certificate_is_verified_through_the_proxy_too():
    with proxy() as (url, _), pytest.raises((UpstreamFailed, ssl.SSLError)):
        dial(DialSettings(company=company_proxy({"HTTPS_PROXY": url})))
