"""Laws 8 and 9 for the inventory: what may stay within reach is accepted by a person's key, and by nothing else."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from law_plane import ELSEWHERE, LawPlane

from yett.approvals.acts import ActKind
from yett.approvals.words import describe_act
from yett.daemon import watching as watching_room
from yett.daemon.runs import Run, end_run, open_run
from yett.daemon.verbs import PROGRESS, VERBS
from yett.daemon.watching import Watching
from yett.inventory import scan_workspace
from yett.inventory.baseline import Baseline
from yett.inventory.baseline.baseline import USUAL
from yett.inventory.kept.acceptances import day_of
from yett.model.errors import YettError
from yett.model.identity import Session

LETTERS = "BCDFGHJKMNPQRSTVWZbcdfghjkmnpqrstvwz0123456789"
"""In which no word stands that the detector takes for a placeholder's."""

SOON_S = 5.0


def token() -> str:
    """One whose form says what it is: critical."""
    return "sk_live_" + "".join(secrets.choice(LETTERS) for _ in range(32))


@pytest.fixture
def workspace(laws: LawPlane) -> Path:
    folder = laws.home / "workspace"
    (folder / "pay.txt").write_text(f"{token()}\n")
    return folder


def verb(laws: LawPlane, verb_: str, /, **words: object) -> dict[str, Any]:
    return laws.do(VERBS[verb_](laws.plane, words))  # type: ignore[arg-type]


def refresh(laws: LawPlane, workspace: Path) -> dict[str, Any]:
    async def last() -> dict[str, Any]:
        words = {"workspace": str(workspace), "environ": {"HOME": str(laws.home / "person")}}
        return [message async for message in PROGRESS["inventory.refresh"](laws.plane, words)][-1]

    return laws.do(last())


def opened(laws: LawPlane, workspace: Path, *, strict: bool = True) -> Run:
    async def say(line: str) -> None:
        pass

    environ = {"HOME": str(laws.home / "person"), "PATH": "/usr/bin:/bin"}
    request = {"workspace": str(workspace), "argv": ["true"], "environ": environ, "strict": strict}
    return laws.do(open_run(laws.plane, request, say), 60)


def starts(laws: LawPlane, workspace: Path) -> bool:
    """Whether a strict run is let in; a refusal leaves nothing of the session."""
    try:
        run = opened(laws, workspace)
    except YettError as error:
        refused = error
    else:
        laws.do(end_run(run, "the test is over"))
        return True
    assert "nobody has accepted" in refused.what, refused.what
    assert "yett inventory accept" in refused.remedy
    assert not laws.plane.runs
    return False


def credentials(laws: LawPlane, workspace: Path) -> list[dict[str, Any]]:
    rows = verb(laws, "inventory.list", workspace=str(workspace))["rows"]
    return [row for row in rows if row["finding"] == "credential"]


def accept(laws: LawPlane, workspace: Path, **words: object) -> str:
    (one,) = credentials(laws, workspace)
    said = {"fingerprint": one["fingerprint"], "reason": "a test account", **words}
    return str(verb(laws, "inventory.accept", **said)["act"])


# ---- a strict start


def test_a_strict_start_waits_for_a_signature_and_refuses_again_when_it_has_ended(
    laws: LawPlane, workspace: Path
) -> None:
    assert not starts(laws, workspace)
    act = accept(laws, workspace)
    assert not starts(laws, workspace), "proposed is not signed"
    laws.sign(act)
    assert starts(laws, workspace)
    laws.clock.advance(92 * 86_400)
    assert not starts(laws, workspace)
    assert credentials(laws, workspace)[0]["state"] == "accepted by nobody"


def test_a_start_that_is_not_strict_makes_the_inventory(laws: LawPlane, workspace: Path) -> None:
    assert credentials(laws, workspace) == []
    laws.do(end_run(opened(laws, workspace, strict=False), "the test is over"))
    (row,) = credentials(laws, workspace)
    assert (row["severity"], row["state"], row["owner"]) == ("critical", "new", "")


def test_an_acceptance_is_of_one_credential_in_one_workspace(laws: LawPlane, workspace: Path, tmp_path: Path) -> None:
    refresh(laws, workspace)
    laws.sign(accept(laws, workspace))
    other = tmp_path / "other"
    other.mkdir()
    (other / "pay.txt").write_bytes((workspace / "pay.txt").read_bytes())
    assert starts(laws, workspace)
    assert not starts(laws, other)
    (workspace / "more.txt").write_text(f"{token()}\n")
    assert not starts(laws, workspace)


