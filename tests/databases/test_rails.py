"""ActiveRecord's migrations, through the gate: forwards and back, in a transaction and outside of one."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.databases.company_of_tests import Company
from tests.databases.test_migration_tools import DEFINED, Tool

PROJECT = Path(__file__).parent / "tools" / "rails"
MAKERS = "SELECT name FROM makers ORDER BY name"


def test_forwards_and_back(company: Company, tmp_path: Path) -> None:
    """How often people are asked. Its two own tables are among the first three; the index is made CONCURRENTLY."""
    shutil.copytree(PROJECT, tmp_path, dirs_exist_ok=True)
    tool = Tool(company, tmp_path, "ruby", "run.rb", company.url)
    assert tool.run("one") == 3
    one, undos = company.truth(DEFINED), len(company.laws.plane.undos.records())
    assert tool.run("two") == 4
    assert company.truth(MAKERS) == [("a",), ("b",)]
    company.undo_back_to(undos)
    assert (company.truth(DEFINED), company.truth(MAKERS)) == (one, [])
    assert tool.run("all") == 5
    three = company.truth(DEFINED), company.truth(MAKERS)
    undos = len(company.laws.plane.undos.records())
    assert tool.run("down") + tool.run("down") == 6
    assert (company.truth(DEFINED), company.truth(MAKERS)) == (one, [])
    company.undo_back_to(undos)
    assert (company.truth(DEFINED), company.truth(MAKERS)) == three
