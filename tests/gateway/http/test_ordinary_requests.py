"""An agent's curl through the gate: the ordinary ways of a request."""

from __future__ import annotations

import json


def test_a_get_reaches_the_upstream_with_the_real_credential(gate, echo):
    done = gate.curl("-H", f"Authorization: Bearer {gate.PLACEHOLDER}", "https://api.test/v1/things?limit=2")
    assert done.returncode == 0, done.stderr
    assert echo.seen[0]["path"] == "/v1/things?limit=2"
    assert echo.seen[0]["headers"]["authorization"] == f"Bearer {gate.REAL}"


def test_an_echoed_credential_comes_back_as_the_placeholder(gate):
    done = gate.curl("-H", f"Authorization: Bearer {gate.PLACEHOLDER}", "https://api.test/echo")
    assert gate.REAL.encode() not in done.stdout
    assert json.loads(done.stdout)["headers"]["authorization"] == f"Bearer {gate.PLACEHOLDER}"


def test_a_post_passes_the_checkpoint_and_its_outcome_is_recorded(gate, echo):
    done = gate.curl("-d", '{"a":1}', "https://api.test/v1/things")
    assert done.returncode == 0, done.stderr
    assert echo.seen[0]["body"] == '{"a":1}'
    assert gate.settled() == [("POST api.test/v1/things", "done", 200)]


def test_a_held_request_is_told_what_to_ask(gate, echo):
    done = gate.curl("-i", "-X", "DELETE", "https://api.test/held")
    head, _, body = done.stdout.rpartition(b"\r\n\r\n")
    assert b"HTTP/1.1 403 " in head
    assert b"application/problem+json" in head
    said = json.loads(body)
    assert said["title"] == "Held by Yett"
    assert (said["verdict"], said["hold"], said["ask"]) == ("hold", "h-7", 'Run: yett ask h-7 "why"')
    assert echo.seen == []


def test_two_requests_share_the_upstream_connection(gate, echo):
    done = gate.curl("https://api.test/1", "https://api.test/2")
    assert done.returncode == 0, done.stderr
    assert [seen["path"] for seen in echo.seen] == ["/1", "/2"]
