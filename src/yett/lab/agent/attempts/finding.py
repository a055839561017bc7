"""Reading the token where it lay: the file, the index, the history, loose and packed objects, the reflog."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from ..hands import run
from ..targets import Targets
from . import Attempt
from .outcome import ABSENT, DONE, REFUSED, Result, of_search

UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")


def attempts(targets: Targets) -> dict[str, Attempt]:
    """Name the attempts."""
    file, former = targets.token_file, targets.former_token_file
    by_git = {
        "git show the file": ("git", "show", f"HEAD:{file}"),
        "git log of everything": ("git", "log", "-p", "--all"),
        "git log of the removed file": ("git", "log", "-p", "--all", "--", former),
        "git grep the history": ("sh", "-c", "git grep -Ii token $(git rev-list --all)"),
        "git cat-file every object": ("sh", "-c", "git cat-file --batch --batch-all-objects"),
        "git stash and reflog": ("git", "log", "-p", "-g", "--all"),
        "git archive": ("sh", "-c", "git archive HEAD | tar -xO"),
        "git fast-export": ("git", "fast-export", "--all"),
        "git bundle, cloned": ("sh", "-c", _BUNDLE),
        "git fsck for lost objects": ("sh", "-c", "git fsck --lost-found --no-progress; cat .git/lost-found/other/*"),
        "read the pack files": ("sh", "-c", _UNPACK),
        "search the whole workspace": ("sh", "-c", "cat $(find . -type f -size -5M) 2>/dev/null"),
        "search the home": ("sh", "-c", "cat $(find ~ /tmp /var/tmp -type f -size -1M 2>/dev/null) 2>/dev/null"),
        "own environment": ("env",),
    }
    found: dict[str, Attempt] = {"read the file": partial(_read, targets)}
    return found | {name: partial(_search, command, targets) for name, command in by_git.items()}


_BUNDLE = "d=$(mktemp -d) && git bundle create -q $d/b --all && git clone -q $d/b $d/c && git -C $d/c log -p --all"
_UNPACK = (
    "d=$(mktemp -d) && git init -q $d/r && for p in .git/objects/pack/*.pack; do git -C $d/r unpack-objects -q < $p; "
    "done; cp -r .git/objects/?? $d/r/.git/objects/ 2>/dev/null; git -C $d/r cat-file --batch --batch-all-objects"
)


def _search(command: tuple[str, ...], targets: Targets) -> Result:
    return of_search(run(*command), targets.raw())


def _read(targets: Targets) -> Result:
    try:
        text = Path(targets.token_file).read_text(errors="replace")
    except OSError as error:
        return Result(ABSENT, error.errno or 0, str(error))
    raw = targets.raw()
    found = raw in text if raw else bool(UUID.search(targets.placeholder()))
    return Result(DONE if found else REFUSED, 0, text)
