"""At the end of a session: the index as it left it, and the files that git wrote inside, in the real repository."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from yett.sandbox import beneath
from yett.sandbox.mirror.attach import staged
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.names import IdMap
from yett.sandbox.mirror.plumbing import GitFailed, Oid, git, present, read_many

Row = tuple[str, Oid, str, str]
"""Mode, id inside, stage, path."""


def restage(real: Path, view: Path, gitdir: Path, masks: Masks, names: IdMap) -> None:
    """Bring index and files home; nothing if the session left an index that git cannot read."""
    index = gitdir / "index"
    if index.is_symlink() or not index.is_file():
        return
    try:
        rows = staged(real, {"GIT_INDEX_FILE": str(index)})
    except GitFailed:
        return
    _unmask_files(rows, real, view, masks, names)
    here = present(real, {names.real(oid) for _, oid, _, _ in rows})
    wanted = []
    for mode, oid, stage, path in rows:
        known = names.real(oid)
        if mode != "160000" and known not in here:
            # staged, and never committed: the file is in the workspace, and shows as a change there
            mode, known = _committed(real, path)
        if known:
            wanted.append(f"{mode} {known} {stage}\t{path}\0")
    text = "".join(wanted).encode(errors="surrogateescape")
    git(real, "read-tree", "--empty")
    git(real, "update-index", "-z", "--index-info", stdin=text)


def _committed(real: Path, path: str) -> tuple[str, Oid]:
    """Mode and id of a file in the last commit; ("", "") if it is not there."""
    try:
        listed = git(real, "ls-tree", "-z", "HEAD", "--", f":(top,literal){path}")
    except GitFailed:  # there is no commit yet
        return "", ""
    fields = listed.partition(b"\t")[0].decode().split(" ")
    return (fields[0], fields[2]) if len(fields) == 3 else ("", "")


def _unmask_files(rows: list[Row], real: Path, view: Path, masks: Masks, names: IdMap) -> None:
    """Files that git wrote inside (a pull, another branch) get their secrets back, if the index has them there."""
    masked = {path: oid for mode, oid, _, path in rows if mode.startswith("100") and names.real(oid) != oid}
    if not masked:
        return
    bodies = {oid: body for oid, _, body in read_many(view, sorted(set(masked.values())))}
    for path, oid in masked.items():
        held = masks.placeholders_in(beneath.read(str(real), path) or b"")
        if held and not held - masks.placeholders_in(bodies.get(oid, b"")):
            _rewrite(real, path, masks.unmask)


def _rewrite(root: Path, path: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file in place, following no link that was left there."""
    above, name = os.path.split(path)
    with contextlib.suppress(OSError), beneath.directory(str(root), above) as at:
        with open(beneath.open_regular(at, name, os.O_RDWR), "r+b") as file:
            content = change(file.read())
            file.seek(0)
            file.truncate()
            file.write(content)
