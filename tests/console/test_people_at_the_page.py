"""Virtual people, who use nothing but the page's HTTP interface, on a real server."""

from __future__ import annotations

import pytest
from page import Page, page
from scene import VOLUME, volume_delete
from sqlalchemy import insert

from yett.approvals.hold import HoldState
from yett.drills.authenticator import VirtualKey
from yett.drills.person import PageRefused
from yett.store.tables import lockdown


def refused(status: int, code: str) -> pytest.RaisesExc[PageRefused]:
    return pytest.RaisesExc(PageRefused, check=lambda error: (error.status, error.code) == (status, code))


def test_person_enrols_and_approves(live: Page) -> None:
    ada = live.enrolled()
    facts = volume_delete()
    live.scene.open(facts)
    hold = ada.wait_for_hold("railway:volumeDelete")
    assert hold["headline"] == "Irreversible delete"
    assert ada.approve(str(hold["id"]))["state"] == "approved"
    live.scene.clock.now = live.scene.desk.clock()
    assert live.scene.consume(str(hold["id"]), facts).state is HoldState.CONSUMED
    with refused(409, "not-waiting"):
        ada.approve(str(hold["id"]))


@pytest.mark.parametrize("signed", [True, False])
def test_person_denies_with_a_key_or_without(live: Page, signed: bool) -> None:
    ada = live.enrolled()
    hold = live.scene.open(volume_delete())
    assert ada.deny(hold.id, signed=signed)["state"] == "denied"


def test_team_signs_together(live: Page) -> None:
    ada, bo, cy = live.enrolled("Ada"), live.person("Bo"), live.person("Cy")
    ada.sign(bo.ask_to_enrol())
    act = cy.ask_to_enrol()
    ada.sign(act)
    assert bo.sign(act)["state"] == "done"
    hold = live.scene.open(volume_delete(owner="Ada", asker="Ada", obligations=("sign:2",)))
    with refused(403, "assertion"):
        options = bo.post(f"/api/holds/{hold.id}/options", {"answer": "deny"})["options"]
        credential = bo.key.get(options, live.origin)  # type: ignore[arg-type]
        bo.post(f"/api/holds/{hold.id}/answer", {"answer": "approve", "credential": credential})
    with refused(403, "barred"):
        ada.approve(hold.id)
    assert bo.approve(hold.id)["state"] == "waiting"
    assert cy.approve(hold.id)["state"] == "approved"


def test_stranger_gets_nowhere(live: Page) -> None:
    live.enrolled()
    eve = live.person("Eve")
    hold = live.scene.open(volume_delete())
    with refused(403, "unknown-key"):
        eve.approve(hold.id)
    with refused(403, "enrolled"):
        eve.enrol_first("0" * 26)
    with refused(403, "unknown-key"):
        eve.sign(eve.ask_to_enrol())


def test_guessing_the_code_is_cut_short(live: Page) -> None:
    live.scene.do(live.scene.desk.first_code())
    eve = live.person("Eve")
    for guess in range(10):
        with refused(403, "code"):
            eve.enrol_first(f"{guess:026d}")
    with refused(429, "code-tries"):
        eve.enrol_first("0" * 26)


def test_drills_key_is_refused_by_a_real_store(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with page(tmp_path, realm="real") as real:
        code = real.scene.do(real.scene.desk.first_code())
        with refused(403, "drill-key"):
            real.person("Ada").enrol_first(str(code))


def test_unknown_things_are_not_found(live: Page) -> None:
    ada = live.enrolled()
    with refused(404, "unknown-hold"):
        ada.approve("h-none")
    with refused(404, "unknown-act"):
        ada.sign("s-none")
    with refused(404, "unknown-hold"):
        ada.get("/api/holds/%00")


def test_lockdown_closes_without_a_key_and_opens_with_one(live: Page) -> None:
    ada = live.enrolled()
    ada.post("/api/lockdown", {"scope": "agent:cursor/7f3a"})
    assert [locked.scope for locked in _locked(live)] == ["agent:cursor/7f3a"]
    act = str(ada.post("/api/lockdown/lift", {"scope": "agent:cursor/7f3a"})["act"])
    assert ada.sign(act)["state"] == "done"
    assert _locked(live) == []
    with refused(409, "not-locked"):
        ada.post("/api/lockdown/lift", {"scope": "*"})


def _locked(live: Page) -> list:  # type: ignore[type-arg]
    return list(live.scene.desk.read(lambda r: r.execute(lockdown.select()).all()))


def test_person_who_is_shown_one_thing_and_asked_for_another_does_not_sign(live: Page) -> None:
    ada = live.enrolled()
    mild = live.scene.open(volume_delete())
    grave = live.scene.open(volume_delete(session="s-2"))
    honest = ada.get

    def lying(path: str):  # type: ignore[no-untyped-def]
        told = dict(honest(path))
        if path.endswith(grave.id):
            told["document"] = mild.document
        return told

    ada.get = lying  # type: ignore[method-assign]
    with pytest.raises(Exception, match="something else than it shows"):
        ada.approve(grave.id)


def test_malformed_answers_are_refused_in_words(live: Page) -> None:
    ada = live.enrolled()
    hold = live.scene.open(volume_delete())
    for body in ({}, {"answer": "yes"}, {"answer": "approve"}, {"answer": "approve", "credential": "x"}, {"answer": 7}):
        with refused(400, "field"):
            ada.post(f"/api/holds/{hold.id}/answer", body)  # type: ignore[arg-type]
    with refused(403, "unknown-key"):
        ada.post(f"/api/holds/{hold.id}/answer", {"answer": "approve", "credential": {"id": "\u0000"}})
    with refused(400, "field"):
        ada.post("/api/keys/options", {"name": "\ud800"})


def test_second_enrolment_with_the_same_registration_is_refused(live: Page) -> None:
    ada = live.enrolled()
    told = ada.post("/api/keys/options", {"name": "Bo"})
    credential = VirtualKey().create(told["options"], live.origin)  # type: ignore[arg-type]
    ada.post("/api/keys", {"ticket": told["ticket"], "credential": credential})
    with refused(409, "ticket"):
        ada.post("/api/keys", {"ticket": told["ticket"], "credential": credential})


def test_store_that_fails_is_told_as_such(live: Page) -> None:
    ada = live.enrolled()
    hold = live.scene.open(volume_delete(volume=VOLUME))
    live.scene.journal.close()
    with refused(503, "unavailable"):
        ada.deny(hold.id)


def test_locked_scope_is_shown(live: Page) -> None:
    live.scene.write(insert(lockdown).values(scope="*", on=True, since=1, by="root"))
    assert b"Everything is refused" in live.request("GET", "/").body
    live.scene.write(insert(lockdown).values(scope='agent:"><script>x', on=True, since=1, by="'><script>y"))
    page = live.request("GET", "/").body
    assert b"agent:&#34;&gt;&lt;script&gt;x" in page
    assert page.count(b"<script") == 2
