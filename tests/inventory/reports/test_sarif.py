"""SARIF as the standard has it, and as a code host needs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import official
import pytest
from made import NOW, finding, hostile, usual, values
from sarif_part import LOG

from yett.inventory.finding import Acceptance
from yett.inventory.outcome import Outcome
from yett.inventory.reports import Layout, render
from yett.model.credential import Location

ROOT = Path("/srv/shop")
LAYOUT = Layout(root=ROOT, now=NOW)


def run_of(outcome: Outcome, layout: Layout = LAYOUT) -> dict[str, Any]:
    document = json.loads(render(outcome, "sarif", layout))
    jsonschema.validate(document, LOG, format_checker=jsonschema.FormatChecker())
    jsonschema.validate(document, official.schema(), format_checker=jsonschema.FormatChecker())
    return dict(document["runs"][0])


def uri(result: dict[str, Any]) -> str:
    return str(result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"])


@pytest.mark.parametrize(
    "text", ["a.env", "\x1b[2J\u202e`|<b>@ada [x](y)\\", "b%20 c?#d:e", "\udcff\udc80", "/", "x" * 5000]
)
def test_every_outcome_is_valid_whatever_a_file_is_called(text: str) -> None:
    run_of(hostile(text), replace(LAYOUT, remarks=(text,), compared=True))


def test_nothing_found_is_valid_too() -> None:
    run = run_of(Outcome((), files=3))
    assert run["results"] == []
    assert run["tool"]["driver"]["rules"] == []


def test_no_value_is_in_it() -> None:
    outcome = usual()
    written = render(outcome, "sarif", LAYOUT)
    assert not [value for value in values(outcome) if value in written]


def test_paths_are_relative_to_the_root_and_percent_encoded() -> None:
    results = run_of(usual())["results"]
    uris = [uri(result) for result in results if "physicalLocation" in result["locations"][0]]
    assert "test/a%20b%25%C3%A9.txt" in uris
    assert "file:///home/ada/.claude/projects/shop/1.jsonl" in uris
    assert all(not uri.startswith("/") for uri in uris)


def test_a_name_that_is_no_text_comes_back_byte_by_byte() -> None:
    found = finding(Location("file", "/srv/shop/\udcff.env", 1))
    assert unquote(uri(run_of(Outcome((found,)))["results"][0]), errors="surrogateescape") == "\udcff.env"


def test_rules_carry_severity_tags_and_the_page_of_the_issuer() -> None:
    pages = {"stripe-secret-key": "https://docs.example.test/keys#a b"}
    rules = {rule["id"]: rule for rule in run_of(usual(), replace(LAYOUT, pages=pages))["tool"]["driver"]["rules"]}
    assert rules["stripe-secret-key"]["helpUri"] == "https://docs.example.test/keys#a%20b"
    assert rules["stripe-secret-key"]["properties"]["security-severity"] == "9.5"  # the worst of its findings
    assert "postgresql" in rules["postgresql-password"]["properties"]["tags"]
    assert "helpUri" not in rules["github-token"]


def test_a_page_is_found_by_the_kinds_own_id() -> None:
    layout = replace(LAYOUT, pages={"password": "https://docs.example.test/passwords"})
    rules = {rule["id"]: rule for rule in run_of(usual(), layout)["tool"]["driver"]["rules"]}
    assert rules["postgresql-password"]["helpUri"] == "https://docs.example.test/passwords"


def test_one_result_for_each_path() -> None:
    results = run_of(usual())["results"]
    paths = [uri(result) for result in results if result["ruleId"] == "postgresql-password"]
    assert paths == [".mcp.json", "docs/setup.md", "docs/old.md", "docs/older.md"]


def test_fingerprints_hold_when_lines_move_and_differ_by_path() -> None:
    before = finding(Location("file", "/srv/shop/a.env", 3))
    moved = replace(before, credential=replace(before.credential, locations=(Location("file", "/srv/shop/a.env", 90),)))
    renamed = replace(
        before, credential=replace(before.credential, locations=(Location("file", "/srv/shop/b.env", 3),))
    )
    past = replace(
        before, credential=replace(before.credential, locations=(Location("history", "a.env", 3, "c" * 40),))
    )
    prints = [
        run_of(Outcome((each,)))["results"][0]["partialFingerprints"]["yettCredential/v1"]
        for each in (before, moved, renamed, past)
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_history_carries_its_commit_and_a_variable_its_name() -> None:
    results = run_of(usual())["results"]
    past = next(result for result in results if result["ruleId"] == "aws-secret-access-key")
    assert past["properties"]["commit"] == "4f2a9c0de1" * 4
    assert past["locations"][0]["logicalLocations"][0]["kind"] == "commit"
    variable = next(result for result in results if result["ruleId"] == "github-token")
    assert variable["locations"] == [
        {
            "logicalLocations": [
                {"name": "GITHUB_TOKEN", "fullyQualifiedName": "variable:GITHUB_TOKEN", "kind": "variable"}
            ]
        }
    ]


def test_accepted_ones_are_suppressed_with_their_reason() -> None:
    results = run_of(usual(), replace(LAYOUT, compared=True))["results"]
    told = {
        (each["baselineState"], each["suppressions"][0]["status"], each["suppressions"][0]["justification"])
        for each in results
        if "suppressions" in each
    }
    assert told == {
        ("unchanged", "accepted", "example in the documentation"),
        ("unchanged", "underReview", "taken over from gitleaks report"),
    }
    assert {each["baselineState"] for each in results if "suppressions" not in each} == {"new"}


def test_without_a_baseline_nothing_is_called_new() -> None:
    assert not [each for each in run_of(usual())["results"] if "baselineState" in each]


def test_what_was_unread_is_a_notification() -> None:
    told = run_of(usual())["invocations"][0]["toolExecutionNotifications"]
    assert [note["message"]["text"] for note in told] == [
        "Could not be read: /srv/shop/data.db: larger than 64 MB",
        "Could not be read: /srv/shop/private: permission denied",
    ]


def test_a_title_makes_no_link() -> None:
    found = finding(title="[here](https://evil.test)", accepted=Acceptance("x"))
    assert run_of(Outcome((found,)))["results"][0]["message"]["text"].startswith("\\[here\\](https")
