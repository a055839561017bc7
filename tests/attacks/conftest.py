"""Attacks that span rooms: parts as the daemon puts them together, the agent's side played by hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from git_workspace import Workspace, made_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A repository with a remote and a committed secret, served to an agent."""
    return made_workspace(tmp_path)
