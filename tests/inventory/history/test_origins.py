"""Who brought a credential into a repository, where to, and whether it was an agent."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from inventory.history.made import evolving, repacked, repository, run
from inventory.history.standin import StandIn, token
from yett.inventory.history import UNREACHABLE, attribute, leak_rates, made_by_agent, repositories, scan_history
from yett.inventory.history.agents import agents
from yett.inventory.history.commits import parsed


def test_the_oldest_commit_and_every_path(tmp_path: Path, engine: StandIn) -> None:
    secret = token(random.Random(1))
    text = f"first\nsecond {secret}\n".encode()
    versions = [{"x": b"0"}, {"x": b"0", "ä b": text}, {"x": b"1", "ä b": text}, {"x": text}, {"x": b"2"}]
    folder = repacked(repository(tmp_path / "r", versions, ["a", "b", "c", "d", "e"]))
    outcome = scan_history(folder, engine)
    commits = run(folder, "rev-list", "--reverse", "main").split()
    (origins,) = attribute(outcome.found, folder).values()
    assert [(each.commit, each.path) for each in origins] == [(commits[1], "ä b"), (commits[3], "x")]
    assert (origins[0].author, origins[0].address, origins[0].at) == ("Someone", "someone@example.com", 1_700_000_001)
    assert outcome.found[0].spots[0].line == 2


def test_what_no_ref_leads_to(tmp_path: Path, engine: StandIn) -> None:
    folder = repository(tmp_path / "r", [{"a": b"1"}])
    run(folder, "hash-object", "-w", "--stdin", feed=token(random.Random(1)).encode())
    (origins,) = attribute(scan_history(folder, engine).found, folder).values()
    assert [each.commit for each in origins] == [UNREACHABLE]


def test_a_message_and_a_tag(tmp_path: Path, engine: StandIn) -> None:
    dice = random.Random(2)
    folder = repository(tmp_path / "r", [{"a": b"1"}], [f"use {token(dice)}"])
    run(folder, "tag", "-a", "v1", "-m", token(dice))
    found = scan_history(folder, engine).found
    origins = attribute(found, folder)
    assert {each.kind: origins[each.oid][0].commit == each.oid for each in found} == {"commit": True, "tag": True}


def test_a_merge_that_adds_its_own(tmp_path: Path, engine: StandIn) -> None:
    folder = repository(tmp_path / "r", [{"a": b"1"}, {"a": b"2"}])
    run(folder, "reset", "-q", "--hard")
    run(folder, "checkout", "-qb", "side", "HEAD~1")
    (folder / "b").write_text("b")
    run(folder, "add", "b")
    run(folder, "commit", "-qm", "side")
    run(folder, "merge", "-q", "--no-commit", "main")
    (folder / "evil").write_text(token(random.Random(3)))
    run(folder, "add", "evil")
    run(folder, "commit", "-qm", "merged")
    (origins,) = attribute(scan_history(folder, engine).found, folder).values()
    assert [(each.commit, each.path) for each in origins] == [(run(folder, "rev-parse", "HEAD").strip(), "evil")]


def test_many_commits_are_compared_by_two_processes(
    tmp_path: Path, engine: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = repacked(repository(tmp_path / "r", evolving(random.Random(4), 50)))
    found = scan_history(folder, engine).found
    one = attribute(found, folder)
    monkeypatch.setattr("yett.inventory.history.origins._WORTH_TWO", 1)
    assert attribute(found, folder) == one
    assert all(each.commit != UNREACHABLE for origins in one.values() for each in origins)


_PERSON = "Jane Doe <jane@example.com> 1700000000 +0000"


def _commit(message: str = "change", author: str = _PERSON, committer: str = _PERSON) -> str:
    text = f"tree {'0' * 40}\nauthor {author}\ncommitter {committer}\n\n{message}\n"
    return made_by_agent(parsed("0" * 40, text.encode()))


@pytest.mark.parametrize(
    ("message", "agent"),
    [
        ("fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>", "claude-code"),
        ("fix\n\nCo-authored-by: Claude Opus 4 <noreply@anthropic.com>", "claude-code"),
        ("fix\n\n🤖 Generated with [Claude Code](https://claude.com/claude-code)", "claude-code"),
        ("fix\n\nClaude-Session: https://example.com/1", "claude-code"),
        ("fix\n\nCo-authored-by: Cursor <cursoragent@cursor.com>", "cursor"),
        ("fix\n\nCo-authored-by: Copilot <175728472+Copilot@users.noreply.github.com>", "copilot"),
        ("fix\n\nCo-authored-by: openhands <openhands@all-hands.dev>", "openhands"),
        ("fix\n\nCo-authored-by: aider (gpt-5) <aider@aider.chat>", "aider"),
        ("fix\n\nYett-Agent: my-agent", "my-agent"),
        ("fix\n\nCo-authored-by: John <john@example.com>", ""),
        ("claude generated with love\n\nSigned-off-by: Claude Monet <monet@example.com>", ""),
        ("", ""),
    ],
)
def test_agents_by_what_they_say(message: str, agent: str) -> None:
    assert _commit(message) == agent


@pytest.mark.parametrize(
    ("author", "agent"),
    [
        ("copilot-swe-agent[bot] <198982749+Copilot@users.noreply.github.com>", "copilot"),
        ("devin-ai-integration[bot] <158243242+devin-ai-integration[bot]@users.noreply.github.com>", "devin"),
        ("google-labs-jules[bot] <161369871+google-labs-jules[bot]@users.noreply.github.com>", "jules"),
        ("Paul (aider) <paul@example.com>", "aider"),
        ("Cursor Agent <cursoragent@cursor.com>", "cursor"),
        ("dependabot[bot] <49699333+dependabot[bot]@users.noreply.github.com>", ""),
        ("Codex Smith <smith@example.com>", ""),
    ],
)
def test_agents_by_who_they_are(author: str, agent: str) -> None:
    assert _commit(author=f"{author} 1700000000 +0000") == agent
    assert _commit(committer=f"{author} 1700000000 +0000") == agent


def test_every_row_of_the_table_can_match() -> None:
    assert len({each.id for each in agents()}) == len(agents())
    assert all(len(word) >= 4 and word == word.lower() for each in agents() for word in each.words)


def test_how_often_agents_leak(tmp_path: Path, engine: StandIn) -> None:
    dice = random.Random(5)
    signed = "fix\n\nCo-Authored-By: Claude <noreply@anthropic.com>"
    versions = [{"a": b"1"}, {"a": token(dice).encode()}, {"a": b"2"}, {"a": b"3"}]
    folder = repository(tmp_path / "r", versions, ["one", signed, signed, "four"])
    origins = attribute(scan_history(folder, engine).found, folder)
    leaking = [each.commit for rows in origins.values() for each in rows]
    rates = {rate.agent: (rate.commits, rate.leaking) for rate in leak_rates(repositories(folder)[0], leaking)}
    assert rates == {"": (2, 0), "claude-code": (2, 1)}
