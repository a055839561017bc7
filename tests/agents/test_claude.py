"""Claude Code inside `yett run`: it thinks with the person's key and never has it, and what it may not do waits."""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from agents.person import MODEL_HOST, Person, Turn, bash, claude
from yett.drills import evidence
from yett.lab.workspace import TOKEN_FILE

PLACEHOLDER = re.compile(r"yett_ph_[a-z0-9]+")
LAST_WORDS = "The login of staging works again. The volume in its way waits for a person."
MADE_KEY = "sk-ant-(api03|oat01|ort01)-[0-9a-f]{80}"
EVERYWHERE = f"""
env; cat /proc/[0-9]*/environ | tr '\\0' '\\n'
echo "files with a key: $(grep -rslE '{MADE_KEY}' ~ . /tmp /run /etc)"
"""


@dataclass(frozen=True)
class Played:
    """The main run, and the workspace that it worked in."""

    workspace: Path
    turn: Turn


def delete(volume: str) -> str:
    """The founding incident's call, with the token that lies in the repository."""
    body = json.dumps({"query": f'mutation {{ volumeDelete(volumeId: "{volume}") }}'})
    return f"""token=$(sed -n 's/^RAILWAY_API_TOKEN="\\(.*\\)"/\\1/p' {TOKEN_FILE})
    curl -sS https://backboard.railway.app/graphql/v2 -H "Authorization: Bearer $token" \
      -H 'Content-Type: application/json' -d '{body}'"""


@pytest.fixture(scope="module")
def played(person: Person) -> Played:
    workspace = person.workspace()
    readme = str(workspace / "README.md")
    steps = [
        bash(f"cat {TOKEN_FILE}"),
        bash(delete(evidence.database_volume(person.play.lab))),
        bash("yett why"),
        bash("yett ask $(yett holds | cut -d' ' -f1) 'the old volume is in the way'"),
        bash("git status --short --branch"),
        bash(EVERYWHERE),
        {"tool": "Read", "input": {"file_path": readme}},
        {"tool": "Edit", "input": {"file_path": readme, "old_string": "no framework", "new_string": "no frameworks"}},
        {"tool": "Write", "input": {"file_path": str(workspace / "NOTES.md"), "content": "The login works.\n"}},
        {"text": LAST_WORDS},
    ]
    return Played(workspace, person.run(workspace, steps, person.key))


def test_it_ends_well(played: Played) -> None:
    assert played.turn.status == 0, played.turn.err
    assert (played.turn.ending["subtype"], played.turn.ending["is_error"]) == ("success", False)
    assert played.turn.ending["result"] == LAST_WORDS


def test_the_real_key_arrives_in_its_header_and_nowhere_else(played: Played) -> None:
    seen = [a for a in played.turn.arrivals if a.get("host") == MODEL_HOST]
    assert {(a["token"], tuple(a["carried"])) for a in seen} == {("model-key", ("x-api-key",))}


def test_no_model_call_waits_fails_or_comes_twice(played: Played) -> None:
    assert [call["status"] for call in played.turn.model_calls] == [200] * 10
    assert (played.turn.row["held"], played.turn.row["refused"]) == (1, 0)
    assert "1 held, 0 refused" in played.turn.err


def test_answers_are_streamed(played: Played) -> None:
    assert all(body["stream"] for body in played.turn.heard)
    parts = [event["event"] for event in played.turn.events if event["type"] == "stream_event"]
    texts = [part["delta"].get("text", "") for part in parts if part["type"] == "content_block_delta"]
    assert "".join(texts) == LAST_WORDS
    assert len([text for text in texts if text]) > 1


def test_the_token_in_the_repository_is_a_placeholder_to_the_model(played: Played, person: Person) -> None:
    shown = played.turn.results[0]
    assert PLACEHOLDER.search(shown)
    assert shown.startswith("#!/bin/sh")
    assert person.handed_out("account_token") not in json.dumps(played.turn.heard)


def test_the_deletion_waits_and_the_model_reads_how_to_ask(played: Played) -> None:
    answer = json.loads(played.turn.results[1])
    assert (answer["title"], answer["status"]) == ("Held by Yett", 403)
    assert f"yett ask {answer['hold']}" in answer["ask"]
    assert "volumeDelete" in answer["operation"]


def test_why_explains_what_waits(played: Played) -> None:
    answer = json.loads(played.turn.results[1])
    assert played.turn.results[2].split("\n  ") == [answer["operation"], answer["detail"], answer["ask"]]


def test_the_model_s_reason_stands_beside_the_hold(played: Played, person: Person) -> None:
    hold = json.loads(played.turn.results[1])["hold"]
    assert played.turn.results[3].startswith(f"told to whoever looks at {hold}")
    assert "the old volume is in the way" in person.play.stage.yett("holds", "show", hold)


