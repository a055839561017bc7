from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scene import Scene, scene


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as found:
        yield found
