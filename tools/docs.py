"""Write the generated parts of the docs again: the table of commands and the table of providers in README.md.

Run: .venv/bin/python -m tools.docs            (a test fails when the file says something else)
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import typer.main

from yett.cli.app import app
from yett.providers.book import ProviderBook

ROOT = Path(__file__).resolve().parent.parent
CAPABILITIES = ("detect", "verify", "authority", "operations", "inject", "mint", "scope", "rotate", "revoke", "undo")
"""What a provider's folder can do: the list of the design, in its order, and undo."""

Command = Any  # a click command as typer hands it out, which is typer's own copy of click in newer versions


def commands() -> Iterator[tuple[str, Command]]:
    """Every verb that people see, by its full name."""
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]  # it is a group
        if not command.hidden:
            yield from _with_verbs(f"yett {name}", command)


def _with_verbs(name: str, command: Command) -> Iterator[tuple[str, Command]]:
    verbs = getattr(command, "commands", {})
    if not verbs or getattr(command, "invoke_without_command", False):
        yield name, command
    for verb, below in verbs.items():
        yield from _with_verbs(f"{name} {verb}", below)


def command_table() -> str:
    rows = [(f"`{name}`", _first_line(command)) for name, command in commands()]
    return _table(("command", "what it does"), rows)


def provider_table() -> str:
    """One row a folder, and one for what hosts.toml names."""
    book = ProviderBook.load()
    folders = [room for room in book.rooms if room.can]
    header = ("provider", "hosts", *CAPABILITIES)
    rows = [
        (room.title, ", ".join(room.hosts), *("yes" if name in room.can else "-" for name in CAPABILITIES))
        for room in folders
    ]
    others = [room for room in book.rooms if not room.can]
    hosts = sum(len(room.hosts) for room in others)
    listed = (
        f"{len(others)} registries",
        f"{hosts} hosts",
        *("yes" if n == "operations" else "-" for n in CAPABILITIES),
    )
    return _table(header, [*rows, listed])


PARTS: dict[str, Callable[[], str]] = {"commands": command_table, "providers": provider_table}


def regenerated(text: str) -> str:
    """The document with every part between its markers written anew.

    Raises:
        ValueError: a marker is missing.
    """
    for name, made in PARTS.items():
        begin, end = f"<!-- generated: {name} -->\n", f"<!-- end: {name} -->"
        before, found, rest = text.partition(begin)
        _, closed, after = rest.partition(end)
        if not found or not closed:
            raise ValueError(f"README.md has no part {name!r} between its markers")
        text = f"{before}{begin}{made()}{end}{after}"
    return text


def _first_line(command: Command) -> str:
    return str(command.help or "").partition("\n")[0]


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main() -> int:
    path = ROOT / "README.md"
    path.write_text(regenerated(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
