"""An upstream that hangs up, answers rubbish or half: the ledger says `unknown`, and nothing is sent again."""

from __future__ import annotations

import http.client

import pytest
from law_plane import LawPlane
from law_world import STAGING_VOLUME

WRITE = f'mutation {{ volumeUpdate(volumeId: "{STAGING_VOLUME}", input: {{ name: "x" }}) {{ id }} }}'

BROKEN = {
    "hangs up": b"\0",
    "rubbish": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "half a head": b"HTTP/1.1 200 OK\r\ncontent-le",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_became_of_a_write_is_unknown_and_it_is_not_sent_again(laws: LawPlane, kind: str) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.upstream.hang_up_after(BROKEN[kind])
    assert laws.post(port, WRITE, token).problem["status"] == 502
    laws.do(laws.plane.gate.settled())
    assert [entry["body"]["outcome"] for entry in laws.entries("outcome")] == ["unknown"]
    assert len(laws.upstream.seen) == 1


def test_half_an_answer_is_cut_off_where_it_ended(laws: LawPlane) -> None:
    """Its status said that it was done; the agent cannot take the half for the whole."""
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.upstream.hang_up_after(
        b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"data":'
    )
    with pytest.raises(http.client.IncompleteRead):
        laws.post(port, WRITE, token)
    laws.do(laws.plane.gate.settled())
    assert [entry["body"]["outcome"] for entry in laws.entries("outcome")] == ["done"]


def test_an_upstream_that_is_not_there_was_told_nothing(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.upstream.close()
    assert laws.post(port, WRITE, token).status == 502
    laws.do(laws.plane.gate.settled())
    assert [entry["body"]["outcome"] for entry in laws.entries("outcome")] == ["refused"]


def test_an_approval_whose_call_ended_unknown_is_not_used_again(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    mint = 'mutation { apiTokenCreate(input: { name: "ci" }) }'
    hold = str(laws.post(port, mint, token).problem["hold"])
    laws.approve_and_wait(hold)
    laws.upstream.hang_up_after(b"\0")
    assert laws.post(port, mint, token).status == 502
    laws.do(laws.plane.gate.settled())
    assert laws.hold(hold).state.value == "unknown"
    again = laws.post(port, mint, token).problem
    assert again["hold"] != hold
    assert len(laws.upstream.seen) == 1
