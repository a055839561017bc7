"""Law 13. Text that an agent wrote is hostile wherever it is shown; secrets never rest in the clear."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import logging
import uuid
from dataclasses import replace

import pytest
from law_plane import ELSEWHERE, OWN_TOKEN, PORT, REAL_TOKEN, LawPlane
from law_world import PROD_VOLUME

from yett.approvals.hostile import visible
from yett.approvals.words import describe
from yett.console.app import make_app
from yett.console.plane import StorePlane
from yett.console.serve import listen, serving
from yett.daemon.inside import AgentDesk
from yett.daemon.verbs import VERBS

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'\x1b[31m\u202egpj.exe\u200b"
PASSWORD = "correct-horse-battery-staple-9931"


def everything_at_rest(laws: LawPlane) -> dict[str, bytes]:
    """Every file of the home, the store's write-ahead log included."""
    return {str(path): path.read_bytes() for path in laws.home.rglob("*") if path.is_file() and not path.is_socket()}


def forms(value: str) -> list[bytes]:
    raw = value.encode()
    return [raw, raw.upper(), base64.b64encode(raw)[:-4], raw.hex().encode()]


def test_no_secret_rests_in_store_ledger_or_log(laws: LawPlane, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    session = laws.session()
    port, token = laws.proxy(session), laws.lease(session)
    laws.post(port, "{ me { id } }", token)
    errors = [laws.post(port, "{ me { id } }", REAL_TOKEN).body, laws.over(port, "GET", f"/{REAL_TOKEN}").body]
    laws.upstream.answer = {"data": {"token": REAL_TOKEN}}
    errors.append(laws.post(port, "{ me { id } }", token).body)
    laws.refused(laws.delete(session))
    laws.entries()
    for secret in (REAL_TOKEN, OWN_TOKEN):
        for form in forms(secret):
            for path, content in everything_at_rest(laws).items():
                assert form not in content, path
            assert form.decode() not in caplog.text
            assert not any(form in error for error in errors)


def test_a_credential_that_nobody_knew_does_not_rest_either(laws: LawPlane) -> None:
    """It was refused at a governed host: the refusal must not keep it."""
    port, stray = laws.proxy(laws.session()), str(uuid.uuid4())
    assert laws.post(port, "{ me { id } }", stray).status == 403
    laws.entries()
    assert not [path for path, content in everything_at_rest(laws).items() if stray.encode() in content]


def test_literals_and_bodies_do_not_stand_in_the_ledger(laws: LawPlane) -> None:
    document = (
        'mutation { variableUpsert(input: { projectId: "p", environmentId: "env-stag", serviceId: "s",'
        f' name: "LOGIN", value: "{PASSWORD}" }}) }}'
    )
    session = laws.session()
    refused = laws.refused(laws.attempt(session, laws.request(document)))
    laws.entries()
    assert PASSWORD not in refused.reason + refused.ask
    assert not [path for path, content in everything_at_rest(laws).items() if PASSWORD.encode() in content]


def test_what_a_hold_is_about_lies_sealed_beside_the_ledger(laws: LawPlane) -> None:
    """A person who looks at the hold reads the literal; whoever copies the store does not."""
    session = laws.session("production", production=True)
    hold = laws.refused(laws.rename(session, PROD_VOLUME, PASSWORD)).hold
    laws.entries()
    assert PASSWORD in json.dumps(laws.hold(hold).document, default=dict)
    assert not [path for path, content in everything_at_rest(laws).items() if PASSWORD.encode() in content]


def test_no_verb_of_the_owner_gives_a_secret_out(laws: LawPlane) -> None:
    laws.lease(laws.session())
    for name in ("secret.list", "lease.list", "status", "report", "why", "holds.list", "environments.list"):
        said = json.dumps(laws.do(VERBS[name](laws.plane, {})))
        assert REAL_TOKEN not in said
        assert OWN_TOKEN not in said


def test_the_parts_that_hold_secrets_do_not_show_them(laws: LawPlane) -> None:
    laws.lease(laws.session())
    vault = laws.plane.vault
    shown = f"{vault.list()!r} {vault.secret('platform')!r} {vault.secret('platform')} {laws.plane.broker!r}"
    assert REAL_TOKEN not in shown


def test_only_machine_tokens_show_their_last_four(laws: LawPlane) -> None:
    vault = laws.plane.vault
    assert vault.put("token", "railway", "account", REAL_TOKEN, "x", "ada").last_four == REAL_TOKEN[-4:]
    assert vault.put("short", "railway", "account", "tiny-secret", "x", "ada").last_four == ""
    assert vault.put("typed", "railway", "password", PASSWORD, "x", "ada").last_four == ""


# ---- text


def evil_hold(laws: LawPlane) -> str:
    """A hold in which everything that an agent can write is evil."""
    session = laws.session("production", production=True)
    attempt = laws.rename(session, PROD_VOLUME, "x")
    hold = laws.refused(replace(attempt, summary=EVIL)).hold
    state = laws.checkpoint.state(session.id)
    assert state is not None
    desk = AgentDesk(laws.plane, session, state)
    laws.do(desk._ask(hold, EVIL))
    return hold


def page(laws: LawPlane, path: str) -> str:
    """The real page, as a browser gets it."""
    pages = make_app(StorePlane(laws.plane.desk, laws.plane.journal, laws.plane.lockdown.lock))
    sockets = listen(0)
    port = sockets[0].getsockname()[1]

    async def shown() -> str:
        async with serving(pages, sockets):
            return await asyncio.to_thread(_get, port, path)

    return laws.do(shown())


def _get(port: int, path: str) -> str:
    connection = http.client.HTTPConnection("localhost", port, timeout=5)
    connection.request("GET", path, headers={"host": f"localhost:{PORT}"})
    answer = connection.getresponse()
    assert answer.status == 200, answer.read()
    return answer.read().decode()


def assert_harmless(text: str) -> None:
    for dangerous in ("<script>alert", "<img src=x", "\x1b", "\u202e", "\u200b"):
        assert dangerous not in text


def test_the_page_shows_hostile_text_as_text(laws: LawPlane) -> None:
    hold = evil_hold(laws)
    for path in ("/", f"/holds/{hold}", "/ledger"):
        shown = page(laws, path)
        assert_harmless(shown)
    assert "&lt;script&gt;" in page(laws, f"/holds/{hold}")


def test_the_terminal_shows_hostile_text_as_text(laws: LawPlane) -> None:
    hold = laws.hold(evil_hold(laws))
    words = describe(laws.plane.desk.site, hold, laws.clock())
    assert "\x1b" not in words
    assert "\u202e" not in words
    assert "\u200b" not in words


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\u202e", "\u2066", "\u200b", "\u3164", "\U000e0041", "\u00ad"])
def test_what_cannot_be_seen_is_named(letter: str) -> None:
    shown = visible(f"a{letter}b").plain()
    assert letter not in shown
    assert "<" in shown


def test_a_hostile_host_name_never_reaches_the_log_raw(laws: LawPlane, caplog: pytest.LogCaptureFixture) -> None:
    port = laws.proxy(laws.session())
    with laws.tunnel(port, ELSEWHERE) as tunnel:
        tunnel.sendall(b"GET / HTTP/1.1\r\nHost: a\x1b[31mb\r\n\r\n")
        assert tunnel.recv(64).split()[1] in (b"400", b"403")
    assert "\x1b" not in caplog.text


def test_the_agents_words_are_bounded(laws: LawPlane) -> None:
    session = laws.session("production", production=True)
    hold = laws.refused(laws.rename(session, PROD_VOLUME)).hold
    state = laws.checkpoint.state(session.id)
    assert state is not None
    desk = AgentDesk(laws.plane, session, state)
    laws.do(desk._answer({"verb": "ask", "hold": hold, "reason": "x" * 10_000_000}))
    assert len(laws.hold(hold).reason) <= 600
