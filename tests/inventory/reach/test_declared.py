"""What a credential of a kind can do at most, as its room or its rule says; all else is unknown, never little."""

from __future__ import annotations

import random
import socket
from dataclasses import replace

import pytest

from yett.inventory.finding import Finding
from yett.inventory.formats import all_formats
from yett.inventory.kinds import Rule, load_rules
from yett.inventory.outcome import Outcome
from yett.inventory.reach.declared import Declared, with_authority
from yett.inventory.reach.short import UNKNOWN, authority_words, is_documented
from yett.inventory.severity import Severity
from yett.lab.samples import match_of
from yett.model.credential import Authority, Credential, Location, Permission
from yett.model.effects import Effect, Recovery
from yett.model.secret import Secret
from yett.providers.book import ProviderBook

CHANCE = random.Random(53)
BOOK = ProviderBook.load()
DECLARED = Declared(BOOK, load_rules(), all_formats())
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PLAIN = [rule for rule in load_rules() if BOOK.named(rule.provider) is None]


def finding(provider: str, kind: str, value: str = "x" * 30, **more: object) -> Finding:
    credential = Credential("f" * 64, provider, kind, (Location("file", "/srv/shop/.env", 3),))
    return Finding(credential, Secret(value.encode()), "a key", **more)  # type: ignore[arg-type]  # one dict


def said(one: Finding) -> str:
    return authority_words(DECLARED.of(one))


def of_rule(rule: Rule) -> str:
    return rule.id


@pytest.mark.parametrize("rule", [rule for rule in PLAIN if rule.broad], ids=of_rule)
def test_a_broad_rule_is_the_whole_owner(rule: Rule) -> None:
    found = DECLARED.of(finding(rule.provider, rule.id, severity=Severity.LOW))
    assert (found.known, found.blanket) == (True, True)
    assert authority_words(found) == "at most all that its owner can do"


def test_a_critical_rule_says_what_is_lost_wherever_it_stands() -> None:
    rule = next(rule for rule in PLAIN if rule.severity is Severity.CRITICAL and not rule.broad)
    for severity in Severity:
        words = said(finding(rule.provider, rule.id, severity=severity))
        assert words == "at most a whole account, production data or money"


@pytest.mark.parametrize("severity", Severity)
def test_of_everything_else_it_is_unknown_however_bad_or_harmless_it_looks(severity: Severity) -> None:
    """A finding is rated by its place too: what lies in a test or in production says nothing of what it can do."""
    others = [rule for rule in PLAIN if rule.severity < Severity.CRITICAL and not rule.broad]
    for rule in others:
        assert said(finding(rule.provider, rule.id, severity=severity)) == "authority unknown"
    assert said(finding("", "generic-secret", severity=severity)) == "authority unknown"


def test_a_format_of_a_critical_file_says_what_is_lost() -> None:
    form = next(form for form in all_formats() if form.severity is Severity.CRITICAL)
    assert said(finding("", form.id)) == "at most a whole account, production data or money"


@pytest.mark.parametrize("room", BOOK.rooms, ids=lambda room: room.name)
def test_every_kind_of_a_room_is_known(room: object) -> None:
    for kind in room.credentials:  # type: ignore[attr-defined]  # a room
        value = match_of(kind.value.pattern, CHANCE) if "\\S" not in kind.value.pattern else "x" * 40
        found = DECLARED.of(finding(room.name, kind.id, value))  # type: ignore[attr-defined]
        assert found.known
        assert is_documented(found)
        assert found.blanket or not kind.broad


def test_a_name_alone_makes_no_token_small() -> None:
    """RAILWAY_TOKEN is what a project's token is called, and anybody's account token can stand behind it."""
    value = match_of(UUID, CHANCE)
    assert said(finding("railway", "project", value)).startswith("at most all that its owner can do, for its form")
    assert DECLARED.of(finding("railway", "project", value)).blanket


def test_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("asked somebody")

    monkeypatch.setattr(socket.socket, "connect", never)
    monkeypatch.setattr(socket, "getaddrinfo", never)
    outcome = Outcome((finding("railway", "account"), finding("", "generic-secret")))
    told = [each.authority for each in with_authority(outcome, BOOK).findings]
    assert [each is not None and each.known for each in told] == [True, False]


def test_what_an_issuer_said_stays() -> None:
    asked = Authority(True, "project token", "shop", False)
    (one,) = with_authority(Outcome((replace(finding("railway", "project"), authority=asked),)), BOOK).findings
    assert one.authority == asked


def test_a_dead_credential_can_do_nothing_and_an_unanswered_one_stays_unknown() -> None:
    one = replace(finding("", "generic-secret"), authority=UNKNOWN)
    assert replace(one, live="dead").reach == "none any more: its issuer refuses it"
    assert replace(one, live="unknown").reach == "authority unknown"
    assert replace(one, live="live").reach == "authority unknown"
    assert replace(one, authority=None).reach == ""


def test_what_an_issuer_said_is_told_in_a_line() -> None:
    def permission(actions: str, resource: str, name: str, recovery: Recovery = Recovery.NONE) -> Permission:
        return Permission(actions, resource, name, "*", Effect.ADMIN, recovery, "me")

    account = permission("*", "account:1", "ada@shop.test")
    more = (permission("volumeDelete", "volume:1", "db"), permission("read", "x:1", "y", Recovery.AUTOMATIC))
    words = authority_words(Authority(True, "account token", "ada@shop.test", True, (account, *more)))
    assert (
        words
        == "account token of ada@shop.test: everything in account ada@shop.test, 2 further acts, 1 of them for good"
    )
    many = tuple(permission("*", f"project:{number}", f"p{number}") for number in range(5))
    assert authority_words(Authority(True, "token", "", True, many)) == (
        "token: everything in project p0, everything in project p1, everything in project p2, and in 2 more"
    )
    assert authority_words(Authority(True, "token", "", False)) == "token"
