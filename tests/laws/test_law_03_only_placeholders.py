"""Law 3. A known secret is refused wherever it sits; in a credential's place only the session's placeholder passes."""

from __future__ import annotations

import base64
import gzip
import json
import urllib.parse
import uuid

import pytest
from law_plane import ELSEWHERE, RAILWAY, REAL_TOKEN, LawPlane

from yett.checkpoint import quota
from yett.model.errors import YettError

ME = "{ me { id } }"


def encodings(value: str) -> dict[str, str]:
    """The same secret as agents have hidden it."""
    raw = value.encode()
    return {
        "plain": value,
        "upper case": value.upper(),
        "percent": "".join(f"%{byte:02x}" for byte in raw),
        "base64": base64.b64encode(raw).decode(),
        "base64 behind another byte": base64.b64encode(b"x" + raw).decode(),
        "hexadecimal": raw.hex(),
    }


@pytest.mark.parametrize("host", [RAILWAY, ELSEWHERE])
def test_a_known_secret_is_refused_to_every_host_wherever_it_sits(laws: LawPlane, host: str) -> None:
    session = laws.session()
    port = laws.proxy(session)
    laws.lease(session)
    for form, value in encodings(REAL_TOKEN).items():
        quoted = urllib.parse.quote(value, safe="%")
        body = json.dumps({"query": ME, "note": value}).encode()
        for place, reply in {
            "header": laws.over(port, "GET", "/", host=host, authorization=f"Bearer {value}"),
            "own header": laws.over(port, "GET", "/", host=host, x_note=f"see {value}"),
            "query": laws.over(port, "GET", f"/?q={quoted}", host=host),
            "path": laws.over(port, "GET", f"/a/{quoted}/b", host=host),
            "body": laws.over(port, "POST", "/graphql/v2", body, host),
        }.items():
            assert reply.problem["status"] == 403, (form, place)
            assert reply.problem["code"] == "credential", (form, place)
            assert REAL_TOKEN.encode() not in reply.body
    assert not laws.upstream.seen


def test_a_known_secret_on_its_way_out_is_an_alarm(laws: LawPlane) -> None:
    session = laws.session()
    port = laws.proxy(session)
    laws.lease(session)
    laws.post(port, ME, REAL_TOKEN)
    alarms = laws.entries("alarm")
    assert len(alarms) == 1
    assert alarms[0]["body"]["session"] == session.id
    assert REAL_TOKEN not in json.dumps(alarms)


def test_a_secret_that_an_inventory_found_is_known_though_the_vault_never_held_it(laws: LawPlane) -> None:
    port = laws.proxy(laws.session())
    found = str(uuid.uuid4())
    assert laws.over(port, "GET", f"/{found}", host=ELSEWHERE).status == 200
    laws.plane.broker.known({laws.plane.keys.fingerprint(found.encode()): found.encode()})
    assert laws.over(port, "GET", f"/{found}", host=ELSEWHERE).status == 403


@pytest.mark.parametrize("header", ["authorization", "cookie", "project-access-token", "x-api-key"])
def test_at_a_governed_host_a_credential_that_nobody_lent_is_refused(laws: LawPlane, header: str) -> None:
    port = laws.proxy(laws.session())
    value = str(uuid.uuid4())
    said = {"authorization": f"Bearer {value}", "cookie": f"session={value}"}.get(header, value)
    assert laws.over(port, "POST", "/graphql/v2", json.dumps({"query": ME}).encode(), **{header: said}).status == 403
    assert not laws.upstream.seen


def test_basic_and_userinfo_are_credential_places_too(laws: LawPlane) -> None:
    port = laws.proxy(laws.session())
    value = base64.b64encode(b"user:" + str(uuid.uuid4()).encode()).decode()
    assert laws.over(port, "POST", "/graphql/v2", b'{"query":"{me{id}}"}', authorization=f"Basic {value}").status == 403
    assert not laws.upstream.seen


def test_another_sessions_placeholder_is_refused(laws: LawPlane) -> None:
    mine, other = laws.session(), laws.session(agent="other.ada")
    token = laws.lease(mine)
    assert laws.post(laws.proxy(other), ME, token).problem["code"] == "credential"
    assert not laws.upstream.seen


def test_shape_alone_never_blocks(laws: LawPlane) -> None:
    """Ids and hashes look like tokens: a UUID in a path, a 64-digit hash in a query."""
    port = laws.proxy(laws.session())
    assert laws.over(port, "GET", f"/{uuid.uuid4()}?sha256={'a1' * 32}", host=ELSEWHERE).status == 200


def test_a_secret_that_is_compressed_is_found_in_what_leaves(laws: LawPlane) -> None:
    session = laws.session()
    port = laws.proxy(session)
    laws.lease(session)
    body = gzip.compress(json.dumps({"query": ME, "note": REAL_TOKEN}).encode())
    for host in (RAILWAY, ELSEWHERE):
        assert laws.over(port, "POST", "/graphql/v2", body, host, content_encoding="gzip").status in (400, 403)
    assert not laws.upstream.seen


def test_a_credentialed_body_that_cannot_be_read_is_refused(laws: LawPlane) -> None:
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    strange = laws.over(
        port, "POST", "/graphql/v2", b"????", authorization=f"Bearer {token}", content_encoding="x-secret"
    )
    assert strange.status in (400, 403)
    large = b'{"query":"' + b" " * (9 << 20) + b'"}'
    assert laws.over(port, "POST", "/graphql/v2", large, authorization=f"Bearer {token}").status == 403
    assert not laws.upstream.seen


def test_a_secret_that_was_removed_stays_refused(laws: LawPlane) -> None:
    """It may still be alive upstream."""
    session = laws.session()
    port = laws.proxy(session)
    laws.lease(session)
    laws.plane.broker.remove("platform")
    assert laws.over(port, "GET", f"/{REAL_TOKEN}", host=ELSEWHERE).status == 403


def test_a_flood_of_refusals_does_not_hide_an_alarm(laws: LawPlane, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger takes so many refusals of a session and counts the rest; alarms are apart."""
    session = laws.session()
    port = laws.proxy(session)
    laws.lease(session)
    monkeypatch.setattr(quota, "A_SECOND", 0.0)
    for _ in range(600):
        laws.call(lambda: laws.checkpoint.note_refusal(session, "noise", YettError("noise"), alarm=False))
    laws.post(port, ME, REAL_TOKEN)
    assert len(laws.entries("alarm")) == 1
    assert len(laws.entries("refusal")) < 600
