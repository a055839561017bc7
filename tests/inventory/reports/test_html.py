"""The page, in a real Chromium: complete without a network, safe whatever a file is called, and usable."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from chromium import Browser, Tab, browser
from made import NOW, hostile, usual

from yett.inventory.outcome import Outcome
from yett.inventory.reports import Layout, render

LAYOUT = Layout(root=Path("/srv/shop"), now=NOW)
SHOWN = "[...document.querySelectorAll('tbody tr')].filter(row => row.offsetParent !== null).length"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def tab(chromium: Browser) -> Tab:
    chromium.problems.clear()
    return chromium.tab()


def shown(tab: Tab, folder: Path, outcome: Outcome, layout: Layout = LAYOUT) -> str:
    page = folder / "report.html"
    page.write_text(render(outcome, "html", layout), "utf-8")
    tab.open(page.as_uri())
    return tab.text()


def test_page_asks_for_nothing_from_outside() -> None:
    page = render(usual(), "html", LAYOUT)
    assert "default-src 'none'" in page
    assert not re.search(r"""\b(?:src|href|srcset|action)\s*=|url\(|@import|\son\w+\s*=|unsafe-""", page)
    assert "http://" not in page
    assert "https://" not in page


@pytest.mark.browser
def test_page_says_what_was_found(tab: Tab, chromium: Browser, tmp_path: Path) -> None:
    text = shown(tab, tmp_path, usual(), replace(LAYOUT, remarks=("ended on 2020-01-01",)))
    for told in ("6 credentials, 2 critical", "deploy@db.example.test", "git 4f2a9c0de1", "3 years", "Only in history"):
        assert told in text
    for told in ("unaudited Stripe secret key", "permission denied", "ended on 2020-01-01"):
        assert told in text
    assert tab.evaluate("document.querySelectorAll('svg rect').length") == 6
    assert chromium.problems == []


@pytest.mark.browser
def test_table_is_filtered_by_word_and_severity(tab: Tab, chromium: Browser, tmp_path: Path) -> None:
    shown(tab, tmp_path, usual())
    assert tab.evaluate(SHOWN) == 6
    tab.type("input[type=search]", "stripe .ENV")
    assert tab.evaluate(SHOWN) == 1
    tab.click("input[value=critical]")
    assert tab.evaluate(SHOWN) == 0
    assert "0 of 6 shown" in tab.text()
    assert chromium.problems == []


@pytest.mark.browser
@pytest.mark.parametrize(
    "evil",
    [
        "<script>document.title='owned'</script>",
        "</script><script>document.title='owned'</script>",
        "</title></style><img src=x onerror=\"document.title='owned'\">",
        '" onmouseover="document.title=\'owned\'" x="',
        "'><svg onload=document.title='owned'>",
        "\u202egnp.exe\u200b\x00",
    ],
)
def test_nothing_that_an_agent_wrote_runs(tab: Tab, chromium: Browser, tmp_path: Path, evil: str) -> None:
    text = shown(tab, tmp_path, hostile(evil), replace(LAYOUT, remarks=(evil,)))
    assert tab.evaluate("document.title") == "Yett: credentials found"
    assert tab.evaluate("document.images.length + document.scripts.length + document.links.length") == 1
    assert "\u202e" not in text
    assert chromium.problems == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 1280])
def test_page_fits_a_phone_and_a_desk(tab: Tab, chromium: Browser, tmp_path: Path, width: int) -> None:
    tab.screen(width, 900)
    shown(tab, tmp_path, usual())
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.browser
def test_page_prints_whole(tab: Tab, chromium: Browser, tmp_path: Path) -> None:
    shown(tab, tmp_path, usual())
    tab.call("Emulation.setEmulatedMedia", media="print")
    assert tab.evaluate("getComputedStyle(document.querySelector('form.filter')).display") == "none"
    assert tab.evaluate(SHOWN) == 6
    assert tab.call("Page.printToPDF")["data"]


def test_nothing_found_has_no_table() -> None:
    page = render(Outcome((), files=2, seconds=1), "html", LAYOUT)
    assert "No credential was found in 2 files" in page
    assert "<table" not in page
