"""Fill a small disk with an undo, make room, and report as JSON. For test_folder.py: `small_disk.py FOLDER`."""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from yett.broker.seal import Keys, new_master
from yett.recovery.keep import Budget, Keep, KeepError, Limits
from yett.recovery.keep.folder import open_folder


def main() -> None:
    disk, report = Path(sys.argv[1]), {}
    if not os.path.ismount(disk):
        resource.setrlimit(resource.RLIMIT_FSIZE, (6_000_000, resource.RLIM_INFINITY))
    folder = open_folder(disk / "keep", leave_free_bytes=0)
    keep = Keep(folder, Keys(new_master()), Budget(Limits()))
    try:
        make(keep, 12_000_000)
    except KeepError as error:
        report["refused"] = type(error).__name__
    report["left"] = len(list(folder.root.iterdir()))
    report["stored"] = keep.budget.total
    make(keep, 4_000_000)
    report["then"] = "it fits again"
    print(json.dumps(report))


def make(keep: Keep, size: int) -> None:
    with keep.begin("t1") as making:
        with making.file("a") as file:
            for _ in range(size // 100_000):
                file.write(os.urandom(100_000))
        making.finish({})


if __name__ == "__main__":
    main()
