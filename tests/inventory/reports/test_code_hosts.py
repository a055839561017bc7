"""What the pipelines of code hosts obey: annotations of GitHub, code quality of GitLab."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from made import NOW, finding, many, usual

from yett.inventory.outcome import Outcome
from yett.inventory.reports import Layout, render
from yett.model.credential import Location

LAYOUT = Layout(root=Path("/srv/shop"), now=NOW)
LINE = re.compile(r"::(error|warning|notice)(?: [a-z]+=[^,:\r\n]*(?:,[a-z]+=[^,:\r\n]*)*)?::[^\r\n]*")


def in_file(path: str, line: int = 3) -> Outcome:
    return Outcome((finding(Location("file", path, line)),))


def test_each_finding_is_an_annotation_at_its_line() -> None:
    first = render(in_file("/srv/shop/src/a.env"), "github", LAYOUT).splitlines()[0]
    assert first.startswith("::error title=Yett%3A high,file=src/a.env,line=3::")


@pytest.mark.parametrize(
    "name", ["a,line=1::x\n::set-output name=a::b", "::stop-commands::x", "##[error]x", "a%0Ab", "a\r\n::error::b"]
)
def test_a_file_cannot_command_the_runner(name: str) -> None:
    written = render(in_file(f"/srv/shop/{name}"), "github", LAYOUT)
    lines = written.split("\n")[:-1]
    assert len(lines) == 2
    assert all(LINE.fullmatch(line) for line in lines)
    assert "##[" not in written


def test_the_last_line_is_the_headline_and_nothing_is_dropped_unsaid() -> None:
    lines = render(many(80), "github", LAYOUT).splitlines()
    assert "see the summary" in lines[-2]
    assert lines[-1].startswith("::notice title=Yett::80 credentials")


def test_an_accepted_finding_is_no_annotation() -> None:
    accepted = [each for each in usual().findings if each.accepted is not None]
    assert accepted
    assert len(render(Outcome(tuple(accepted)), "github", LAYOUT).splitlines()) == 1
    assert json.loads(render(Outcome(tuple(accepted)), "gitlab", LAYOUT)) == []


def test_gitlab_gets_what_its_code_quality_needs() -> None:
    (issue,) = json.loads(render(in_file("/srv/shop/src/a.env"), "gitlab", LAYOUT))
    assert issue["location"] == {"path": "src/a.env", "lines": {"begin": 3}}
    assert issue["severity"] == "critical"
    assert set(issue) == {"description", "check_name", "fingerprint", "severity", "location"}
    (moved,) = json.loads(render(in_file("/srv/shop/src/a.env", 9), "gitlab", LAYOUT))
    assert len(issue["fingerprint"]) == len(moved["fingerprint"]) == 64
