"""Run git on a repository without trusting its configuration, its hooks, or the environment of whoever called."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from yett.inventory.git_life import Life, patient

GIT = (
    "git", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "safe.directory=*",
    "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "protocol.ext.allow=never",
)  # fmt: skip
"""The command, without what runs programs or works on in the background."""


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """No GIT_* of the caller, no user or system configuration, no replace refs, no prompt, no fetching.

    git fetches an object that is missing from a partial clone, by a command that configuration names.
    """
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    clean |= {
        "GIT_ALLOW_PROTOCOL": "none",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_CONFIG_SYSTEM": "/dev/null",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    return clean | dict(extra or {})


def read_many(
    repository: Path, oids: Iterable[str], env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, str, bytes]]:
    """(id, type, body) of every object that exists, in order, through one buffered cat-file.

    Raises:
        GitStalled: git waits for something that does not come.
    """
    process = subprocess.Popen(
        [*GIT, "cat-file", "--batch", "--buffer"],
        cwd=repository, env=environment(env), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        bufsize=1 << 20,
    )  # fmt: skip
    assert process.stdin is not None
    feed, answers = process.stdin, patient(Life(process, repository))

    def write() -> None:
        try:
            feed.write("\n".join(oids).encode() + b"\n")
            feed.close()
        except BrokenPipeError:
            pass  # the reader stopped early, and ended git

    threading.Thread(target=write, daemon=True).start()
    try:
        for header in answers:
            fields = header.split()
            if len(fields) == 3:
                yield fields[0].decode(), fields[1].decode(), answers.read(int(fields[2]) + 1)[:-1]
    finally:
        answers.close()
        process.kill()
        process.wait()
