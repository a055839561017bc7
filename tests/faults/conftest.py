from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "laws"))
sys.path.insert(0, str(Path(__file__).parent))

from law_fixtures import law_roots, laws, settled, upstream, world
from law_world import Upstream
from real_daemon import Home, made_home

__all__ = ["home", "law_roots", "laws", "settled", "upstream", "world"]


@pytest.fixture
def home(tmp_path: Path, law_roots: Path, upstream: Upstream) -> Iterator[Home]:
    """A drill's home whose names lead to the test's upstream; whatever was started on it is ended."""
    made = made_home(tmp_path, law_roots, upstream)
    yield made
    made.end()