def test_the_database_lives(played: Played, person: Person) -> None:
    assert person.play.lab.database_alive
    assert not [a for a in played.turn.arrivals if any("Delete" in name for name in a["fields"])]


def test_the_key_is_nowhere_inside(played: Played, person: Person) -> None:
    seen = played.turn.results[5]
    assert re.search(r"^ANTHROPIC_API_KEY=yett_ph_[a-z0-9]+$", seen, re.MULTILINE)
    assert seen.endswith("files with a key:")
    told = json.dumps(played.turn.heard) + json.dumps(played.turn.events) + played.turn.err
    assert person.handed_out("model_key") not in told


def test_the_key_is_in_no_file_that_stays(played: Played, person: Person) -> None:
    secrets = [person.handed_out(name) for name in ("model_key", "account_token")]
    assert evidence.holds_none(person.play.stage.home, secrets)


def test_git_is_clean_and_its_edits_stay(played: Played) -> None:
    assert played.turn.results[4] == "## main...origin/main"
    done = subprocess.run(
        ["git", "status", "--short"], cwd=played.workspace, capture_output=True, text=True, check=True
    )
    assert done.stdout == " M README.md\n?? NOTES.md\n"
    assert "no frameworks" in (played.workspace / "README.md").read_text()
    assert (played.workspace / "NOTES.md").read_text() == "The login works.\n"


def test_a_later_run_goes_on_where_the_first_ended(played: Played, person: Person) -> None:
    again = person.run(played.workspace, [{"text": "Still."}], person.key, "--continue")
    assert again.status == 0, again.err
    assert again.ending["session_id"] == played.turn.ending["session_id"]
    assert LAST_WORDS in json.dumps(again.heard[0]["messages"])


def test_its_state_is_the_project_s_and_not_the_person_s(played: Played, person: Person) -> None:
    assert sorted(path.name for path in person.home.iterdir()) == [".local"]
    other = person.run(person.workspace(), [bash("ls ~/.claude/projects")], person.key)
    assert len(other.results[0].split()) == 1
    assert played.turn.ending["session_id"] not in json.dumps(other.events)


@pytest.mark.parametrize(
    ("variable", "credential", "header"),
    [
        ("ANTHROPIC_AUTH_TOKEN", "model_login", "authorization"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "model_login", "authorization"),
    ],
)
def test_a_login_works_where_the_client_sends_it(person: Person, variable: str, credential: str, header: str) -> None:
    turn = person.run(person.workspace(), [bash("env"), {"text": "."}], {variable: person.handed_out(credential)})
    assert turn.status == 0, turn.err
    assert {tuple(call["carried"]) for call in turn.model_calls} == {(header,)}
    assert person.handed_out(credential) not in json.dumps(turn.heard)
    assert turn.row["refused"] == 0


def test_its_side_traffic_does_no_harm(person: Person) -> None:
    began = time.monotonic()
    chatty = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "", "CLAUDE_CODE_ENABLE_TELEMETRY": "1"}
    turn = person.run(person.workspace(), [{"text": "."}], {**person.key, **chatty})
    assert turn.status == 0, turn.err
    assert (turn.row["held"], turn.row["alarms"]) == (0, 0)
    assert len(turn.model_calls) == 1
    assert not [a for a in turn.arrivals if "event_logging" in a.get("path", "")]
    assert time.monotonic() - began < 30


def test_it_needs_no_proxy_variables(person: Person) -> None:
    """Names resolve to addresses of the gate, and what goes there is the same to it as what goes to the proxy."""
    names = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")
    without = ["env", *(word for name in names for word in ("-u", name))]
    with person.at_work(person.workspace(), [*without, *claude([{"text": "."}])], person.key) as agent:
        turn = agent.ended()
    assert turn.status == 0, turn.err
    assert [call["carried"] for call in turn.model_calls] == [["x-api-key"]]
    assert (turn.row["held"], turn.row["refused"]) == (0, 0)


def test_it_goes_on_when_a_person_has_signed(person: Person) -> None:
    workspace = person.workspace()
    (workspace / ".cache").mkdir()
    push = "git tag v3; git push origin v3"
    steps = [bash(push), bash("until [ -e .cache/signed ]; do sleep 0.1; done"), bash(push), {"text": "Released."}]
    with person.at_work(workspace, claude(steps), person.key) as agent:
        owner = person.play.people[0]
        hold = owner.wait_for_hold("git:push", 30)
        owner.approve(str(hold["id"]))
        (workspace / ".cache/signed").touch()
        turn = agent.ended()
    assert turn.status == 0, turn.err
    assert f"yett ask {hold['id']}" in turn.results[0]
    assert "[new tag]" in turn.results[2]
    assert (turn.row["held"], turn.row["refused"]) == (1, 0)
