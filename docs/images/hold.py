"""Take docs/images/hold.png: the approval page with a held volumeDelete, on a phone, in a real Chromium.

Run: .venv/bin/python docs/images/hold.py
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/console"), str(ROOT / "tests/approvals")]

from chromium import browser  # noqa: E402 - its folder is on the path only now
from page import page  # noqa: E402
from scene import volume_delete  # noqa: E402


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="yett-page-") as folder, page(Path(folder)) as live:
        live.enrolled("Ada")
        hold = live.scene.open(volume_delete())
        with browser(Path(folder) / "profile") as running:
            tab = running.tab()
            tab.screen(390, 760, 2)
            tab.open(f"{live.origin}/holds/{hold.id}")
            tab.wait_for("document.getElementById('approve') && document.readyState === 'complete'")
            tab.screenshot(Path(__file__).with_name("hold.png"))


if __name__ == "__main__":
    main()
