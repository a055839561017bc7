"""Write requirements/*.lock again from pyproject.toml: exact versions and hashes, no index addresses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "requirements"
QUIET = ("index-url", "trusted-host", "find-links")


def compile_lock(extra: str, lock: str) -> None:
    """Resolve one extra into one lock file (needs pip-tools in the interpreter that runs this)."""
    flags = ["--quiet", "--generate-hashes", "--strip-extras", "--allow-unsafe", "--no-header"]
    flags += [f"--no-emit-{what}" for what in QUIET]
    command = [sys.executable, "-m", "piptools", "compile", *flags, "--extra", extra, "--output-file", lock]
    subprocess.run([*command, "../pyproject.toml"], cwd=FOLDER, check=True)


if __name__ == "__main__":
    compile_lock("drill", "run.lock")
    compile_lock("test", "test.lock")
