"""The wheel that `YETT_COMPILED=1` makes: it holds the compiled parser, and behaves as the source does.

Apart from `make test`, because it takes a C compiler and fetches what compiles: `make compiled-test`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from tools.compiled import ROOT, unpacked, wheel

MODULES = ("fields", "framing", "answers", "metering", "allowance", "sides")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def compiled(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpacked(made, tmp_path_factory.mktemp("compiled"))


def _run(compiled: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "PYTHONPATH": str(compiled)}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environ, capture_output=True, text=True)


def test_the_wheel_holds_every_module_twice_compiled_and_as_it_is_written(made: Path) -> None:
    inside = zipfile.ZipFile(made).namelist()
    for name in MODULES:
        assert f"yett/gateway/postgres/{name}.py" in inside
        assert [one for one in inside if one.startswith(f"yett/gateway/postgres/{name}.cp")]


def test_the_version_says_that_the_parser_is_compiled(compiled: Path) -> None:
    assert "PostgreSQL parser compiled" in _run(compiled, "-m", "yett.cli", "--version").stdout


def test_both_parsers_say_the_same_to_the_same_bytes(compiled: Path) -> None:
    done = _run(compiled, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/compiled/differential.py")
    assert done.returncode == 0, done.stdout[-5000:]


def test_the_wires_own_tests_hold_for_the_compiled_parser(compiled: Path) -> None:
    done = _run(compiled, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "tests/gateway/postgres")
    assert done.returncode == 0, done.stdout[-5000:]
