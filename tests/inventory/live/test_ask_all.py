"""Issuers that answer over real TLS: who lives, who is dead, and what stays unknown."""

from __future__ import annotations

import contextlib
import json
import logging
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from inventory.live.made import FakeClock, finding, outcome, plan, value_of
from yett.inventory.finding import Finding
from yett.inventory.kinds import LiveCall
from yett.inventory.live import Limits, Network, Plan, ask_all
from yett.inventory.live.asking import Asking
from yett.inventory.live.client import Client
from yett.inventory.live.plan import planned
from yett.inventory.live.verdict import Verdict
from yett.inventory.outcome import Outcome, Unread
from yett.inventory.reports import Layout, render
from yett.inventory.survey import Step
from yett.lab.certificates import make_server_context
from yett.lab.issuers import ACCOUNT, BUSY, MOVED, UNKNOWN_TO_ITS_CERTIFICATE, Running

ANSWERS = {
    "digitalocean-token": "dead",
    "close-key": "dead",
    "mailgun-key": "unknown",
    "figma-token": "dead",
    "bugsnag-auth-token": "dead",
    "hunter-key": "dead",
    "telegram-bot-token": "dead",
    "slack-bot-token": "unknown",
    "linear-key": "unknown",
    "dropbox-token": "dead",
    "notion-token": "dead",
}
"""What each issuer's refusal proves."""
ECHO = "https://echo.rentals.example"
BEARER = LiveCall(f"{ECHO}/", "bearer", identity="account.email")


def told(found: Outcome, network: Network, **more: object) -> Outcome:
    return ask_all(found, lambda _: None, lambda _: True, network=network, clock=FakeClock(), **more)  # type: ignore[arg-type]  # one dict


def asked(call: LiveCall, network: Network, limits: Limits | None = None, value: str = "") -> tuple[Verdict, str]:
    """One question that no rule declares; the verdict, and why there is none."""
    limits = limits or Limits(within_s=5)
    asking = Asking(Client(network, limits), limits, FakeClock(), lambda: None)
    asking.run(plan((call, value or value_of("digitalocean-token"))))
    return asking.verdicts[0], asking.unanswered[0].why.partition(";")[0] if asking.unanswered else ""


@pytest.mark.parametrize("kind", ANSWERS)
def test_an_issuer_knows_its_own(kind: str, served: Running, network: Network) -> None:
    works, ended = value_of(kind), value_of(kind)
    served.issuers.living.add(works)
    answered = told(outcome(finding(kind, works), finding(kind, ended)), network)
    account = "" if kind == "mailgun-key" else ACCOUNT
    assert [(each.live, each.account) for each in answered.findings] == [("live", account), (ANSWERS[kind], "")]
    assert answered.unread == ()


def test_a_webhook_keeps_its_slash(served: Running, network: Network) -> None:
    works = value_of("discord-webhook").partition("webhooks/")[2]
    served.issuers.living.add(works)
    answered = told(outcome(finding("discord-webhook", works)), network)
    assert answered.findings[0].live == "live"


def test_a_value_in_the_body_arrives(served: Running, network: Network) -> None:
    works = value_of("digitalocean-token")
    served.issuers.living.add(works)
    call = LiveCall("https://bodies.example/whoami", "body", "POST", '{"key":"{value}"}', identity="name")
    assert asked(call, network, value=works) == (Verdict("live", ACCOUNT), "")
    assert asked(call, network) == (Verdict("dead"), "")


def test_an_account_that_is_known_already_stays(served: Running, network: Network) -> None:
    works = value_of("digitalocean-token")
    served.issuers.living.add(works)
    answered = told(outcome(finding("digitalocean-token", works, account="deploy")), network)
    assert answered.findings[0].account == "deploy"


def test_nothing_is_sent_without_consent(served: Running, network: Network) -> None:
    found = outcome(finding("digitalocean-token", value_of("digitalocean-token")))
    shown: list[Plan] = []

    def no(plan: Plan) -> bool:
        shown.append(plan)
        return False

    assert ask_all(found, lambda _: None, no, network=network) == found
    assert served.issuers.arrived == []
    assert [plan.words() for plan in shown] == ["1 credential would be shown to 1 issuer"]


