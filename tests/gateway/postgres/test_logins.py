"""Both logins: the agent's with its placeholder, the gate's as the lease role; TLS on either side."""

from __future__ import annotations

import base64
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

import listening
from gateway.postgres.conftest import Place, upstream_of
from gateway.postgres.raw import SYNC, Raw, Refused, fields, query
from gateway.postgres.wire import PLACEHOLDER, SESSION, TableDesk, TableDoor, Wire
from postgres import Server, serving, versions
from yett.gateway.ca import Authority, open_authority
from yett.gateway.postgres.desk import Told
from yett.gateway.postgres.limits import WireLimits
from yett.gateway.postgres.logins.saslprep import prepared
from yett.gateway.postgres.logins.tls import leaf
from yett.gateway.postgres.messages import message

PASSWORD = "lease role's own ±"
NAME = "db.example"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return open_authority(tmp_path / "ca")


# ---- the agent's login


@pytest.mark.parametrize(("user", "password"), [("agent", "wrong"), ("nobody", PLACEHOLDER), ("agent", "")])
def test_only_the_placeholder_opens(place: Place, user: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError) as refused:
        psycopg.connect(place.url, user=user, password=password)
    if password:
        assert f'password authentication failed for user "{user}"' in str(refused.value)
    assert place.door.opened == 0


def test_an_unknown_user_goes_through_the_same_exchange(place: Place) -> None:
    """The same messages, of the same lengths; and the salt of a name is the same every time."""
    heard: dict[str, list[tuple[bytes, int]]] = {}
    salts: dict[str, set[bytes]] = {}
    for user in ("agent", "nobody"):
        for _ in range(2):
            raw = Raw(place.port)
            raw.startup(user=user, database="x")
            found = [raw.message()]
            first = b"n,,n=,r=abcdefghijklmnop"
            raw.send(message(0x70, b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first))
            found.append(raw.message())
            nonce, salt, _ = found[-1][1][4:].split(b",")
            salts.setdefault(user, set()).add(salt)
            proof = base64.b64encode(bytes(32))
            raw.send(message(0x70, b"c=biws," + nonce + b",p=" + proof))
            found.append(raw.message())
            assert fields(found[-1][1])["C"] == "28P01"
            heard[user] = [(kind, len(body) - (kind == b"E") * len(user)) for kind, body in found]
            raw.close()
    assert heard["agent"] == heard["nobody"]
    assert [len(one) for one in salts.values()] == [1, 1]
    assert salts["agent"] != salts["nobody"]


@pytest.mark.parametrize(
    "first",
    [
        b"y,,n=,r=abcdefghijklmnop,m=x",
        b"n,a=other,n=,r=abcdefghijklmnop",
        b"p=tls-unique,,n=,r=abcdefghijklmnop",
        b"n,,n=,r=short",
        b"n,,m=x,n=,r=abcdefghijklmnop",
        b"",
    ],
)
def test_first_messages_that_are_none(place: Place, first: bytes) -> None:
    raw = Raw(place.port)
    raw.startup(user="agent", database="x")
    raw.message()
    raw.send(message(0x70, b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first))
    if first.endswith(b"m=x"):
        kind, _ = raw.message()
        assert kind == b"R"  # an extension that is not mandatory
        return
    assert raw.ends() == "28P01"


def test_passwords_are_prepared() -> None:
    assert prepared("I\u00adX".encode()) == b"IX"
    assert prepared("\u2168".encode()) == b"IX"
    assert prepared("a\u00a0b".encode()) == b"a b"
    assert prepared("\u0007\u00e4".encode()) == "\u0007\u00e4".encode()  # prohibited: as it is
    assert prepared(b"\xff\xfe") == b"\xff\xfe"


def test_the_doors_refusal_is_told(place: Place) -> None:
    place.door.refuses = Told("yett: this session has ended", "start a new one\x1b[31m", "57P03")
    with pytest.raises(psycopg.OperationalError) as refused:
        place.connect()
    assert "this session has ended" in str(refused.value)
    assert "\x1b" not in str(refused.value)


def test_settings_of_the_connection(place: Place) -> None:
    options = "-c statement_timeout=5s -c standard_conforming_strings=off --search-path=pg_catalog -cDateStyle=ISO"
    with place.connect(options=options, application_name="täst\nx", client_encoding="utf8") as c:
        shown = {name: c.execute(f"show {name}").fetchone() for name in ("statement_timeout", "search_path")}
        assert shown == {"statement_timeout": ("5s",), "search_path": ('"$user", public',)}
        assert c.info.parameter_status("standard_conforming_strings") == "on"
        assert c.info.parameter_status("client_encoding") == "UTF8"
        assert c.execute("show backslash_quote").fetchone() == ("safe_encoding",)
        assert c.execute("show application_name").fetchone() == ("t?st?x",)


