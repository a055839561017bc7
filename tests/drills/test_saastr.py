"""The drill of a database task, as a user starts it: every claim of it holds, and no secret is said."""

from __future__ import annotations

import re
import subprocess
import sys

SECONDS = 240


def test_every_claim_of_the_drill_holds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "yett.cli", "drill", "saastr"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert "✗" not in done.stdout, done.stdout[-3000:]
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert re.search(r"(\d+) of \1 claims held", done.stdout)
    assert "postgresql://" not in done.stdout