def test_consent_is_asked_for_the_whole() -> None:
    kinds = ("digitalocean-token", "digitalocean-token", "notion-token")
    found = outcome(*[finding(kind, value_of(kind)) for kind in kinds])
    plan = planned(found, most=100)
    assert plan.words() == "3 credentials would be shown to 2 issuers"
    assert plan.issuers == {"api.digitalocean.com": 2, "api.notion.com": 1}


def test_what_has_no_issuer_is_neither_asked_nor_called_unknown(served: Running, network: Network) -> None:
    value = value_of("digitalocean-token")
    strange = finding("digitalocean-token", value, provider="github")
    login = replace(strange, credential=replace(strange.credential, provider="", kind="database-url"))

    def never(_: Plan) -> bool:
        raise AssertionError("asked for nothing")

    answered = ask_all(outcome(strange, login), lambda _: None, never, network=network)
    assert [each.live for each in answered.findings] == ["", ""]
    assert served.issuers.arrived == []


def test_what_its_place_gives_to_another_host_is_not_shown_to_the_issuer(served: Running, network: Network) -> None:
    value = value_of("github-token")
    answered = told(outcome(finding("github-token", value, account="me@git.corp.example")), network)
    why = "not asked: where they lie says that they are for another host"
    assert answered.unread == (Unread("1 credential", why),)
    assert answered.findings[0].live == ""


def test_one_scan_asks_so_many_times_and_says_what_it_left(served: Running, network: Network) -> None:
    found = outcome(*[finding("digitalocean-token", value_of("digitalocean-token")) for _ in range(5)])
    answered = told(found, network, limits=Limits(most=3))
    assert [each.live for each in answered.findings] == ["dead"] * 3 + [""] * 2
    assert answered.unread == (Unread("2 credentials", "not asked: one scan asks for 3 at most"),)
    assert len(served.issuers.arrived) == 3


def test_progress_ends_at_the_whole(network: Network) -> None:
    steps: list[Step] = []
    found = outcome(*[finding(kind, value_of(kind)) for kind in ("notion-token", "figma-token")])
    ask_all(found, steps.append, lambda _: True, network=network, clock=FakeClock())
    assert steps[-1] == Step("asking issuers", 2, 2)


def test_a_redirect_is_not_followed(served: Running, network: Network) -> None:
    value = value_of("digitalocean-token")
    served.issuers.living.add(value)
    call = LiveCall(f"https://{MOVED}/me", "bearer")
    judged, why = asked(call, network, value=value)
    assert (judged, why) == (Verdict("unknown"), "sends questions on to another place, which is not followed")
    assert [request.host for request in served.issuers.arrived] == [MOVED]


def test_a_busy_host_is_asked_again_once(served: Running, network: Network) -> None:
    value = value_of("digitalocean-token")
    served.issuers.living.add(value)
    call = LiveCall(f"https://{BUSY}/v2/account", "bearer", identity="account.email")
    served.issuers.busy_for = ["2"]
    assert asked(call, network, value=value)[0] == Verdict("live", ACCOUNT)
    served.issuers.busy_for = ["2", "2", "2"]
    assert asked(call, network, value=value) == (Verdict("unknown"), "was too busy to answer")
    assert len(served.issuers.arrived) == 4


def test_a_slow_answer_is_not_waited_for(network: Network) -> None:
    began = time.monotonic()
    call = replace(BEARER, url=f"{ECHO}/hang")
    assert asked(call, network, Limits(within_s=0.5)) == (Verdict("unknown"), "did not answer in time")
    call = replace(BEARER, url=f"{ECHO}/chunked?count=1000")  # a line each 20 ms: no single wait is long
    assert asked(call, network, Limits(within_s=0.5)) == (Verdict("unknown"), "did not answer in time")
    assert time.monotonic() - began < 10


def test_a_huge_answer_is_not_read(network: Network) -> None:
    call = replace(BEARER, url=f"{ECHO}/large?bytes=2000000000")
    assert asked(call, network) == (Verdict("unknown"), "")
    assert asked(replace(call, identity=""), network) == (Verdict("live"), "")


def test_where_the_status_says_all_nothing_else_is_waited_for(network: Network) -> None:
    call = replace(BEARER, url=f"{ECHO}/chunked?count=1000", identity="")
    assert asked(call, network) == (Verdict("live"), "")


