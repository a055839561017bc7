"""`make bench`: every bench in one run on one machine, one table after the other; what was seen goes into RESULTS.md.

Ratios count; absolute figures belong to the machine. Each bench says which of policy, ledger and swap were on.
"""

from __future__ import annotations

import platform
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
BENCHES = ("ledger", "policy", "broker", "gateway", "postgres", "launch", "scan")
PEERS = HERE / "peers" / "mitmproxy.sh"


def main() -> int:
    """Run those that exist; the number that failed."""
    chosen = sys.argv[1:] or [name for name in BENCHES if (HERE / f"{name}.py").exists() or (HERE / name).is_dir()]
    print(f"# {time.strftime('%Y-%m-%d %H:%M')} on {platform.platform()}, Python {platform.python_version()}")
    if "gateway" in chosen and PEERS.exists():
        subprocess.run(["sh", str(PEERS)], check=False)
    failed = 0
    for name in chosen:
        print(f"\n## {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"bench.{name}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
