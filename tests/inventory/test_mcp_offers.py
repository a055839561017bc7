"""For every key in an MCP configuration: what replaces it, and nothing that Yett cannot do."""

from __future__ import annotations

import json
import os
import random
import string
import uuid
from pathlib import Path
from typing import Any

import pytest

from yett.inventory.mcp_offers import Offer, mcp_offers
from yett.inventory.scan import rooms, scan_workspace
from yett.inventory.survey import Wanted, survey

DRAW = random.Random(3)


def made() -> str:
    return "".join(DRAW.choices(string.ascii_letters + string.digits, k=32))


def written(path: Path, **servers: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"mcpServers": servers}, indent=1))
    return path


def offers(folder: Path) -> list[Offer]:
    return mcp_offers(survey(Wanted((folder,), history=False)).findings, rooms())


def railway() -> dict[str, Any]:
    return {"command": "x", "env": {"RAILWAY_API_TOKEN": str(uuid.UUID(int=DRAW.getrandbits(128), version=4))}}


def test_a_key_of_a_known_provider_is_lent_by_a_run_and_moved_by_a_command(tmp_path: Path) -> None:
    file = written(tmp_path / ".mcp.json", deploys=railway())
    [offer] = offers(tmp_path)
    assert (offer.server, offer.run, offer.move) == (
        "MCP server deploys", "yett run -- claude", f"yett protect {file}"
    )  # fmt: skip
    assert "backboard.railway.com" in offer.hosts
    first, second = offer.lines()
    assert "works at backboard.railway" in first
    assert "the header authorization" in first
    assert "the server stops working" in second


def test_of_any_other_provider_it_says_that_there_is_none(tmp_path: Path) -> None:
    written(tmp_path / ".cursor/mcp.json", tickets={"command": "x", "env": {"TICKETS_TOKEN": made()}})
    [offer] = offers(tmp_path)
    [line] = offer.lines()
    assert "no command of Yett replaces the key yet" in line
    assert offer.run == "yett run -- YOUR-AGENT"
    assert "yett protect" not in line
    assert offer.as_record()["move"] is None


@pytest.mark.parametrize(
    ("name", "run"),
    [(".claude.json", "claude"), (".gemini/settings.json", "gemini"), (".copilot/mcp-config.json", "copilot")],
)
def test_the_client_of_the_file_is_the_one_to_run(tmp_path: Path, name: str, run: str) -> None:
    written(tmp_path / name, deploys=railway())
    assert [offer.run for offer in offers(tmp_path)] == [f"yett run -- {run}"]


def test_every_key_of_every_server_and_file_has_an_offer_of_its_own(tmp_path: Path) -> None:
    shared = made()
    one = {"command": "x", "env": {"A_TOKEN": shared, "B_SECRET": made()}}
    two = {"url": "https://mcp.example.com/", "headers": {"Authorization": f"Bearer {made()}"}}
    written(tmp_path / "a/.mcp.json", one=one, two=two)
    written(tmp_path / "b/.mcp.json", three={"command": "x", "env": {"A_TOKEN": shared}})
    told = {(Path(offer.path).parent.name, offer.server.split()[-1]) for offer in offers(tmp_path)}
    assert (len(offers(tmp_path)), told) == (4, {("a", "one"), ("a", "two"), ("b", "three")})


def test_keys_elsewhere_have_none(tmp_path: Path) -> None:
    (tmp_path / "settings.txt").write_text(f"SERVICE_API_KEY={made()}\n")
    (tmp_path / ".claude.json").write_text(json.dumps({"apiKeyHelper": "x", "env": {"SERVICE_TOKEN": made()}}))
    assert offers(tmp_path) == []


def test_a_file_that_went_away_or_became_a_pipe_costs_its_offer_only(tmp_path: Path) -> None:
    file = written(tmp_path / ".mcp.json", deploys=railway())
    findings = survey(Wanted((tmp_path,), history=False)).findings
    file.unlink()
    assert mcp_offers(findings, rooms()) == []
    os.mkfifo(file)
    assert mcp_offers(findings, rooms()) == []


def test_neither_a_value_nor_a_raw_name_reaches_the_terminal(tmp_path: Path) -> None:
    server, named = railway(), made()
    value = server["env"]["RAILWAY_API_TOKEN"]
    servers = {f"x\x1b]0;{value}": server, "y": {"command": "x", "env": {"TICKETS_TOKEN": named}}}
    written(tmp_path / f"it's \x1b[31m {named}/.mcp.json", **servers)
    told = offers(tmp_path)
    said = "\n".join(line for offer in told for line in offer.lines())
    assert len(told) == 2
    assert "\x1b" not in said
    for text in (said, json.dumps([offer.as_record() for offer in told])):
        assert value not in text
        assert named not in text


def test_the_command_that_moves_it_looks_into_that_file(tmp_path: Path) -> None:
    """`yett protect` takes a file as well as a folder."""
    file = written(tmp_path / ".mcp.json", deploys=railway())
    found = scan_workspace(file, environ={}, home=tmp_path / "none", history=False)
    assert [each.credential.provider for each in found] == ["railway"]
