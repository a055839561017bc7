"""A commit waits for the staged scan, so it imports hyperscan, the standard library and few of Yett's own modules."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_PROGRAM = """
import sys
from pathlib import Path
from yett.inventory.changes.files import staged
from yett.inventory.changes.staged import leaks
folder = Path(sys.argv[1])
print(len(list(leaks(folder, staged(folder)))))
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""
_OWN = {"yett", "hyperscan", "_yett"}


def run(folder: Path, *words: str) -> str:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    done = subprocess.run(words, cwd=folder, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


def test_the_staged_scan_imports_hyperscan_and_the_standard_library_only(tmp_path: Path) -> None:
    run(tmp_path, "git", "init", "-q")
    (tmp_path / "app.env").write_text('API_TOKEN="x7Kq92mZp4Tt81Lw0Rv6"\n')
    run(tmp_path, "git", "add", ".")
    for _ in range(2):  # the first fills the cache, for which everything may be imported
        count, modules = run(tmp_path, sys.executable, "-c", _PROGRAM, str(tmp_path)).splitlines()
    assert count == "1"
    foreign = set(modules.split()) - set(sys.stdlib_module_names) - _OWN
    assert {name for name in foreign if not name.startswith(("_", "sitecustomize", "__"))} == set()
