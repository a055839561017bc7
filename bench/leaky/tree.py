"""A repository in which sixty kinds of files hold credentials, beside files and values that only look like it."""

from __future__ import annotations

from pathlib import Path

from bench.leaky.chance import Chance
from bench.leaky.code import CODE
from bench.leaky.decoys import DECOYS
from bench.leaky.infrastructure import INFRASTRUCTURE
from bench.leaky.layout import Truth, written
from bench.leaky.pipelines import PIPELINES
from bench.leaky.records import RECORDS
from bench.leaky.settings import SETTINGS


def write_tree(folder: Path, seed: int) -> tuple[Truth, Truth]:
    """The credentials in it, and what belongs to them and may be reported too."""
    return written(folder, (*CODE, *SETTINGS, *PIPELINES, *INFRASTRUCTURE, *RECORDS, *DECOYS), Chance(seed))
