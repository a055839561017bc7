"""The explicit proxy: where a connection may lead, and what is kept of it."""

from __future__ import annotations

import socket
import ssl

import pytest
from tests.gateway.conftest import in_haste


@pytest.mark.parametrize(
    "target",
    ["127.0.0.1:443", "169.254.169.254:80", "2130706433:443", "0x7f.1:443", "127.1:443", "[::1]:443",
     "[::ffff:127.0.0.1]:443", "api.test.:443", "localhost:443", "api.test", "api.test:0", "api.test:99999",
     "api.test:443@other.test:443"],
)  # fmt: skip
def test_connect_to_an_address_or_an_odd_spelling_is_refused(gate, target):
    with gate.plain() as connection:
        connection.sendall(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode())
        said = gate.read_answer(connection)
    assert (said.status, said.problem["code"]) == (403, "host")
    assert len(gate.checkpoint.refusals) == 1


@pytest.mark.parametrize(
    "head",
    [b"CONNECT api.test:443 HTTP/1.0\r\nHost: api.test:443\r\nHost: api.test:443", b"CONNECT api.test:443 HTTP/1.1",
     b"CONNECT api.test:443 HTTP/1.0\r\nContent-Length: 3", b"CONNECT api.test:443 HTTP/0.9",
     b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test\r\nContent-Length: 3",
     b"CONNECT  api.test:443 HTTP/1.1\r\nHost: api.test", b"CONNECTX api.test:443 HTTP/1.1\r\nHost: api.test"],
)  # fmt: skip
def test_a_broken_connect_is_malformed(gate, head):
    with gate.plain() as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert gate.read_answer(connection).status == 400


@pytest.mark.parametrize("fields", [b"", b"Host: api.test:443\r\n", b"User-Agent: pip\r\n"])
def test_a_tunnel_may_be_opened_in_http_1_0(gate, fields):
    """Python up to 3.11, and pip with it, opens tunnels so, without Host."""
    with gate.plain() as connection:
        connection.sendall(b"CONNECT api.test:443 HTTP/1.0\r\n" + fields + b"\r\n")
        assert b" 200 " in gate.read_head(connection)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_connect_and_host_are_one_name(gate, version):
    with gate.plain() as connection:
        connection.sendall(b"CONNECT api.test:443 HTTP/" + version + b"\r\nHost: other.test:443\r\n\r\n")
        assert gate.read_answer(connection).status == 403


def test_connect_in_capitals_leads_to_the_same_name(gate):
    with gate.plain() as raw:
        raw.sendall(b"CONNECT API.TEST:443 HTTP/1.1\r\nHost: Api.test:443\r\n\r\n")
        assert b" 200 " in gate.read_head(raw)


def test_a_connect_head_that_arrives_byte_by_byte_is_read(gate):
    with gate.plain() as raw:
        for byte in b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n":
            raw.sendall(bytes([byte]))
        assert b" 200 " in gate.read_head(raw)
        with gate.trusting().wrap_socket(raw, server_hostname="api.test") as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: api.test\r\n\r\n")
            assert gate.read_answer(connection).status == 200


