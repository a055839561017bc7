"""A review says of each new credential what it can do, in every format; a scan in which nobody looked says nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from made import NOW, finding, value

from yett.inventory.finding import Acceptance, Finding
from yett.inventory.outcome import Outcome
from yett.inventory.reach.short import UNKNOWN
from yett.inventory.reports import FORMATS, Layout, render
from yett.model.credential import Authority, Permission
from yett.model.effects import Effect, Recovery

EVERYTHING = Permission("*", "account:", "ada", "*", Effect.ADMIN, Recovery.NONE, "me")
ASKED = Authority(True, "account token", "ada", True, (EVERYTHING,))
WORDS = {"account token of ada: everything in account ada": ASKED, "authority unknown": UNKNOWN}


def rendered(one: Finding, name: str, **more: object) -> str:
    return render(Outcome((one,)), name, Layout(Path("/srv/shop"), NOW, **more))  # type: ignore[arg-type]  # one dict


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("words", WORDS)
def test_every_format_says_what_a_credential_can_do(name: str, words: str) -> None:
    assert words in rendered(replace(finding(), authority=WORDS[words]), name)


@pytest.mark.parametrize("name", FORMATS)
def test_where_nobody_looked_nothing_is_said(name: str) -> None:
    report = rendered(finding(), name).lower()
    assert "authority" not in report.replace("default-src", "")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_narrow_terminal_says_it_too(width: int) -> None:
    one = replace(finding(owner="ada", environment="production", account="deploy"), authority=UNKNOWN)
    for colour in (False, True):
        assert "AUTHORITY" in rendered(one, "table", width=width, colour=colour).upper()


def test_programs_are_told_whether_the_issuer_was_asked() -> None:
    def record(authority: Authority) -> dict[str, object]:
        found = json.loads(rendered(replace(finding(), authority=authority), "json"))["findings"][0]["authority"]
        assert isinstance(found, dict)
        return found

    documented = replace(ASKED, permissions=(replace(EVERYTHING, proof="documentation"),))
    assert [record(each)["asked"] for each in (ASKED, documented, UNKNOWN)] == [True, False, False]
    assert [record(each)["known"] for each in (ASKED, documented, UNKNOWN)] == [True, True, False]


def test_many_of_a_kind_with_different_authority_are_not_called_one() -> None:
    found = [replace(finding(), authority=ASKED if number else UNKNOWN) for number in range(40)]
    assert "2 different" in render(Outcome(tuple(found)), "table", Layout(Path("/srv/shop"), NOW))


@pytest.mark.parametrize("name", FORMATS)
def test_what_an_issuer_or_a_baseline_says_may_be_a_value_too(name: str) -> None:
    hidden = "glp" + "at-" + value().decode()[:20]
    authority = Authority(True, hidden, hidden, False, (replace(EVERYTHING, resource_name=hidden),))
    open_, accepted = replace(finding(), authority=authority), Acceptance(f"see {hidden}", by=hidden, audited=False)
    outcome = Outcome((open_, replace(finding(), accepted=accepted)))
    report = render(outcome, name, Layout(Path("/srv/shop"), NOW, remarks=(f"stale: {hidden}.env",)))
    assert hidden not in report