def test_config_makes_every_run_strict(laws: LawPlane, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    monkeypatch.setattr(laws.plane, "settings", replace(laws.plane.settings, strict=True))
    with pytest.raises(YettError, match="nobody has accepted"):
        opened(laws, workspace, strict=False)


# ---- nothing but the key


def _write_what_silences(folder: Path) -> None:
    """Everything that a scanner was ever told to be silent by."""
    value = (folder / "pay.txt").read_text().strip()
    (folder / "pay.txt").write_text(f"{value}  # yett:allow gitleaks:allow pragma: allowlist secret nosec\n")
    found = scan_workspace(folder, environ={}, home=folder / "nobody", history=False)
    baseline = Baseline.load(folder / USUAL).add(found, "fine", by="Ada")
    baseline.write()
    assert all(finding.accepted for finding in baseline.apply(found).findings)
    for name in (".gitleaksignore", ".trufflehogignore", ".yettignore", ".yett/allow"):
        (folder / name).write_text("*\n**\npay.txt\n")
    (folder / "config.toml").write_text("strict = false\n")
    (folder / ".yett/config.toml").write_text("strict = false\n")


def test_no_file_of_the_workspace_accepts_anything(laws: LawPlane, workspace: Path) -> None:
    _write_what_silences(workspace)
    assert not starts(laws, workspace)
    assert [row["state"] for row in credentials(laws, workspace)] == ["new"]


def test_a_signature_for_other_words_accepts_nothing(laws: LawPlane, workspace: Path) -> None:
    """A body that did not come through the verb is checked where it takes effect."""
    refresh(laws, workspace)
    (one,) = credentials(laws, workspace)
    good = {"workspace": str(workspace), "fingerprint": one["fingerprint"], "severity": "critical", "reason": "x"}
    today = day_of(laws.clock())
    for bad in (
        {**good, "until": ""},
        {**good, "until": (today + timedelta(days=400)).isoformat()},
        {**good, "until": (today - timedelta(days=1)).isoformat()},
        {**good, "until": "2031-12-31", "reason": ""},
        {**good, "until": today.isoformat(), "fingerprint": "0" * 64},
        {**good, "until": today.isoformat(), "workspace": "*"},
    ):
        act = laws.do(laws.plane.desk.propose(ActKind.BASELINE, bad, "ada"))
        with pytest.raises(YettError):
            laws.sign(act.id)
        laws.do(laws.plane.desk.decline(act.id, "ada"))
    assert not starts(laws, workspace)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"reason": "  "}, "reason"),
        ({"reason": "x" * 301}, "characters"),
        ({"until": "2999-01-01"}, "within a year"),
        ({"until": "2001-01-01"}, "within a year"),
        ({"until": "soon"}, "not a day"),
        ({"fingerprint": "abc"}, "too short"),
        ({"fingerprint": "0" * 12}, "no credential"),
    ],
)
def test_what_is_proposed_has_a_reason_and_an_end(
    laws: LawPlane, workspace: Path, words: dict[str, str], why: str
) -> None:
    refresh(laws, workspace)
    with pytest.raises(YettError, match=why):
        accept(laws, workspace, **words)


def test_what_is_signed_shows_every_fact_and_obeys_no_hostile_name(laws: LawPlane, workspace: Path) -> None:
    (workspace / "pay.txt").rename(workspace / "a\x1b[2J\u202eb\n<script>.txt")
    refresh(laws, workspace)
    act = laws.plane.desk.act(accept(laws, workspace, until=(date.today() + timedelta(days=30)).isoformat()))
    assert {"credential", "fingerprint", "severity", "places", "owner", "first seen", "reason", "until"} <= set(
        act.body
    )
    said = describe_act(laws.plane.desk.site, act, laws.clock())
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "a test account" in said


def test_who_answers_for_it_needs_no_key_and_changes_nothing_else(laws: LawPlane, workspace: Path) -> None:
    refresh(laws, workspace)
    (one,) = credentials(laws, workspace)
    lacks = [row["finding"] for row in verb(laws, "inventory.list")["rows"] if row["finding"] != "credential"]
    assert lacks == ["no-owner", "no-review"]
    said = verb(laws, "inventory.owner", fingerprint=one["fingerprint"][:8], name="Ada")
    assert said["review"] == (day_of(laws.clock()) + timedelta(days=90)).isoformat()
    assert [row["finding"] for row in verb(laws, "inventory.list")["rows"]] == ["credential"]
    assert not starts(laws, workspace)
    laws.clock.advance(91 * 86_400)
    assert [row["finding"] for row in verb(laws, "inventory.list")["rows"]] == ["credential", "review-due"]