def test_settings_that_were_left_out_are_named(place: Place) -> None:
    raw = Raw(place.port)
    raw.log_in(place.door.upstream.database, options="-c role=postgres -c work_mem=1MB", search_path="x")
    raw.close()
    raw = Raw(place.port)
    raw.startup(user="agent", database=place.door.upstream.database, replication="database")
    assert raw.ends() == "08P01"


def test_protocol_3_2_and_unknown_options(place: Place) -> None:
    database = place.door.upstream.database
    raw = Raw(place.port).log_in(database, version=3 << 16 | 2)
    assert (len(raw.secret), raw.negotiated) == (32, b"")
    raw.close()
    raw = Raw(place.port).log_in(database, version=3 << 16 | 9, **{"_pq_.better": "yes"})
    assert raw.negotiated == struct.pack(">II", 3 << 16 | 2, 1) + b"_pq_.better\0"
    raw.close()
    raw = Raw(place.port).log_in(database)
    assert (len(raw.secret), raw.negotiated) == (4, b"")
    raw.close()
    raw = Raw(place.port)
    raw.startup(2 << 16, user="agent")
    assert raw.ends() == "08P01"
    with place.connect(max_protocol_version="latest") as c:
        assert c.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize(
    "rubbish", [b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\3", b"\0\0\0\x08\0\0\0\0", b"\x16\3\1\2\0" * 90]
)
def test_what_is_no_startup_ends_the_connection(place: Place, rubbish: bytes) -> None:
    raw = Raw(place.port)
    raw.send(rubbish)
    assert raw.ends() == "08P01"


def test_silent_clients_are_few_and_not_for_long(each_postgres: Server) -> None:
    wire = Wire(WireLimits(login_seconds=1, unauthenticated=3))
    door = TableDoor(upstream_of(each_postgres, each_postgres.emptied()), TableDesk())
    port = wire.listen(door)
    try:
        silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(10)]
        time.sleep(0.2)
        assert wire.call(lambda: wire.front.count(SESSION)) == 3
        for one in silent[3:]:
            one.close()
        began = time.monotonic()
        with psycopg.connect(f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{port}/x{door.upstream.database}"):
            assert time.monotonic() - began < 5
        assert fields(silent[0].recv(1000)[5:])["M"] == "yett: the login took too long"
    finally:
        wire.close()


def test_connections_of_a_session_are_bounded(each_postgres: Server) -> None:
    wire = Wire(WireLimits(connections=2))
    door = TableDoor(upstream_of(each_postgres, each_postgres.emptied()), TableDesk())
    url = f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{wire.listen(door)}/x?connect_timeout=2"
    try:
        with psycopg.connect(url), psycopg.connect(url) as second:
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(url)
            second.close()
            psycopg.connect(url).close()
    finally:
        wire.close()


# ---- TLS towards the agent


def test_tls_with_channel_binding(place: Place, authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "roots.pem").write_bytes(authority.pem)
    port = place.wire.listen(place.door, leaf(authority, NAME))
    encrypted = {"sslmode": "verify-full", "sslrootcert": str(tmp_path / "roots.pem"), "channel_binding": "require"}
    with psycopg.connect(place.url, host=NAME, hostaddr="127.0.0.1", port=port, autocommit=True, **encrypted) as c:
        assert c.pgconn.ssl_in_use
        c.execute("delete from t where id = 1")
        assert len(c.execute("select repeat('x', 3000000)").fetchone()[0]) == 3_000_000  # type: ignore[index]
    assert place.count() == 9
    with psycopg.connect(place.url, port=port, sslmode="disable") as c:
        c.execute("select 1")
    with pytest.raises(psycopg.OperationalError, match="certificate"):
        psycopg.connect(place.url, host="other.example", hostaddr="127.0.0.1", port=port, **encrypted)
    with pytest.raises(psycopg.OperationalError, match="does not support SSL"):
        psycopg.connect(place.url, sslmode="require")


def test_words_before_tls_are_refused(place: Place, authority: Authority) -> None:
    port = place.wire.listen(place.door, leaf(authority, NAME))
    raw = Raw(port)
    raw.send(struct.pack(">II", 8, 80877103) + b"\0\0\0\x20" + query("select 1"))
    assert raw.ends() in ("08P01", "")
    assert place.door.opened == 0


def test_channel_binding_cannot_be_taken_away(place: Place, authority: Authority) -> None:
    """A client that says it could bind and was not offered it, where it was (RFC 5802, 6)."""
    port = place.wire.listen(place.door, leaf(authority, NAME))
    raw = Raw(port)
    raw.send(struct.pack(">II", 8, 80877103))
    assert raw.exactly(1) == b"S"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    raw.socket = context.wrap_socket(raw.socket)
    raw.startup(user="agent", database="x")
    assert raw.message()[1][4:] == b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"
    first = b"y,,n=,r=abcdefghijklmnop"
    raw.send(message(0x70, b"SCRAM-SHA-256\0" + struct.pack(">I", len(first)) + first))
    assert raw.ends() == "28P01"


# ---- towards the upstream


@pytest.fixture(scope="module")
def strict(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server with TLS (the wheel's is built without), whose roles log in by each method; its authority's file."""
    folder = tmp_path_factory.mktemp("strict")
    authority, key = open_authority(folder / "ca"), ec.generate_private_key(ec.SECP256R1())
    files = {
        "server.crt": authority.issue(NAME, key).public_bytes(serialization.Encoding.PEM),
        "server.key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    }
    methods = ("scram-sha-256", "md5", "password")
    access = [f"host all by_{one.partition('-')[0]} 127.0.0.1/32 {one}" for one in methods]
    access.insert(0, "hostnossl all by_scram_tls 127.0.0.1/32 reject")
    access.insert(1, "hostssl all by_scram_tls 127.0.0.1/32 scram-sha-256")
    system = [version for version in versions() if version != 18]
    if not system:
        pytest.skip("no PostgreSQL of the system here")
    with serving(max(system), ("-c", "ssl=on"), access, files) as server:
        with psycopg.connect(f"{server.url}/postgres", autocommit=True) as c:
            for name in ("by_scram", "by_md5", "by_password", "by_scram_tls"):
                c.execute(f"set password_encryption = '{'md5' if name == 'by_md5' else 'scram-sha-256'}'")
                c.execute(f"create role {name} login password $${PASSWORD}$$")
        yield server, folder / "ca" / "certificate.pem"


@pytest.mark.parametrize("tls", ["disable", "prefer", "require"])
@pytest.mark.parametrize("role", ["by_scram", "by_md5", "by_password", "by_scram_tls"])
def test_every_method_of_a_server(strict: tuple[Server, Path], wire: Wire, role: str, tls: str) -> None:
    server, roots = strict
    upstream = replace(upstream_of(server, f"{server.url}/postgres", role, PASSWORD, tls), server_name=NAME)
    for changed in (upstream, replace(upstream, roots=roots)):
        door = TableDoor(changed, TableDesk())
        url = f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{wire.listen(door)}/postgres"
        if role == "by_scram_tls" and tls == "disable":
            with pytest.raises(psycopg.OperationalError, match="refused the lease"):
                psycopg.connect(url)
            continue
        with psycopg.connect(url, autocommit=True) as c:
            row = c.execute(
                "select current_user, (select ssl from pg_stat_ssl where pid = pg_backend_pid())"
            ).fetchone()
            assert row == (role, tls != "disable")
            c.execute("select repeat('x', 2000000)").fetchone()


def test_another_password_or_certificate_is_no_upstream(strict: tuple[Server, Path], wire: Wire) -> None:
    server, roots = strict
    good = replace(upstream_of(server, f"{server.url}/postgres", "by_scram", PASSWORD, "require"), server_name=NAME)
    cases = {
        "password authentication failed": replace(good, password="another"),
        "certificate": replace(good, server_name="other.example", roots=roots),
        "cannot be reached": replace(good, address=("127.0.0.1", 1)),
    }
    for said, upstream in cases.items():
        door = TableDoor(upstream, TableDesk())
        url = f"postgresql://agent:{PLACEHOLDER}@127.0.0.1:{wire.listen(door)}/postgres"
        with pytest.raises(psycopg.OperationalError, match=said) as refused:
            psycopg.connect(url)
        assert "another" not in str(refused.value)


def test_a_server_without_tls_is_refused_where_it_must_be_there(place: Place) -> None:
    place.door.upstream = replace(place.door.upstream, tls="require")
    with pytest.raises(psycopg.OperationalError, match="offers no TLS"):
        place.connect()


def test_a_server_that_does_not_prove_itself_is_no_upstream(place: Place) -> None:
    """It says AuthenticationOk in the middle of SCRAM; and it asks for the password in clear where others listen."""
    for said, last in (("before it proved itself", struct.pack(">I", 0)), ("SCRAM|way", struct.pack(">I", 7))):
        listener = socket.create_server(("127.0.0.1", 0))
        place.door.upstream = replace(place.door.upstream, address=listener.getsockname()[:2], tls="disable")
        raw = Raw(place.port)
        try:
            _fake(listener, raw, place, last)
        except Refused as refused:
            assert any(part in str(refused) for part in said.split("|"))  # noqa: PT017
        listening.close(listener)


def _fake(listener: socket.socket, raw: Raw, place: Place, last: bytes) -> None:
    import threading

    def serve() -> None:
        server, _ = listener.accept()
        server.recv(10_000)
        server.sendall(message(0x52, struct.pack(">I", 10) + b"SCRAM-SHA-256\0\0"))
        server.recv(10_000)
        server.sendall(message(0x52, last))
        server.recv(10_000)

    threading.Thread(target=serve, daemon=True).start()
    raw.log_in(place.door.upstream.database)
    raise AssertionError


def test_sync_only(place: Place) -> None:
    raw = Raw(place.port).log_in(place.door.upstream.database)
    raw.send(SYNC, SYNC)
    assert raw.kinds(2) == "ZZ"
    raw.close()
