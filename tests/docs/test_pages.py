"""The pages are true: generated parts are fresh, links lead somewhere, named files and commands exist."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
from tools.docs import commands, regenerated
from typer.testing import CliRunner

from yett.cli.app import app
from yett.policy import check

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    page for pattern in ("*.md", "docs/**/*.md", "bench/**/*.md") for page in ROOT.glob(pattern) if page.is_file()
)
OWN = [page for page in PAGES if "bench" not in page.parts]

LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
QUOTED = re.compile(r"`([^`\n]+)`")
TREES = ("src/", "tests/", "docs/", "tools/", "bench/", "requirements/")
COMMAND = re.compile(r"\byett ([a-z]+(?:-[a-z]+)*)(?: ([a-z]+))?")
TARGET = re.compile(r"\bmake ([a-z]+)")
INSIDE = {"ask", "why", "holds", "status"}
"""The small program inside a sandbox has these verbs."""


@cache
def verbs() -> frozenset[str]:
    return frozenset(name for name, _ in commands())


def prose(page: Path) -> str:
    """A page without what it only quotes as output."""
    return re.sub(r"```(?:text|json)\n.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def named(page: Path) -> list[str]:
    """Commands of Yett in code spans and shell blocks of a page."""
    code = QUOTED.findall(prose(page)) + re.findall(r"```sh\n(.*?)```", prose(page), flags=re.DOTALL)
    return [" ".join(word for word in found if word) for text in code for found in COMMAND.findall(text)]


def short(page: Path) -> str:
    return str(page.relative_to(ROOT))


def test_generated_parts_of_the_readme_are_what_would_be_generated() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert regenerated(text) == text, "run: .venv/bin/python -m tools.docs"


@pytest.mark.parametrize("page", PAGES, ids=short)
def test_every_link_to_a_file_leads_to_one(page: Path) -> None:
    links = [inside or attribute for inside, attribute in LINK.findall(page.read_text(encoding="utf-8"))]
    gone = [link for link in links if not link.startswith(("http", "#")) and not _target(page, link).exists()]
    assert gone == []


@pytest.mark.parametrize("page", OWN, ids=short)
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    paths = [span for span in QUOTED.findall(prose(page)) if span.startswith(TREES) and " " not in span]
    assert [path for path in paths if not _there(path)] == []


@pytest.mark.parametrize("page", OWN, ids=short)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    groups = {verb.split()[1] for verb in verbs()}
    strange = []
    for command in named(page):
        verb, _, below = command.partition(" ")
        known = f"yett {command}" in verbs() or f"yett {verb}" in verbs() or verb in INSIDE
        if not known and not (verb in groups and not below):
            strange.append(command)
    assert strange == []


@pytest.mark.parametrize("page", OWN, ids=short)
def test_every_make_target_that_a_page_names_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert [
        target for span in QUOTED.findall(prose(page)) for target in TARGET.findall(span) if target not in targets
    ] == []


@pytest.mark.parametrize("command", sorted(verbs()))
def test_help_of_every_command_says_what_it_does_with_an_example(command: str) -> None:
    said = CliRunner().invoke(app, [*command.split()[1:], "--help"])
    assert said.exit_code == 0, said.output
    assert "Usage:" in said.output
    assert "Example: yett" in said.output


def test_example_of_the_policy_page_loads(tmp_path: Path) -> None:
    page = (ROOT / "docs/how-to-write-policy.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", page, flags=re.DOTALL)
    (tmp_path / "payments.yaml").write_text(example)
    assert list(check(tmp_path)) == []


def test_floors_in_the_pages_are_the_contract() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    floors = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    said = re.findall(
        r"cli > .*?(?= {4})", " ".join((ROOT / "CONTRIBUTING.md").read_text().split("\n")).replace("    >", " >")
    )
    assert [floor.strip() for floor in said[0].split(">")] == floors


def test_every_law_stands_in_the_threat_model_with_its_attacks() -> None:
    rows = re.findall(
        r"^\| (\d+) \| .+ \| `tests/laws/test_law_(\d\d)_\w+\.py` \|$",
        (ROOT / "SECURITY.md").read_text(encoding="utf-8"),
        flags=re.MULTILINE,
    )
    assert [(int(number), int(module)) for number, module in rows] == [(law, law) for law in range(1, 14)]


def test_every_decision_has_its_four_parts() -> None:
    pages = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))
    assert [int(page.name[:4]) for page in pages] == list(range(1, len(pages) + 1))
    for page in pages:
        text = page.read_text(encoding="utf-8")
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequence", "Measured")), page.name


def test_pictures_are_what_their_scripts_draw() -> None:
    drawn = (ROOT / "docs/images/flow.svg").read_bytes()
    subprocess.run([sys.executable, str(ROOT / "docs/images/flow.py")], check=True, timeout=60)
    assert (ROOT / "docs/images/flow.svg").read_bytes() == drawn


def _target(page: Path, link: str) -> Path:
    return (page.parent / link.partition("#")[0]).resolve()


def _there(path: str) -> bool:
    """Whether a file or folder of the repository, or at least one that a pattern means, is there."""
    return any(ROOT.glob(path.rstrip("/"))) if "*" in path else (ROOT / path).exists()
