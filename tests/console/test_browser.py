"""A real Chromium with the DevTools' authenticator: enrol, read, approve by clicking."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from chromium import Browser, Tab, browser
from page import Page
from scene import on_resource, volume_delete
from test_pages import EVIL

from yett.approvals.hold import HoldState
from yett.console.events import EVERY_S

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture
def tab(chromium: Browser) -> Iterator[Tab]:
    chromium.problems.clear()
    opened = chromium.tab()
    opened.screen(390, 844)
    yield opened
    opened.call("Page.close")


def enrol(live: Page, tab: Tab, name: str = "Ada") -> None:
    code = live.scene.do(live.scene.desk.first_code())
    tab.add_authenticator()
    tab.open(f"{live.origin}/enrol#code={code}")
    tab.wait_for("document.getElementById('code').value !== '' && location.hash === ''")
    tab.type("#name", name)
    tab.click("#make")
    tab.wait_for("!document.getElementById('done').hidden")


def test_person_enrols_and_approves_by_clicking(live: Page, tab: Tab, chromium: Browser) -> None:
    enrol(live, tab)
    facts = volume_delete()
    hold = live.scene.open(facts)
    tab.open(f"{live.origin}/")
    tab.wait_for("document.querySelector('a.card.grave')")
    tab.click("a.card.grave")
    tab.wait_for("document.getElementById('approve') && document.readyState === 'complete'")
    assert "IRREVERSIBLE DELETE" in tab.text()
    tab.click("#approve")
    tab.wait_for("document.querySelector('.state.good')")
    assert live.scene.desk.hold(hold.id).state is HoldState.APPROVED
    live.scene.clock.now = live.scene.desk.clock()
    assert live.scene.consume(hold.id, facts).state is HoldState.CONSUMED
    assert chromium.problems == []


def test_person_denies_by_clicking(live: Page, tab: Tab) -> None:
    hold = live.scene.open(volume_delete())
    tab.open(f"{live.origin}/holds/{hold.id}")
    tab.click("#deny")
    tab.wait_for("document.querySelector('.state.over')")
    assert live.scene.desk.hold(hold.id).state is HoldState.DENIED


def test_lockdown_takes_two_presses_and_a_key_to_lift(live: Page, tab: Tab) -> None:
    enrol(live, tab)
    tab.open(f"{live.origin}/")
    for _ in range(2):
        tab.click("#lock")
    tab.wait_for("document.querySelector('[data-lift]')")
    tab.click("[data-lift]")
    tab.wait_for("document.getElementById('sign')")
    tab.click("#sign")
    tab.wait_for("document.querySelector('.state.good')")
    tab.open(f"{live.origin}/")
    assert "Locked down" not in tab.text()


def test_news_does_not_call_off_where_the_page_is_going(live: Page, tab: Tab) -> None:
    enrol(live, tab)
    live.person("Bo").post("/api/lockdown", {"scope": "*"})
    tab.open(f"{live.origin}/")
    with tab.pausing("*/acts/*"):
        tab.click("[data-lift]")
        time.sleep(1.5 * EVERY_S)
    tab.wait_for("document.getElementById('sign')")


def test_second_person_is_vouched_for_by_clicking(live: Page, tab: Tab) -> None:
    enrol(live, tab)
    act = live.person("Bo").ask_to_enrol()
    tab.open(f"{live.origin}/acts/{act}")
    tab.click("#sign")
    tab.wait_for("document.querySelector('.state.good')")
    assert "done" in tab.text().lower()


def test_key_that_does_not_verify_its_user_approves_nothing(live: Page, tab: Tab) -> None:
    enrol(live, tab)
    hold = live.scene.open(volume_delete())
    tab.open(f"{live.origin}/holds/{hold.id}")
    tab.call("WebAuthn.disable")
    tab.add_authenticator(verified=False)
    tab.click("#approve")
    tab.wait_for("!document.getElementById('notice').hidden")
    assert "Nothing was sent" in tab.text()
    assert live.scene.desk.hold(hold.id).state is HoldState.WAITING


def test_hold_fits_one_phone_screen(live: Page, tab: Tab) -> None:
    live.enrolled()
    hold = live.scene.open(volume_delete())
    tab.open(f"{live.origin}/holds/{hold.id}")
    height, width = tab.evaluate("[document.documentElement.scrollHeight, document.documentElement.scrollWidth]")
    assert (height <= 844, width <= 390) == (True, True)
    bar = tab.evaluate("document.querySelector('.bar').getBoundingClientRect().top")
    last = tab.evaluate("document.querySelector('details.exact').getBoundingClientRect().bottom")
    assert last <= bar


def test_long_values_never_push_the_page_sideways(live: Page, tab: Tab) -> None:
    evil = "W" * 300
    hold = live.scene.open(on_resource(volume_delete(reason=evil, owner=evil), name=evil))
    for path in (f"/holds/{hold.id}", "/", "/ledger"):
        tab.open(live.origin + path)
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390, path


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_that_an_agent_wrote_runs(live: Page, tab: Tab, chromium: Browser, evil: str) -> None:
    hold = live.scene.open(on_resource(volume_delete(reason=evil), name=evil))
    tab.call("Page.addScriptToEvaluateOnNewDocument", source="window.alert = () => { window.hit = true; }")
    for path in (f"/holds/{hold.id}", "/"):
        tab.open(live.origin + path)
        assert tab.evaluate("window.hit === undefined")
    assert chromium.problems == []


def test_inline_script_would_not_run_even_if_it_got_in(live: Page, tab: Tab, chromium: Browser) -> None:
    tab.open(f"{live.origin}/enrol")
    for attempt in (
        "document.body.innerHTML = '<img src=x onerror=window.hit=1>'",
        "document.body.append(Object.assign(document.createElement('script'), {text: 'window.hit=1'}))",
        "eval('window.hit=1')",
    ):
        with pytest.raises(AssertionError):
            tab.evaluate(attempt)
    assert tab.evaluate("window.hit === undefined")


def test_open_page_follows_what_happens(live: Page, tab: Tab) -> None:
    live.enrolled()
    tab.open(f"{live.origin}/")
    assert "Nothing is waiting" in tab.text()
    hold = live.scene.open(volume_delete())
    tab.wait_for("document.querySelector('a.card.grave')")
    live.scene.do(live.scene.desk.deny(hold.id, "Ada"))
    tab.wait_for("!document.querySelector('a.card')")


def test_page_that_is_out_of_date_signs_nothing(live: Page, tab: Tab) -> None:
    """What was rendered is compared with what is to be signed, in the page itself."""
    enrol(live, tab)
    hold = live.scene.open(volume_delete())
    tab.open(f"{live.origin}/holds/{hold.id}")
    tab.evaluate("document.body.dataset.busy = 'yes'")  # keeps the live update from being quicker
    live.scene.do(live.scene.desk.start())
    tab.click("#approve")
    tab.wait_for("document.readyState === 'complete' && !document.body.dataset.busy")
    assert live.scene.desk.hold(hold.id).state is HoldState.WAITING


def test_screenshots_can_be_taken(live: Page, tab: Tab, tmp_path: Path) -> None:
    hold = live.scene.open(volume_delete())
    tab.open(f"{live.origin}/holds/{hold.id}")
    tab.screenshot(tmp_path / "hold.png")
    assert (tmp_path / "hold.png").read_bytes().startswith(b"\x89PNG")
