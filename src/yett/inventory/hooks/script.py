"""The text of a hook: scan, then whatever hook was there before. POSIX sh, since git brings one everywhere."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from shlex import quote

BEGIN = "# yett >>> lines of Yett's, written and taken out by `yett install-git-hook`"
END = "# yett <<<"
EARLIER = "before-yett"
"""The ending of the name under which a hook that was there first is kept."""
SCANNING = {"pre-commit": "--staged", "pre-merge-commit": "--staged", "pre-push": '--pushed --remote "$1"'}
"""git runs pre-merge-commit, not pre-commit, for a merge that needs nobody (githooks(5))."""
_GO_ON = {"pre-push": "git push --no-verify", "pre-merge-commit": "git merge --no-verify"}


def hook(name: str) -> str:
    """A whole file: scan, then the hook that was there before."""
    return f"#!/bin/sh\n{block(name)}"


def block(name: str) -> str:
    return _block(_input(name) + _scan(name) + _then(name, f'"${{0%/*}}/{name}.{EARLIER}"'))


def hook_for_all(name: str, scans: bool) -> str:
    """A whole file that stands for one hook of every repository: it runs the repository's own in the end."""
    first = _input(name) + (_scan(name) if scans else [])
    own = _then(name, f'"$(git rev-parse --git-common-dir)/hooks/{name}"')
    return f"#!/bin/sh\n{_block(first + own)}"


def without_block(text: str) -> str:
    """What of a hook is not ours."""
    before, found, rest = text.partition(BEGIN)
    _, closed, after = rest.partition(f"{END}\n")
    return before + after if found and closed else text


def _block(lines: list[str]) -> str:
    return "\n".join([BEGIN, *lines, END]) + "\n"


def _input(name: str) -> list[str]:
    return ["pushed=$(cat)"] if name == "pre-push" else []


def _scan(name: str) -> list[str]:
    """By the absolute interpreter, isolated: a json.py in the repository must not be imported by its scanner."""
    python, program = quote(sys.executable), Path(__file__).resolve().parents[2] / "cli" / "__main__.py"
    words = f"{python} {isolation()} -m yett.cli scan {SCANNING[name]}"
    go_on = _GO_ON.get(name, "git commit --no-verify")
    gone = f"yett: the credential scanner is gone from {sys.executable}; put it back, or go on unchecked: {go_on}"
    return [
        f"if [ -x {python} ] && [ -e {quote(str(program))} ]; then",
        f"  {_fed(name)}{words} || exit 1",
        "else",
        f"  echo {quote(gone)} >&2",
        "  exit 1",
        "fi",
    ]


def _then(name: str, other: str) -> list[str]:
    return [f"next={other}", f'if [ -x "$next" ]; then {_fed(name)}"$next" "$@" || exit; fi']


def _fed(name: str) -> str:
    """A pre-push hook is told on its input what is pushed, and there are two of them."""
    return 'printf "%s\\n" "$pushed" | ' if name == "pre-push" else ""


def isolation() -> str:
    """-I, or -P where Yett lies in a place that only the person's own settings lead to."""
    tried = subprocess.run([sys.executable, "-I", "-c", "import yett.cli"], capture_output=True, check=False, cwd="/")
    return "-I" if tried.returncode == 0 else "-P"
