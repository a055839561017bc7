"""The person's own git configuration, filtered, as the private HOME's `.gitconfig`."""

from __future__ import annotations

import os

from yett.sandbox import beneath, gitconfig, gitkeys

UNSIGNED = "commits made inside are not signed: the signing key stays outside."


def write(private: str, home: str, root: str, masked: dict[str, str], extra: dict[str, str]) -> tuple[str, ...]:
    """Write it anew for a run; notices for the person. `extra` comes from the daemon (remotes through the gate).

    A file that git could not read is left out: its secrets can't be told from its settings.
    """
    entries: list[gitconfig.Entry] = []
    signs = False
    for name in (".config/git/config", ".gitconfig"):
        path = os.path.join(home, name)
        for entry in _read(masked.get(path, path)):
            signs = signs or (
                entry.name in ("commit.gpgsign", "tag.gpgsign") and entry.value in ("true", "1", "yes", None)
            )
            if gitkeys.may_enter(entry) and entry.section != "safe":
                entries.append(entry)
    entries.append(gitconfig.Entry("safe", "", "directory", root))
    entries += [_entry(name, value) for name, value in extra.items()]
    beneath.write(private, ".gitconfig", gitconfig.serialise(entries).encode("utf-8", "surrogateescape"))
    return (UNSIGNED,) if signs else ()


def _read(path: str) -> list[gitconfig.Entry]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return gitconfig.parse(file.read())
    except (OSError, gitconfig.Malformed):
        return []


def _entry(name: str, value: str) -> gitconfig.Entry:
    section, _, rest = name.partition(".")
    subsection, _, key = rest.rpartition(".")
    return gitconfig.Entry(section, subsection, key.lower(), value)
