"""The gate on the real broker, operations, policy, checkpoint and ledger: a request's whole way."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from dataclasses import replace

import pytest
import uvloop

from yett.daemon.plane import build
from yett.daemon.settings import Settings
from yett.model.identity import Principal, Session, Task
from yett.store import tables

KEY = "sk-ant-api03-" + "k9Qz" * 22
SESSION = Session("s-real", Principal("agent", "ada", "scripted"), Task("t", "fix", None, False, 0.0, 0.0), "/w")


@pytest.fixture
def real(gate, tmp_path, roots, scripted):
    """The test's clients, pointed at a gate over a whole control plane. The upstream is scripted."""
    loop = uvloop.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(20)

    hosts = ("api.anthropic.com", "platform.claude.com")
    to = ("127.0.0.1", scripted.port)
    settings = Settings(
        tmp_path / "home", realm="drill", resolve={(host, 443): to for host in hosts},
        extra_ca=str(roots / "certificate.pem"),
    )  # fmt: skip
    plane = run(build(settings, 0))
    now = time.time()
    session = replace(SESSION, task=replace(SESSION.task, started=now, expires=now + 600))
    plane.checkpoint.open_session(session)
    plane.vault.put("key", "anthropic", "api-key", KEY, "work", "ada", position="header:x-api-key")
    gate.placeholder = plane.broker.lease(session, "key").placeholder
    listener = socket.create_server(("127.0.0.1", 0))
    run(plane.gate.serve(session, listener, "proxy"))
    gate.port = listener.getsockname()[1]
    gate.bundle = plane.bundle
    gate.plane = plane
    yield gate
    run(plane.close())
    loop.call_soon_threadsafe(loop.stop)
    thread.join(5)
    loop.close()


def entries(plane):
    plane.journal.commit(lambda tx: None).result()  # what was only queued is written before it
    rows = plane.store.read(lambda connection: connection.execute(tables.ledger_entry.select()).all())
    return [json.loads(row.data) for row in rows]


def answering(real, scripted, body, seen, status=b"200 OK"):
    def script(connection):
        seen.append(real.read_head(connection))
        connection.sendall(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))

    scripted.script = script


def request(method, path, key="", host="api.anthropic.com", body=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    head += f"X-Api-Key: {key}\r\n" if key else ""
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return head.encode() + b"\r\n" + body


def test_the_placeholder_leaves_as_the_key_and_comes_back_as_the_placeholder(real, scripted):
    seen = []
    answering(real, scripted, b'{"echo":"' + KEY.encode() + b'"}', seen)
    said = real.ask(request("GET", "/v1/models/claude", real.placeholder), "api.anthropic.com")
    assert KEY.encode() in seen[0]
    assert json.loads(said.body) == {"echo": real.placeholder}


def test_the_raw_key_is_refused_and_alarmed(real, scripted):
    said = real.ask(request("GET", "/v1/models/claude", KEY), "api.anthropic.com")
    assert (said.status, said.problem["code"]) == (400, "credential")
    assert scripted.connections == 0
    assert "alarm" in [entry["kind"] for entry in entries(real.plane)]


def test_an_unknown_operation_is_held_and_says_how_to_ask(real, scripted):
    said = real.ask(request("DELETE", "/v1/organizations/o/users/u", real.placeholder), "api.anthropic.com")
    assert said.status == 400
    assert said.problem["verdict"] in ("hold", "deny")
    assert said.problem["ask"]
    assert scripted.connections == 0


def test_a_refreshed_login_is_sealed(real, scripted):
    fresh = "minted-" + "z8Yx" * 10
    seen = []
    answering(real, scripted, json.dumps({"access_token": fresh, "expires_in": 60}).encode(), seen)
    real.plane.vault.put(
        "login", "anthropic", "login", "refresh-" + "a1B2" * 10, "work", "ada",
        hosts=("platform.claude.com",), position="field:refresh_token",
    )  # fmt: skip
    session = real.plane.checkpoint.state("s-real").session
    placeholder = real.plane.broker.lease(session, "login").placeholder
    body = json.dumps({"grant_type": "refresh_token", "refresh_token": placeholder, "client_id": "c"}).encode()
    raw = request("POST", "/v1/oauth/token", host="platform.claude.com", body=body)
    said = real.ask(raw, "platform.claude.com")
    assert said.status == 200, said
    assert fresh.encode() not in said.body
    assert json.loads(said.body)["access_token"].startswith(("yett", "minted-"))


def test_a_read_stands_in_the_ledger(real, scripted):
    answering(real, scripted, b"{}", [])
    real.ask(request("GET", "/v1/models/claude", real.placeholder), "api.anthropic.com")
    kinds = [entry["kind"] for entry in entries(real.plane)]
    assert "read" in kinds
