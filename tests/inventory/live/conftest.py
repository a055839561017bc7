"""Emulated issuers on loopback, and a network whose names lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from yett.inventory.live import Network
from yett.lab.issuers import HOSTS, UNKNOWN_TO_ITS_CERTIFICATE, Running, running


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path) as served:
        yield served


@pytest.fixture
def network(served: Running) -> Network:
    return Network(mapped=dict.fromkeys((*HOSTS, UNKNOWN_TO_ITS_CERTIFICATE), served.address), roots=served.authority)
