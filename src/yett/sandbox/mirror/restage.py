"""At the end of a session: the index as it left it, and the files that git wrote inside, in the real repository."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from yett.inventory.git import read_many
from yett.sandbox import beneath
from yett.sandbox.mirror.attach import staged
from yett.sandbox.mirror.known import STAYS, UNKNOWN, hides_committed
from yett.sandbox.mirror.masks import Masks
from yett.sandbox.mirror.names import IdMap
from yett.sandbox.mirror.plumbing import GitFailed, Oid, git, present

Row = tuple[str, Oid, str, str]
"""Mode, id inside, stage, path."""


def restage(real: Path, view: Path, gitdir: Path, masks: Masks, names: IdMap) -> list[str]:
    """Bring index and files home; what stays masked, in words. Nothing if git cannot read the session's index.

    A secret goes only where the last commit has it: an index is the agent's word, a commit has been checked.
    """
    index = gitdir / "index"
    if index.is_symlink() or not index.is_file():
        return []
    try:
        rows = staged(real, {"GIT_INDEX_FILE": str(index)})
    except GitFailed:
        return []
    committed = _committed(real)
    said = _unmask_files(rows, committed, real, view, masks, names)
    here = present(real, {names.real(oid) for _, oid, _, _ in rows})
    wanted = []
    for mode, oid, stage, path in rows:
        known = names.real(oid)
        if (known != oid and committed.get(path) != (mode, known)) or (mode != "160000" and known not in here):
            # never committed so: the file is in the workspace, and shows as a change there
            mode, known = committed.get(path, ("", ""))
        if known:
            wanted.append(f"{mode} {known} {stage}\t{path}\0")
    text = "".join(wanted).encode(errors="surrogateescape")
    git(real, "read-tree", "--empty")
    git(real, "update-index", "-z", "--index-info", stdin=text)
    return said


def _committed(real: Path) -> dict[str, tuple[str, Oid]]:
    """Mode and id of every file in the last commit."""
    try:
        listed = git(real, "ls-tree", "-r", "-z", "--full-tree", "HEAD").decode(errors="surrogateescape")
    except GitFailed:  # there is no commit yet
        return {}
    found = {}
    for row in filter(None, listed.split("\0")):
        about, _, path = row.partition("\t")
        mode, _, oid = about.split(" ")
        found[path] = (mode, oid)
    return found


def _unmask_files(
    rows: list[Row], committed: dict[str, tuple[str, Oid]], real: Path, view: Path, masks: Masks, names: IdMap
) -> list[str]:
    """Files that git wrote inside (a pull, another branch) get their secrets back."""
    masked = {path: oid for mode, oid, _, path in rows if mode.startswith("100") and names.real(oid) != oid}
    bodies = {oid: body for oid, _, body in read_many(view, sorted(set(masked.values())))} if masked else {}
    said = []
    for path, oid in masked.items():
        now, body = beneath.read(str(real), path) or b"", bodies.get(oid, b"")
        held = masks.placeholders_in(now)
        if not held:
            continue
        allowed = committed.get(path, ("", ""))[1] == names.real(oid)
        if not allowed or held - masks.placeholders_in(body):
            said.append(f"{path} holds a placeholder: no commit has its secret there, so it stays masked")
        elif hides_committed(path, [(path, masks.unmask(body))], masks.unmask(now), set(map(masks.unmask, held))):
            said.append(f"{path} stays masked: {UNKNOWN} ({STAYS})")
        else:
            _replace(real, path, now, masks.unmask(now))
    return said


def _replace(root: Path, path: str, old: bytes, new: bytes) -> None:
    """Write a file in place, following no link that was left there, if it still holds what was looked at."""
    above, name = os.path.split(path)
    with contextlib.suppress(OSError), beneath.directory(str(root), above) as at:
        with open(beneath.open_regular(at, name, os.O_RDWR), "r+b") as file:
            if file.read() == old:
                file.seek(0)
                file.truncate()
                file.write(new)