@pytest.mark.parametrize("name", ["", "Ada\u202e", "A\x1b[2J", "x" * 65])
def test_an_owner_is_a_persons_name(laws: LawPlane, workspace: Path, name: str) -> None:
    refresh(laws, workspace)
    with pytest.raises(YettError):
        verb(laws, "inventory.owner", fingerprint=credentials(laws, workspace)[0]["fingerprint"], name=name)


def test_a_purpose_waits_for_a_signature(laws: LawPlane, workspace: Path) -> None:
    refresh(laws, workspace)
    fingerprint = credentials(laws, workspace)[0]["fingerprint"]
    act = verb(laws, "inventory.purpose", fingerprint=fingerprint, purpose="refunds")["act"]
    assert credentials(laws, workspace)[0]["purpose"] == ""
    laws.sign(act)
    assert credentials(laws, workspace)[0]["purpose"] == "refunds"


# ---- what is written while a session runs


@pytest.fixture
def watched(laws: LawPlane) -> Iterator[tuple[Session, Watching]]:
    session = laws.session()
    watching = Watching(laws.plane, session.workspace, time.time_ns(), session.id, laws.plane.broker.is_placeholder)
    watching.start()
    yield session, watching
    watching.stop()


def soon(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + SOON_S
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def test_a_secret_that_is_written_during_a_session_is_refused_to_every_host(
    laws: LawPlane, watched: tuple[Session, Watching]
) -> None:
    session, watching = watched
    port, value = laws.proxy(session), token()
    assert laws.over(port, "GET", f"/{value}", host=ELSEWHERE).status == 200
    (laws.home / "workspace" / "new.env").write_text(f"PAY={value}\n")
    assert soon(lambda: laws.over(port, "GET", f"/{value}", host=ELSEWHERE).status == 403)
    assert soon(lambda: watching.found == 1)


def test_a_key_that_a_framework_makes_for_itself_is_listed_and_ends_no_session(
    laws: LawPlane, watched: tuple[Session, Watching]
) -> None:
    session, watching = watched
    port, value = laws.proxy(session), secrets.token_hex(25)
    folder = laws.home / "workspace"
    (folder / "settings.py").write_text(f"SECRET_KEY = 'django-insecure-{value}'\n")
    assert soon(lambda: watching.found == 1)
    assert laws.over(port, "GET", f"/django-insecure-{value}", host=ELSEWHERE).status == 200


def test_a_placeholder_that_the_agent_writes_down_stays_good(
    laws: LawPlane, watched: tuple[Session, Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of a minted JWT looks like any other."""
    session, watching = watched
    placeholder = laws.lease(session)
    monkeypatch.setattr(watching_room, "is_issued", lambda finding: True)
    (laws.home / "workspace" / ".env").write_text(f"RAILWAY_TOKEN={placeholder}\nAPI_KEY={secrets.token_hex(16)}\n")
    assert soon(lambda: watching.found == 1)
    assert laws.post(laws.proxy(session), "query { me { id } }", placeholder).status == 200


def test_an_agent_that_writes_keys_without_end_is_told_of_and_costs_a_bounded_search(
    laws: LawPlane, watched: tuple[Session, Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching_room, "MOST_LEARNT", 10)
    _, watching = watched
    (laws.home / "workspace" / "many").write_text("".join(f"{token()}\n" for _ in range(50)))
    assert soon(lambda: watching.found == 50)
    assert len(watching.learnt) == 10
    (laws.home / "workspace" / "more").write_text(f"{token()}\n")
    assert soon(lambda: watching.found == 51)
    assert [entry["body"]["event"] for entry in laws.entries("alarm")] == ["not-learnt"]


def test_a_file_that_breaks_a_parser_does_not_end_the_watch(
    laws: LawPlane, watched: tuple[Session, Watching], monkeypatch: pytest.MonkeyPatch
) -> None:
    from yett.inventory.look import Look

    real = Look.file

    def breaks(self: Look, path: str, *rest: Any, **named: Any) -> Any:
        if path.endswith("deep.json"):
            raise RecursionError
        return real(self, path, *rest, **named)

    monkeypatch.setattr(Look, "file", breaks)
    _, watching = watched
    (laws.home / "workspace" / "deep.json").write_text("[" * 10_000)
    (laws.home / "workspace" / "pay.txt").write_text(f"{token()}\n")
    assert soon(lambda: watching.found == 1)


def test_a_run_watches_from_the_moment_its_scan_began(laws: LawPlane, workspace: Path) -> None:
    run = opened(laws, workspace, strict=False)
    try:
        (workspace / "later.txt").write_text(f"{token()}\n")
        assert soon(lambda: len(credentials(laws, workspace)) == 2)
        assert soon(lambda: run.watching.found == 1)
    finally:
        said = laws.do(end_run(run, "the test is over"))
    assert any("came into reach" in line for line in said)
