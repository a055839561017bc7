"""Claude Code with the login of a subscription: the file inside holds placeholders, and a renewal reaches the person's.

A refresh token works once. If what a renewal inside brought did not come back to the person's own file, they would be
logged out of the client, and so would every later run.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from agents.person import MODEL_HOST, Person, bash

HOUR_MS = 3_600_000
LOOK = [bash("cat ~/.claude/.credentials.json"), {"text": "."}]


@pytest.fixture
def login(person: Person) -> Path:
    """The person's own login file, as the client wrote it; what works now stands in it."""
    path = person.home / ".claude/.credentials.json"
    path.parent.mkdir(mode=0o700, exist_ok=True)
    if not path.exists():
        write(path, person.handed_out("model_login"), person.handed_out("model_refresh"), HOUR_MS)
    return path


def write(path: Path, access: str, refresh: str, left_ms: int) -> None:
    held = {
        "accessToken": access,
        "refreshToken": refresh,
        "expiresAt": round(time.time() * 1000) + left_ms,
        "scopes": ["user:inference", "user:profile"],
        "subscriptionType": "max",
    }
    path.write_text(json.dumps({"claudeAiOauth": held, "mcpOAuth": {}}))
    path.chmod(0o600)


def read(path: Path) -> dict[str, Any]:
    held: dict[str, Any] = json.loads(path.read_text())["claudeAiOauth"]
    return held


def expire(path: Path) -> dict[str, Any]:
    held = read(path)
    write(path, held["accessToken"], held["refreshToken"], -HOUR_MS)
    return held


def test_a_login_in_its_file_works_and_its_tokens_stay_outside(person: Person, login: Path) -> None:
    before = login.read_text()
    turn = person.run(person.workspace(), LOOK, {})
    assert turn.status == 0, turn.err
    assert {(call["token"], tuple(call["carried"])) for call in turn.model_calls} == {
        ("model-login", ("authorization",))
    }
    inside = json.loads(turn.results[0])["claudeAiOauth"]
    assert inside["accessToken"].startswith("yett_ph_")
    assert inside["refreshToken"].startswith("yett_ph_")
    assert login.read_text() == before


def test_a_renewal_inside_works_and_reaches_the_persons_file(person: Person, login: Path) -> None:
    old = expire(login)
    turn = person.run(person.workspace(), LOOK, {})
    assert turn.status == 0, turn.err
    assert turn.row["refused"] == 0
    renewals = [a for a in turn.arrivals if a["path"] == "/v1/oauth/token"]
    assert [(a["token"], a["carried"]) for a in renewals] == [("model-login", ["body"])]
    assert [call["status"] for call in turn.model_calls] == [200, 200]
    inside = json.loads(turn.results[0])["claudeAiOauth"]
    assert inside["accessToken"].startswith("yett_ph_")
    new = read(login)
    assert new["accessToken"].startswith("sk-ant-oat01-")
    assert new["refreshToken"].startswith("sk-ant-ort01-")
    assert (new["accessToken"], new["refreshToken"]) != (old["accessToken"], old["refreshToken"])
    assert new["expiresAt"] > time.time() * 1000 + 7 * HOUR_MS
    assert new["accessToken"] not in json.dumps(turn.heard) + json.dumps(turn.events)
    assert login.stat().st_mode & 0o777 == 0o600


def test_the_next_run_renews_what_the_last_one_brought(person: Person, login: Path) -> None:
    expire(login)
    for _ in range(2):
        turn = person.run(person.workspace(), LOOK, {})
        assert turn.status == 0, turn.err
        assert {call["status"] for call in turn.model_calls} == {200}
        assert {a["token"] for a in turn.arrivals if a.get("host") == MODEL_HOST} <= {"model-login", "none"}


def test_nobody_inside_writes_the_persons_file(person: Person, login: Path) -> None:
    """What the agent puts into its copy stays there, and does not work there either."""
    before = login.read_text()
    swap = """python3 - <<'E'
import json, os
path = os.path.expanduser("~/.claude/.credentials.json")
held = json.load(open(path))
held["claudeAiOauth"] |= {"accessToken": "sk-ant-oat01-of-somebody-else", "subscriptionType": "none"}
held["apiKeyHelper"] = "a program"
json.dump(held, open(path, "w"))
E"""
    turn = person.run(person.workspace(), [bash(swap), {"text": "."}], {})
    assert login.read_text() == before
    assert turn.row["refused"] >= 1
    assert {call["token"] for call in turn.model_calls} == {"model-login"}