def test_bytes_right_behind_the_connect_head_are_kept(gate):
    """A client that does not wait for the 200 sends its TLS hello in the same packet."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = gate.trusting().wrap_bio(incoming, outgoing, server_hostname="api.test")
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with gate.plain() as raw:
        raw.sendall(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n" + outgoing.read())
        assert b" 200 " in gate.read_head(raw)
        incoming.write(raw.recv(65536))
        for _ in range(5):
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(outgoing.read())
                incoming.write(raw.recv(65536))
        assert tls.version()


def test_another_sni_ends_the_handshake_with_an_alert(gate):
    with gate.plain() as raw:
        raw.sendall(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n")
        gate.read_head(raw)
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            gate.trusting().wrap_socket(raw, server_hostname="other.test")
    assert "SNI" in gate.checkpoint.refusals[0][0]


def test_no_sni_ends_the_handshake_with_an_alert(gate):
    context = gate.trusting()
    context.check_hostname = False
    with gate.plain() as raw:
        raw.sendall(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n")
        gate.read_head(raw)
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            context.wrap_socket(raw)


def test_only_http_1_1_is_negotiated(gate):
    with gate.plain() as raw:
        raw.sendall(b"CONNECT api.test:443 HTTP/1.1\r\nHost: api.test:443\r\n\r\n")
        gate.read_head(raw)
        context = gate.trusting()
        context.set_alpn_protocols(["h2", "http/1.1"])
        with context.wrap_socket(raw, server_hostname="api.test") as connection:
            assert connection.selected_alpn_protocol() == "http/1.1"


def test_an_http2_only_client_is_told_its_switch(gate):
    with gate.tunnel() as connection:
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")
        said = connection.recv(4096)
    assert said[3] == 4  # SETTINGS
    assert said[9 + 3] == 7  # GOAWAY
    assert said[9 + 9 + 4 : 9 + 9 + 8] == b"\0\0\0\x0d"  # HTTP_1_1_REQUIRED
    assert b"--http1.1" in said


def test_curl_that_prefers_http2_goes_on_with_http_1_1(gate, echo):
    assert gate.curl("--http2", "https://api.test/").returncode == 0
    assert len(echo.seen) == 1


def test_a_tls_hello_on_the_proxy_port_is_told_to_speak_http(gate):
    with gate.plain() as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01" + bytes(300))
        assert b"http://" in raw.recv(4096)


@in_haste
def test_half_a_connect_head_is_answered_and_closed(gate):
    with gate.plain() as raw:
        raw.sendall(b"CONNECT api.test:443 HTT")
        assert gate.read_answer(raw).status == 408
        assert raw.recv(1) == b""


@in_haste
def test_a_client_that_says_nothing_is_closed(gate):
    with gate.plain() as raw:
        raw.settimeout(3)
        assert gate.read_answer(raw).status == 408


def test_plain_http_passes_for_an_ungoverned_get(gate, plain_echo):
    plain_echo.seen.clear()
    done = gate.curl("http://other.test/pool/main?x=1")
    assert done.returncode == 0, done.stderr
    assert plain_echo.seen[0]["path"] == "/pool/main?x=1"
    assert plain_echo.seen[0]["headers"]["host"] == "other.test"


def test_plain_http_to_a_governed_host_is_refused(gate, plain_echo):
    plain_echo.seen.clear()
    done = gate.curl("-i", "http://api.test/")
    assert b"HTTP/1.1 403" in done.stdout
    assert b"https://api.test" in done.stdout
    assert plain_echo.seen == []


def test_a_package_mirror_may_be_read_over_plain_http_but_not_written(gate, plain_echo):
    plain_echo.seen.clear()
    assert b'"path"' in gate.curl("http://registry.test/debian/dists").stdout
    assert b"403" in gate.curl("-i", "-d", "x", "http://registry.test/upload").stdout
    assert len(plain_echo.seen) == 1


def test_one_plain_connection_may_lead_to_several_hosts(gate, plain_echo):
    plain_echo.seen.clear()
    done = gate.curl("http://other.test/1", "http://registry.test/2")
    assert done.returncode == 0, done.stderr
    assert [seen["headers"]["host"] for seen in plain_echo.seen] == ["other.test", "registry.test"]


@pytest.mark.parametrize(
    ("target", "host"),
    [("http://127.0.0.1/", "127.0.0.1"), ("http://169.254.169.254/latest/meta-data", "169.254.169.254"),
     ("http://other.test/", "api.test"), ("http://user:pw@other.test/", "other.test"), ("http://[::1]/", "[::1]")],
)  # fmt: skip
def test_a_plain_target_must_be_a_name_and_its_host(gate, plain_echo, target, host):
    plain_echo.seen.clear()
    with gate.plain() as raw:
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert gate.read_answer(raw).status == 403
    assert plain_echo.seen == []


@pytest.mark.parametrize("target", ["/", "https://other.test/", "ftp://other.test/", "other.test:80"])
def test_a_proxy_request_needs_absolute_form(gate, target):
    with gate.plain() as raw:
        raw.sendall(f"GET {target} HTTP/1.1\r\nHost: other.test\r\n\r\n".encode())
        assert gate.read_answer(raw).status == 400


def test_a_captured_tls_connection_serves_its_name_only(gate, echo):
    port = gate.listen("tls", "api.test", 443)
    with socket.create_connection(("127.0.0.1", port)) as raw:
        with gate.trusting().wrap_socket(raw, server_hostname="api.test") as connection:
            connection.sendall(b"GET /captured HTTP/1.1\r\nHost: api.test\r\n\r\n")
            assert gate.read_answer(connection).status == 200
    with socket.create_connection(("127.0.0.1", port)) as raw:
        with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
            gate.trusting().wrap_socket(raw, server_hostname="other.test")


def test_a_captured_http_connection_serves_its_name_only(gate, plain_echo):
    plain_echo.seen.clear()
    port = gate.listen("http", "other.test", 80)
    for host, status in (("other.test", 200), ("api.test", 403)):
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            assert gate.read_answer(raw).status == status
    assert len(plain_echo.seen) == 1
