"""What stands in for a key in an MCP configuration: for each the command, or in so many words that Yett has none.

Every agent that may read the file has the key. Below `yett run` the file reads masked, or is not there
(much of a home). The placeholder works where a provider's folder says that its keys go; of others it is dead text.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from yett.inventory.engine import engine
from yett.inventory.finding import Finding
from yett.inventory.formats import Unparsable, format_of
from yett.inventory.unsaid import Unsaid
from yett.model.visible import visible

if TYPE_CHECKING:
    from yett.providers.book import ProviderBook
    from yett.providers.room import Room

_SERVER = "MCP server "
"""How the account of a hit begins that a server is started with (`formats/mcp.py`)."""
_LARGEST = 16 << 20
_CLIENTS = {
    "mcp-claude-code": "claude", "mcp-claude-settings": "claude", "mcp-codex": "codex", "mcp-gemini": "gemini",
    "mcp-copilot-cli": "copilot", "mcp-opencode": "opencode", "mcp-goose": "goose", "mcp-crush": "crush",
    "mcp-amp": "amp", "mcp-vibe": "vibe",
}  # fmt: skip
"""The command of those that run in a terminal, by the format of their configuration."""
_PROJECTS = {".mcp.json": "claude"}
_ANY_CLIENT = "YOUR-AGENT"


@dataclass(frozen=True, slots=True)
class Offer:
    """One key of one server in one file. `hosts` and `position`: where its placeholder works, () and "" for nowhere."""

    path: str
    line: int
    server: str
    run: str
    move: str
    hosts: tuple[str, ...]
    position: str

    def lines(self) -> list[str]:
        """For a person: what it is, what to type, and what that does not do."""
        head = f"{visible(self.path, 120)}:{self.line}, {visible(self.server, 60)}"
        if not self.hosts:
            return [
                f"{head}: `{self.run}` shows the agent a placeholder. It works nowhere, as Yett has no folder for this "
                "provider: the server cannot log in from inside, and no command of Yett replaces the key yet."
            ]
        return [
            f"{head}: `{self.run}` starts it with a placeholder that works at {', '.join(self.hosts)}, in "
            f"{_words(self.position)}, until the run ends. The file stays as it is.",
            f"  `{visible(self.move)}` takes it off the disk, and what it finds of such providers in your home. "
            "The placeholder that it leaves is lent to no run yet: the server stops working.",
        ]

    def as_record(self) -> dict[str, object]:
        """For programs."""
        return {
            "path": self.path,
            "line": self.line,
            "server": self.server,
            "run": self.run,
            "move": self.move if self.hosts else None,
            "works_at": list(self.hosts),
            "works_in": self.position,
        }


def mcp_offers(findings: Iterable[Finding], book: ProviderBook) -> list[Offer]:
    """One for every key that an MCP server in a file is started with, in the findings' order."""
    every = [*findings]
    texts = Unsaid(engine(), (finding.value.reveal() for finding in every))
    return [offer for finding in every for offer in _of(finding, book.named(finding.credential.provider), texts)]


def _of(finding: Finding, room: Room | None, texts: Unsaid) -> Iterator[Offer]:
    hosts: tuple[str, ...] = ()
    position = ""
    if room is not None and room.positions:
        hosts, position = room.hosts, finding.position or room.positions[0]
    for at in finding.credential.locations:
        if at.source not in ("file", "client-config"):
            continue
        client = _client(at.path)
        for server in _servers(at.path, finding.value.reveal(), at.start):
            yield Offer(
                texts.clean(at.path),
                at.line,
                texts.clean(server),
                f"yett run -- {client}",
                texts.clean(f"yett protect {shlex.quote(at.path)}"),
                hosts,
                position,
            )


def _servers(path: str, value: bytes, start: int) -> list[str]:
    """The servers of a file that are started with a value at that place."""
    form = format_of(path)
    if form is None or not form.id.startswith("mcp"):
        return []
    from yett.inventory.history.regular import regular  # brings all of the history's readers

    try:
        content = regular(Path(path), _LARGEST)
        hits = list(form.parse(content))
    except (OSError, Unparsable):
        return []
    told = (hit for hit in hits if hit.start == start and hit.account.startswith(_SERVER))
    return list(dict.fromkeys(hit.account for hit in told if hit.value_in(content) == value))


def _client(path: str) -> str:
    form = format_of(path)
    told = _CLIENTS.get(form.id, "") if form is not None else ""
    return told or _PROJECTS.get(Path(path).name, _ANY_CLIENT)


def _words(position: str) -> str:
    kind, _, name = position.partition(":")
    return {"header": f"the header {name}", "field": f"the field {name}"}.get(kind, "HTTP basic authentication")
