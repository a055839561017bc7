"""What the gate refuses, in HTTP's own words, and that nothing of it reaches an upstream."""

from __future__ import annotations

import gzip

import pytest

LAW = b"HTTP/1.1\r\nHost: api.test\r\n"


def test_a_denied_request_says_why_and_how_to_ask(gate, echo):
    said = gate.ask(b"GET /denied " + LAW + b"\r\n")
    assert said.status == 403
    assert said.problem == {
        "type": "about:blank",
        "title": "Refused by Yett",
        "status": 403,
        "detail": "Out of the task",
        "verdict": "deny",
        "code": "denied",
        "ask": "Ask for another task.",
        "operation": "GET api.test/denied",
    }
    assert echo.seen == []


def test_a_model_room_refuses_with_400(gate):
    said = gate.ask(b"POST /held HTTP/1.1\r\nHost: model.test\r\nContent-Length: 2\r\n\r\n{}", "model.test")
    assert (said.status, said.problem["hold"]) == (400, "h-7")


def test_a_refusal_keeps_the_connection_for_the_next_request(gate, echo):
    with gate.tunnel() as connection:
        connection.sendall(b"POST /held " + LAW + b"Content-Length: 2\r\n\r\n{}")
        assert gate.read_answer(connection).status == 403
        connection.sendall(b"GET /next " + LAW + b"\r\n")
        assert gate.read_answer(connection).status == 200
    assert [seen["path"] for seen in echo.seen] == ["/next"]


def test_a_refused_head_request_has_no_body(gate):
    with gate.tunnel() as connection:
        connection.sendall(b"HEAD /held " + LAW + b"\r\nGET /next " + LAW + b"\r\n")
        assert gate.read_answer(connection, "HEAD").status == 403
        assert gate.read_answer(connection).status == 200


def test_a_body_that_cannot_be_read_is_refused(gate, echo):
    said = gate.ask(b"POST / " + LAW + b"Content-Length: 10\r\n\r\nunreadable")
    assert (said.status, said.problem["code"]) == (403, "unreadable")
    assert echo.seen == []
    assert gate.checkpoint.refusals == [("The body is not JSON", False)]


def test_a_bug_in_the_enforcement_refuses(gate, echo, caplog):
    said = gate.ask(b"GET /crash " + LAW + b"\r\n")
    assert (said.status, said.problem["code"]) == (403, "internal")
    assert echo.seen == []


def test_no_ledger_no_request(gate, echo):
    said = gate.ask(b"POST /no-ledger " + LAW + b"Content-Length: 0\r\n\r\n")
    assert (said.status, said.problem["code"]) == (403, "unavailable")
    assert echo.seen == []


@pytest.mark.parametrize("method", [b"TRACE", b"CONNECT", b"TRACK"])
def test_methods_that_reflect_or_tunnel_never_pass(gate, echo, method):
    assert gate.ask(method + b" / " + LAW + b"\r\n").status == 403
    assert echo.seen == []


