from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parent.parent / "approvals")]

from page import Page, page  # noqa: E402 - its folder is on the path only now


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Page]:
    with page(tmp_path) as found:
        yield found
