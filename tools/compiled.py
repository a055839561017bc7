"""Make the wheel with the compiled parser, as `YETT_COMPILED=1 pip wheel .` does, and unpack it where it is asked for.

python -m tools.compiled [FOLDER]: the wheel is in dist/, and unpacked in FOLDER if one is named.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class NotCompiled(Exception):
    """Why there is no compiled parser here: no C compiler, no headers, no way to fetch what compiles it."""


def wheel(into: Path) -> Path:
    """Raises NotCompiled."""
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    environ = {**os.environ, "YETT_COMPILED": "1"}
    environ.pop("PYTHONPATH", None)  # it would reach into the build's own environment
    done = subprocess.run([*command, "-w", str(into), str(ROOT)], env=environ, capture_output=True, text=True)
    made = sorted(into.glob("yett-*.whl"), key=lambda one: one.stat().st_mtime)
    if done.returncode or not made or made[-1].name.endswith("-any.whl"):
        raise NotCompiled((done.stderr or done.stdout).strip()[-2000:])
    return made[-1]


def unpacked(wheel: Path, into: Path) -> Path:
    """A folder for PYTHONPATH."""
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(into)
    return into


def main() -> int:
    try:
        made = wheel(ROOT / "dist")
    except NotCompiled as error:
        sys.stderr.write(f"{error}\n")
        return 1
    name = made.relative_to(ROOT)
    sys.stdout.write(f"{name}: install it with pip install --no-deps --force-reinstall {name}\n")
    if len(sys.argv) > 1:
        unpacked(made, Path(sys.argv[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