@pytest.mark.parametrize("page", ["garbage", "reset"])
def test_garbage_is_no_answer(network: Network, page: str) -> None:
    said = asked(replace(BEARER, url=f"{ECHO}/{page}"), network)
    assert said == (Verdict("unknown"), "gave no answer that is HTTP")


@pytest.mark.parametrize("page", ["short", "gzip", "status/403", "status/500", "sse"])
def test_a_broken_answer_proves_nothing(network: Network, page: str) -> None:
    assert asked(replace(BEARER, url=f"{ECHO}/{page}"), network) == (Verdict("unknown"), "")


@pytest.mark.parametrize(
    "piece", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 65000, b"x: y\r\n"]
)
def test_an_endless_head_is_not_read(piece: bytes, tmp_path: Path) -> None:
    sent = 0
    context = make_server_context(("endless.example",), tmp_path / "ca.pem")

    def pour() -> None:
        nonlocal sent
        with contextlib.suppress(OSError), context.wrap_socket(listener.accept()[0], server_side=True) as wire:
            while True:
                sent += len(piece)
                wire.sendall(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=pour)
        thread.start()
        endless = Network(mapped={"endless.example": listener.getsockname()}, roots=tmp_path / "ca.pem")
        said = asked(LiveCall("https://endless.example/me", "bearer"), endless)
        thread.join(10)
    assert said == (Verdict("unknown"), "gave no answer that is HTTP")
    assert sent < 16 << 20  # what the kernel buffers, and no more


def test_a_wrong_certificate_gets_nothing(served: Running, network: Network) -> None:
    call = LiveCall(f"https://{UNKNOWN_TO_ITS_CERTIFICATE}/me", "bearer")
    judged, why = asked(call, network)
    assert judged == Verdict("unknown")
    assert why.startswith("its certificate is not valid")
    assert served.issuers.arrived == []


def test_a_name_that_leads_inside_gets_nothing(served: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolved(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    answered = told(outcome(finding("notion-token", value_of("notion-token"))), Network(roots=served.authority))
    assert answered.findings[0].live == "unknown"
    why = "leads to an address that is not public; 1 credential stays unknown"
    assert answered.unread == (Unread("api.notion.com", why),)


FORMATS = ("table", "json", "jsonl", "sarif", "html", "markdown")


def test_no_value_is_in_anything_that_is_said(
    served: Running,
    network: Network,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    caplog.set_level(logging.DEBUG)
    values = {kind: value_of(kind) for kind in ANSWERS}
    served.issuers.living.update(list(values.values())[::2])
    found = outcome(*[finding(kind, value) for kind, value in values.items()])
    answered = told(found, network)
    echoing = replace(BEARER, url=f"{ECHO}/", identity="headers.0.1")
    pages = ("", "garbage", "reset", "hang", "status/401", "short")
    calls = [
        replace(echoing, url=f"{ECHO}/{page}", auth=auth)
        for page in pages
        for auth in ("bearer", "query:key", "basic-user")
    ]
    calls += [
        replace(echoing, identity=f"headers.{at}.1", auth=auth)
        for at in range(9)
        for auth in ("bearer", "basic-user", "basic-password:api", "header:X-Key:Token")
    ]
    calls.append(replace(echoing, identity="target", auth="query:key"))
    asking = Asking(Client(network, Limits(within_s=1)), Limits(within_s=1), FakeClock(), lambda: None)
    every = plan(*[(call, value) for call in calls for value in list(values.values())[:2]])
    asking.run(every)
    said = [
        repr(answered),
        repr(every),
        repr(asking.verdicts),
        repr(asking.unanswered),
        caplog.text,
        *capfd.readouterr(),
    ]
    said += [render(answered, name, Layout(tmp_path)) for name in FORMATS]
    said += [json.dumps([each.as_record() for each in answered.findings])]
    for form in (form for question in every.questions for form in question.request.forms):
        assert not [text for text in said if form in text]
    for value in values.values():
        assert not [text for text in said if value in text]


def test_an_answer_is_part_of_the_record(served: Running, network: Network) -> None:
    value = value_of("figma-token")
    answered = told(outcome(finding("figma-token", value)), network)
    assert answered.findings[0].as_record()["live"] == "dead"
    assert isinstance(answered.findings[0], Finding)
