"""The schema of SARIF 2.1.0 as OASIS published it, out of a package of npm's in one exact version."""

from __future__ import annotations

import fcntl
import hashlib
import json
import subprocess
import sys
import tarfile
from functools import lru_cache
from pathlib import Path
from typing import Any

PACKAGE = "@microsoft/jest-sarif@1.0.0-beta.0"
"""MIT. It carries the schema as a file, and is the only package that does."""
MEMBER = "package/lib/schemas/sarif-2.1.0-rtm.5.json"
SHA256 = "2d99159ae54a3eea97f81781cff48780548657c35949f4b7f25e99a2ba4de4f8"
KEPT = Path(sys.prefix) / "sarif"
"""Beside the test dependencies: what git ignores and `make clean` removes."""


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:  # Any: a JSON schema
    """Fetched once for each environment; another content than the pinned one is refused."""
    KEPT.mkdir(exist_ok=True)
    with (KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes share the folder
        path = KEPT / "schema.json"
        if not path.exists():
            path.write_bytes(_fetched())
    content = path.read_bytes()
    assert hashlib.sha256(content).hexdigest() == SHA256
    read: dict[str, Any] = json.loads(content)
    return read


def _fetched() -> bytes:
    command = ["npm", "pack", "--silent", "--ignore-scripts", PACKAGE]
    done = subprocess.run(command, cwd=KEPT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with tarfile.open(KEPT / done.stdout.strip().splitlines()[-1]) as archive:
        member = archive.extractfile(MEMBER)
        assert member is not None
        return member.read()
