"""What is found of homes and trees that hold known credentials. `python -m bench scan` takes more seeds."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from bench.leaky.home import write_home
from bench.leaky.layout import Truth
from bench.leaky.score import Score, score_home, score_tree
from bench.leaky.tree import write_tree

SEEDS = (1, 2, random.SystemRandom().randrange(1 << 32))

Write = Callable[[Path, int], tuple[Truth, Truth]]
Judge = Callable[[Path, Truth, Truth], Score]


def scored(folder: Path, write: Write, judge: Judge) -> Score:
    total = Score()
    for seed in SEEDS:
        place = folder / f"seed{seed}"
        place.mkdir()
        total.add(judge(place, *write(place, seed)))
    print(f"seeds {SEEDS}: {total}")
    return total


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not named after a test: what lies below a folder of that name is minor."""
    return tmp_path_factory.mktemp("leaky")


def test_every_credential_of_a_home_is_found_and_nothing_else(folder: Path) -> None:
    score = scored(folder, write_home, score_home)
    assert score.missed == []
    assert score.extra_share <= 0.05


def test_nearly_every_credential_of_a_tree_is_found_and_hardly_anything_else(folder: Path) -> None:
    score = scored(folder, write_tree, score_tree)
    assert score.recall >= 0.95
    assert score.extra_share <= 0.05
