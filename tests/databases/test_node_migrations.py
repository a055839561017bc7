"""Migration tools of Node.js, through the gate: what they send, forwards and back, and an undo of each step.

What they need is installed once, in the versions of tools/package-lock.json.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tests.databases.company_of_tests import Company
from tests.databases.test_migration_tools import DEFINED, Tool
from tests.npm import installed

PROJECTS = Path(__file__).parent / "tools"
MAKERS = "SELECT name FROM makers ORDER BY name"


@pytest.mark.parametrize(
    ("name", "first", "second", "down"),
    [("knex", 3, 5, 6), ("typeorm", 2, 8, 9), ("node-pg-migrate", 2, 3, 4), ("sequelize", 2, 3, 4)],
)
def test_forwards_and_back(company: Company, tmp_path: Path, name: str, first: int, second: int, down: int) -> None:
    """`first`, `second`, `down`: how often people are asked. Its own table is one of the first ones."""
    tool = _project(company, tmp_path, name)
    assert tool.run("one") == first
    one, undos = company.truth(DEFINED), len(company.laws.plane.undos.records())
    assert tool.run("all") == second
    two = company.truth(DEFINED), company.truth(MAKERS)
    assert two[1] == [("a",), ("b",)]
    company.undo_back_to(undos)
    assert (company.truth(DEFINED), company.truth(MAKERS)) == (one, [])
    tool.run("all")
    undos = len(company.laws.plane.undos.records())
    assert tool.run("down") == down
    assert (company.truth(DEFINED), company.truth(MAKERS)) == (one, [])
    company.undo_back_to(undos)
    assert (company.truth(DEFINED), company.truth(MAKERS)) == two


def test_drizzle(company: Company, tmp_path: Path) -> None:
    """It knows no way back."""
    tool = _project(company, tmp_path, "drizzle")
    assert tool.run("one") == 2
    one, undos = company.truth(DEFINED), len(company.laws.plane.undos.records())
    assert tool.run("all") == 4
    assert company.truth(MAKERS) == [("a",), ("b",)]
    company.undo_back_to(undos)
    assert (company.truth(DEFINED), company.truth(MAKERS)) == (one, [])


def _project(company: Company, folder: Path, name: str) -> Tool:
    shutil.copytree(PROJECTS / name, folder, dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(installed(PROJECTS, "migration-tools") / "node_modules")
    return Tool(company, folder, "node", "run.mjs", company.url)
