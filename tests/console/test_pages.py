"""What the pages show, and that nothing an agent wrote is anything but text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from page import Page
from scene import on_resource, situated, volume_delete
from sqlalchemy import update

from yett.approvals.pulse import pulse
from yett.approvals.words import words_of
from yett.ledger.journal import Entry
from yett.model.undo import UndoPlan
from yett.store.tables import holds

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</title></head><body onload=alert(1)>",
    "{{7*7}}{% import os %}",
    "javascript:alert(1)",
    "' onmouseover='alert(1)",
    "\x1b[31mred\x1b[0m \u202egnp.exe a\u200bb \u2066x",
    "</pre></bdi></article><h1>Approved</h1>",
)

TAGS = {
    "html", "head", "meta", "title", "link", "script", "body", "header", "a", "img", "span", "nav", "main", "article",
    "section", "h1", "h2", "p", "strong", "b", "dl", "div", "dt", "dd", "aside", "blockquote", "ol", "ul", "li", "code",
    "details", "summary", "pre", "button", "time", "bdi", "wbr", "table", "thead", "tbody", "tr", "th", "td", "form",
    "label", "input",
}  # fmt: skip


class Elements(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def read(live: Page, path: str) -> str:
    return live.request("GET", quote(path, safe="/?=")).body.decode()


def assert_inert(page: str) -> None:
    """Only our own elements, no inline script or style, no other place that runs or loads anything."""
    for tag, attributes in Elements(page).found:
        assert tag in TAGS
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        if tag == "script":
            assert str(attributes["src"]).startswith("/static/")
        for name in ("src", "href"):
            assert str(attributes.get(name) or "/").startswith("/"), (tag, attributes)
    assert not re.search("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]", page)


@pytest.mark.parametrize("evil", EVIL)
def test_agents_strings_are_text_on_every_page(live: Page, evil: str) -> None:
    live.scene.enrol_first()
    facts = on_resource(volume_delete(reason=evil, owner=evil), name=evil, dependants=(evil,))
    facts = situated(facts, undo=UndoPlan(True, evil, (evil,)))
    operation = replace(facts.attempt.operations[0], action=evil, parameters={evil: [evil]})
    facts = replace(facts, attempt=replace(facts.attempt, operations=(operation,), summary=evil))
    hold = live.scene.open(facts)
    other = live.scene.open(replace(facts, digest="other"))
    live.scene.do(live.scene.desk.deny(other.id, evil, evil))
    for path in ("/", f"/holds/{hold.id}", f"/holds/{other.id}", "/ledger", f"/holds/{evil}", f"/acts/{evil}"):
        page = read(live, path)
        assert_inert(page)
        assert "alert(1)</script>" not in page


DECIDES = (
    "Irreversible delete",
    "pocketos-postgres",
    "production",
    "1,204,311 rows",
    "2.3 GB",
    "both die with it",
    "a logical dump",
    "not covered: bytes outside the database",
    "cursor/7f3a",
    "untrusted",
    "The staging volume is corrupted",
    "Ada may sign",
    "Approve with key",
    "Deny",
)


def test_hold_shows_all_that_decides(live: Page) -> None:
    live.scene.enrol_first()
    hold = live.scene.open(volume_delete())
    text = re.sub(r"<[^>]+>", "", read(live, f"/holds/{hold.id}"))
    for part in DECIDES:
        assert part in text, part
    assert "".join(words_of(live.scene.site, hold)) in re.sub(r"\s", "", text)


def test_agents_reason_stands_apart_from_the_facts(live: Page) -> None:
    hold = live.scene.open(volume_delete(reason="REASON"))
    page = read(live, f"/holds/{hold.id}")
    facts, _, says = page.partition('<aside class="agent-says">')
    assert "REASON" not in facts
    assert "REASON" in says.partition("</aside>")[0]
    assert "untrusted" in says.partition("</aside>")[0]


def test_hold_that_nobody_may_approve_says_so(live: Page) -> None:
    live.scene.enrol_first("Ada")
    live.scene.enrol("Bo", "Ada")
    hold = live.scene.open(volume_delete(obligations=("sign:2",)))
    page = read(live, f"/holds/{hold.id}")
    assert "it cannot come to enough here" in page
    assert "owns the agent that asks" in page
    assert re.search(r'id="approve"[^>]*disabled', page)


def test_approved_hold_can_be_stopped_but_not_approved_again(live: Page) -> None:
    live.scene.enrol_first()
    hold = live.scene.open(volume_delete(obligations=("delay:60",)))
    live.scene.approve(hold.id, "Ada")
    page = read(live, f"/holds/{hold.id}")
    assert "it counts in" in page
    assert "Stop it" in page
    assert 'id="approve"' not in page


def test_ended_hold_offers_nothing(live: Page) -> None:
    live.scene.enrol_first()
    hold = live.scene.open(volume_delete())
    live.scene.do(live.scene.desk.deny(hold.id, "Ada"))
    page = read(live, f"/holds/{hold.id}")
    assert "<button" not in page
    assert "denied by Ada" in page


def test_page_is_rendered_with_the_challenge_that_is_asked_for(live: Page) -> None:
    live.scene.enrol_first()
    hold = live.scene.open(volume_delete())
    page = read(live, f"/holds/{hold.id}")
    told = json.loads(read(live, f"/api/holds/{hold.id}"))
    assert f'data-challenge="{told["challenge"]}"' in page


def test_equal_requests_are_shown_as_one_group_worst_first(live: Page) -> None:
    for number in range(5):
        live.scene.open(volume_delete(session=f"s-{number}"))
    page = read(live, "/")
    assert "5 waiting for a person" in page
    assert "4 more like it" in page
    assert "approve-all" not in page


def test_lost_outcome_is_shown_to_people(live: Page) -> None:
    hold = live.scene.open(volume_delete())
    live.scene.write(update(holds).where(holds.c.id == hold.id).values(state="unknown"))
    assert "Nobody knows whether these took effect" in read(live, "/")


def test_enrolment_page_asks_for_the_code_once_only(live: Page) -> None:
    assert 'id="code"' in read(live, "/enrol")
    assert "No key is enrolled yet" in read(live, "/")
    live.scene.enrol_first()
    assert 'id="code"' not in read(live, "/enrol")


def test_act_page_shows_every_field_that_is_signed(live: Page) -> None:
    live.scene.enrol_first()
    live.scene.enrol("Bo")
    (act,) = live.scene.desk.waiting_acts()
    page = read(live, f"/acts/{act.id}")
    for name in act.body:
        assert f">{name}</bdi>" in page, name
    assert "a new person" in page
    assert_inert(page)


def test_ledger_pages_back(live: Page) -> None:
    for number in range(120):
        live.scene.journal.enqueue(Entry("read", {"summary": f"{EVIL[0]} {number}"}))
    live.enrolled()
    first = read(live, "/ledger")
    assert first.count('<td class="num">') == 100
    assert_inert(first)
    assert f'href="/ledger?before={live.scene.journal.size - 100}"' in first
    assert read(live, "/ledger?before=5").count('<td class="num">') == 5
    for nonsense in ("x", "-1", "9" * 30, "٣"):
        assert live.request("GET", f"/ledger?before={quote(nonsense)}").status == 200


def test_events_tell_of_a_change(live: Page) -> None:
    before = live.scene.desk.read(pulse)
    assert live.scene.desk.read(pulse) == before
    hold = live.scene.open(volume_delete())
    opened = live.scene.desk.read(pulse)
    live.scene.do(live.scene.desk.deny(hold.id, "x"))
    assert len({before, opened, live.scene.desk.read(pulse)}) == 3
