"""A home directory with the files of agents and command lines, each as its maker documents it."""

from __future__ import annotations

from pathlib import Path

from bench.leaky.agents import AGENTS
from bench.leaky.chance import Chance
from bench.leaky.clients import CLIENTS
from bench.leaky.clouds import CLOUDS
from bench.leaky.layout import Truth, written


def write_home(folder: Path, seed: int) -> tuple[Truth, Truth]:
    """The credentials that lie there, and what belongs to them and may be reported too."""
    return written(folder, (*AGENTS, *CLOUDS, *CLIENTS), Chance(seed))