@pytest.mark.parametrize(
    "host", [b"other.test", b"api.test.", b"api.test:80", b"127.0.0.1", b"api.test, other.test", b""]
)
def test_a_host_that_is_not_the_connections_name_is_refused(gate, echo, host):
    said = gate.ask(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n")
    assert (said.status, said.problem["code"]) == (403, "host")
    assert echo.seen == []


def test_the_host_may_be_written_with_its_port_or_in_capitals(gate):
    assert gate.ask(b"GET / HTTP/1.1\r\nHost: API.test:443\r\n\r\n").status == 200


@pytest.mark.parametrize("target", [b"https://api.test/", b"http://other.test/", b"*", b"/a#b", b"/%zz", b"/a/../b"])
def test_a_target_with_another_reading_is_refused(gate, echo, target):
    assert gate.ask(b"GET " + target + b" " + LAW + b"\r\n").status == 400
    assert echo.seen == []


@pytest.mark.parametrize("name", [b"X-HTTP-Method-Override", b"X-Method-Override", b"X-Original-URL", b"X-Rewrite-URL"])
def test_a_field_that_overrides_what_was_decided_is_refused(gate, echo, name):
    assert gate.ask(b"GET / " + LAW + name + b": DELETE\r\n\r\n").status == 400
    assert echo.seen == []


def test_a_raw_secret_is_refused_and_alarmed(gate, echo):
    said = gate.ask(b"GET / " + LAW + b"Authorization: Bearer " + gate.REAL.encode() + b"\r\n\r\n")
    assert (said.status, said.problem["code"]) == (403, "credential")
    assert gate.REAL not in said.body.decode()
    assert echo.seen == []
    assert gate.checkpoint.refusals == [("A known secret was sent", True)]


def test_an_unknown_credential_on_a_governed_host_is_refused(gate, echo):
    assert gate.ask(b"GET / " + LAW + b"Authorization: Bearer something-else\r\n\r\n").status == 403
    assert echo.seen == []


def test_a_placeholder_travels_to_another_host_as_dead_text(gate, echo):
    gate.curl("-H", f"Authorization: Bearer {gate.PLACEHOLDER}", "https://other.test/")
    assert echo.seen[0]["headers"]["authorization"] == f"Bearer {gate.PLACEHOLDER}"


def test_an_encoded_body_is_read_decoded_and_leaves_so(gate, echo):
    body = gzip.compress(b'{"a":1}')
    head = b"POST /x " + LAW + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert gate.ask(head + body).status == 200
    assert echo.seen[0]["body"] == '{"a":1}'
    assert "content-encoding" not in echo.seen[0]["headers"]
    assert echo.seen[0]["headers"]["content-length"] == "7"


def test_a_secret_inside_an_encoded_body_is_refused_everywhere(gate, echo):
    body = gzip.compress(b'{"token":"' + gate.REAL.encode() + b'"}')
    for name in (b"api.test", b"other.test"):
        head = b"POST /x HTTP/1.1\r\nHost: " + name + b"\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
        assert gate.ask(head % len(body) + body, name.decode()).status == 403
    assert echo.seen == []


def test_a_bomb_is_refused(gate, echo):
    body = gzip.compress(bytes(100 << 20))
    head = b"POST /x " + LAW + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    assert gate.ask(head + body).status == 403
    assert echo.seen == []


def test_a_governed_body_over_the_cap_is_refused_unless_it_is_bulk(gate, echo):
    body = b"x" * (300 << 10)
    for path, status in ((b"/big", 403), (b"/bulk", 200)):
        head = b"PUT " + path + b" " + LAW + b"Content-Length: %d\r\n\r\n" % len(body)
        assert gate.ask(head + body).status == status
    assert [seen["size"] for seen in echo.seen] == [len(body)]


def test_a_chunked_body_over_the_cap_is_refused_unless_it_is_bulk(gate, echo):
    body = b"4000\r\n" + b"x" * 0x4000 + b"\r\n"
    for path, status in ((b"/big", 403), (b"/bulk", 200)):
        head = b"PUT " + path + b" " + LAW + b"Transfer-Encoding: chunked\r\n\r\n"
        assert gate.ask(head + body * 20 + b"0\r\n\r\n").status == status
    assert [seen["size"] for seen in echo.seen] == [20 * 0x4000]


def test_an_upgrade_to_a_governed_host_is_answered_by_its_room(gate, scripted):
    upgrade = b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\n\r\n"
    assert gate.ask(b"GET /v1/responses HTTP/1.1\r\nHost: model.test\r\n" + upgrade, "model.test").status == 426
    assert gate.ask(b"GET /ws " + LAW + upgrade).status == 403
    assert scripted.connections == 0


def test_another_upgrade_is_ignored_and_the_request_goes_its_way(gate, echo):
    said = gate.ask(
        b"GET / " + LAW + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
    )
    assert said.status == 200
    assert not {"upgrade", "connection", "http2-settings"} & set(echo.seen[0]["headers"])


def test_a_side_call_is_answered_by_its_room_without_leaving(gate, echo):
    said = gate.ask(b"GET /ping " + LAW + b"Authorization: Bearer " + gate.PLACEHOLDER.encode() + b"\r\n\r\n")
    assert (said.status, said.body) == (200, b'{"ok":true}')
    assert echo.seen == []


def test_a_side_call_that_needs_no_credential_loses_it(gate, echo):
    gate.ask(b"GET /telemetry " + LAW + b"Authorization: Bearer " + gate.PLACEHOLDER.encode() + b"\r\n\r\n")
    assert "authorization" not in echo.seen[0]["headers"]


def test_an_upgrade_with_a_body_is_malformed(gate, scripted):
    upgrade = (
        b"Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 30\r\n\r\nGET /x HTTP/1.1\r\nHost: raw.test"
    )
    assert gate.ask(b"GET /ws HTTP/1.1\r\nHost: raw.test\r\n" + upgrade, "raw.test").status == 400
    assert scripted.connections == 0
