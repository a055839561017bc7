"""The compiled parser of the PostgreSQL wire, for `YETT_COMPILED=1 pip install .`: off by default.

What hatchling runs when it makes a wheel. The very source files are compiled by mypyc and put beside themselves, where
the import system takes them first; what cannot be compiled is an error, never a wheel without them. An editable install
stays as it is written: its sources change, and a parser that is older than them must not decide.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SWITCH = "YETT_COMPILED"
FOLDER = "yett/gateway/postgres"
MODULES = ("fields", "waiting", "framing", "answers", "metering", "allowance", "sides")
"""What runs for every message between the event loop and the desk."""

GROUP = f"{FOLDER.replace('/', '.')}.wire"
"""They call one another without Python between them, so they are one library, wire__mypyc."""

NEEDS = ["mypy>=2.4,<2.5", "setuptools>=65"]
_SETUP = """
from mypyc.build import mypycify
from setuptools import setup

options = ["--config-file=", "--ignore-missing-imports", "--follow-imports=silent"]
setup(name="wire", packages=[], ext_modules=mypycify([*options, *{files!r}], group_name={group!r}))
"""


class CompiledParser(BuildHookInterface):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return NEEDS if wanted() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if not wanted() or version == "editable":
            return
        self._work = tempfile.TemporaryDirectory(prefix="yett-compiled-")
        made = compiled(Path(self.root) / "src", Path(self._work.name))
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"] |= {str(one): f"{FOLDER}/{one.name}" for one in made}

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if hasattr(self, "_work"):
            self._work.cleanup()


def wanted() -> bool:
    return os.environ.get(SWITCH, "") not in ("", "0")


def compiled(sources: Path, work: Path) -> list[Path]:
    """The extension modules, made in `work` from a copy of the sources. Raises SystemExit: it cannot be compiled."""
    shutil.copytree(sources / "yett", work / "yett", ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd"))
    files = [f"{FOLDER}/{name}.py" for name in MODULES]
    script = _SETUP.format(files=files, group=GROUP)
    command = [sys.executable, "-c", script, "build_ext", "--inplace"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    made = [one for one in sorted((work / FOLDER).iterdir()) if one.suffix in (".so", ".pyd")]
    if done.returncode or len(made) != len(MODULES) + 1:
        said = f"{done.stdout}{done.stderr}".strip()[-2000:]
        raise SystemExit(
            f"{said}\n{SWITCH}=1: the parser cannot be compiled. It takes a C compiler and Python's headers."
        )
    return made
