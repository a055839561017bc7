"""The terminal's table, JSON, and the comment on a pull request."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from made import NOW, finding, hostile, many, usual, values
from markdown_it import MarkdownIt

from yett.inventory.outcome import Outcome, Unread
from yett.inventory.reports import FORMATS, Layout, render
from yett.inventory.reports.layout import PIPE_WIDTH, terminal
from yett.inventory.reports.markdown import LONGEST
from yett.inventory.severity import Severity
from yett.model.credential import Location
from yett.model.errors import ConfigurationError

LAYOUT = Layout(root=Path("/srv/shop"), now=NOW)
EVIL = "\x1b]0;x\x07\u202e\u200b<img src=x onerror=alert(1)>`|\n| @ada #1 [a](https://evil.test) </details> **b** \\"


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_holds_a_value(name: str) -> None:
    outcome = usual()
    written = render(outcome, name, LAYOUT)
    assert not [value for value in values(outcome) if value in written]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("evil", [EVIL, "\udcff", "", "\x00"])
def test_no_format_obeys_what_an_agent_wrote(name: str, evil: str) -> None:
    written = render(hostile(evil), name, replace(LAYOUT, remarks=(evil,)))
    assert not set(written) & {"\x1b", "\x07", "\u202e", "\u200b", "\x00", "\udcff"}
    written.encode("utf-8")


def test_an_unknown_format_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no report format 'pdf'"):
        render(usual(), "pdf", LAYOUT)


def test_table_is_one_line_a_credential_where_there_is_room() -> None:
    lines = render(usual(), "table", LAYOUT).splitlines()
    assert lines[2].split() == [
        "HOW",
        "BAD",
        "CREDENTIAL",
        "WHERE",
        "ACCOUNT",
        "AGE",
        "OWNER",
        "ENVIRONMENT",
        "ENDS",
        "IN",
    ]
    assert re.match(r"critical  Stripe secret key +\.env:3 +- +3 years  ada +- +\w{4}$", lines[3])
    assert "git 4f2a9c0de1 (deploy/prod.tfvars:12)" in lines[4]
    assert "$GITHUB_TOKEN" in lines[5]
    assert "(agent's configuration)" in lines[6]
    assert "(transcript)" in lines[7]


@pytest.mark.parametrize("colour", [True, False])
@pytest.mark.parametrize("width", [60, 80, 100, 140, 200])
def test_table_keeps_to_the_terminals_width(width: int, colour: bool) -> None:
    written = render(usual(), "table", replace(LAYOUT, width=width, colour=colour))
    drawn = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in written.splitlines()]
    start = next(at for at, line in enumerate(drawn) if "Stripe" in line)
    if colour:
        assert max(len(line) for line in drawn[start : drawn.index("Could not be read:")]) <= width
    assert any("critical" in line for line in drawn)
    assert "where" in written.lower()


def test_table_has_colour_only_when_asked() -> None:
    assert "\x1b" not in render(usual(), "table", LAYOUT)
    assert "\x1b[1;31mcritical" in render(usual(), "table", replace(LAYOUT, width=200, colour=True))


def test_a_pipe_has_neither_width_nor_colour() -> None:
    assert terminal(StringIO()) == (PIPE_WIDTH, False)


def test_a_provider_is_named_where_the_title_does_not() -> None:
    assert "Access token (acme)" in render(Outcome((finding(title="Access token", provider="acme"),)), "table", LAYOUT)
    assert "(stripe)" not in render(Outcome((finding(),)), "table", LAYOUT)


def test_long_lists_are_grouped() -> None:
    written = render(many(500), "table", LAYOUT)
    assert "500 x Stripe secret key" in written
    assert "fixtures/0.env:1, fixtures/1.env:2, fixtures/10.env:11 and 497 more" in written
    assert len(written.splitlines()) < 12


def test_below_stands_what_was_not_read_and_what_nobody_audited() -> None:
    unread = tuple(Unread(f"/srv/{at}", "permission denied") for at in range(13))
    written = render(replace(usual(), unread=unread), "table", replace(LAYOUT, remarks=("ended on 2020-01-01",)))
    assert "  /srv/9: permission denied\n  and 3 more\n" in written
    assert "/srv/10:" not in written
    assert "Stripe secret key in old/keys.txt:8: taken over from gitleaks report" in written
    assert "  ended on 2020-01-01\n" in written
    assert "`yett run`" in written


def test_nothing_found_is_one_line() -> None:
    assert (
        render(Outcome((), files=3, seconds=1), "table", LAYOUT)
        == "No credential was found in 3 files in 1.0 seconds\n"
    )


def test_json_is_one_document() -> None:
    outcome = usual()
    document = json.loads(render(outcome, "json", LAYOUT))
    assert document["schema_version"] == 1
    assert document["targets"] == ["/srv/shop"]
    assert document["stats"]["open"] == 6
    assert document["stats"]["accepted"] == 2
    assert document["findings"][0] == outcome.open[0].as_record()
    assert len(document["findings"]) == 8
    assert document["unread"][1] == {"what": "/srv/shop/private", "why": "permission denied"}


def test_jsonl_is_one_finding_a_line() -> None:
    lines = [json.loads(line) for line in render(usual(), "jsonl", LAYOUT).splitlines()]
    assert [line["type"] for line in lines] == ["finding"] * 8 + ["unread"] * 2
    assert lines[0]["severity"] == Severity.CRITICAL.word
    assert render(Outcome(()), "jsonl", LAYOUT) == ""


def test_markdown_is_a_headline_and_a_table() -> None:
    written = render(usual(), "markdown", LAYOUT)
    assert written.startswith("**Yett:** 6 credentials, 2 critical")
    assert "| critical | `Stripe secret key` | `.env:3` | - | `3 years` | `" in written
    assert written.count("<details>") == written.count("</details>") == 2


def test_nothing_that_an_agent_wrote_is_markup_in_the_comment() -> None:
    page = MarkdownIt("gfm-like", {"linkify": False}).render(render(hostile(EVIL), "markdown", LAYOUT))
    text = re.sub(r"<code>.*?</code>", "", page, flags=re.DOTALL)
    assert "evil" not in text
    assert "@ada" not in text
    assert "<img" not in page
    assert "<a " not in page
    assert re.findall(r"<tr>", page) == ["<tr>"] * 2  # the head and one credential
    assert page.count("<td>") == 6


def test_a_comment_is_never_longer_than_a_code_host_takes() -> None:
    found = tuple(finding(Location("file", "/srv/" + "x" * 390 + str(at), 1), title=f"Key {at}") for at in range(400))
    written = render(Outcome(found), "markdown", LAYOUT)
    assert len(written) < LONGEST
    assert re.search(r"and \d+ more\n", written)
