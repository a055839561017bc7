"""MCP configurations of every client: keys that a server is given in its environment, headers, arguments, address.

Where clients keep them: the findings on credential locations; each client's own documentation names its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yett.inventory.formats.command_secrets import entries_once
from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Format
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.mcp_servers import CONTAINERS, secrets_of, servers
from yett.inventory.formats.named_values import named_secrets
from yett.inventory.formats.parser import LONGEST_ACCOUNT, Parse, Reader, parser, shown_account
from yett.inventory.formats.toml_spans import toml_entries
from yett.inventory.formats.yaml_spans import yaml_entries
from yett.inventory.hit import Hit

TITLE = "key in an MCP configuration"
_OWN = frozenset({".claude.json"})
"""Names without a folder that tell one client's file. mcp.json is anyone's."""
_MAC = "~/Library/Application Support"


def mcp_hits(kind: str, entries: list[Entry], *, root: str = "", bare: bool = False) -> Iterator[Hit]:
    """A finding's account is its server: which of them stops working when the key is taken back."""
    for server in servers(entries, root=root, bare=bare):
        for entry, account in secrets_of(server):
            shown = shown_account(account, entry.value)
            told = f"MCP server {server.name}" + (f" ({shown})" if shown else "")
            yield entry.hit(kind, TITLE, identity="api-key", account=told[:LONGEST_ACCOUNT])


def settings_hits(client: str, kind: str, entries: list[Entry], *, root: str = "") -> Iterator[Hit]:
    """Its MCP servers' keys, then whatever else its settings hold under a secret's name."""
    told: set[tuple[int, int]] = set()
    for hit in mcp_hits(kind, entries, root=root):
        told.add((hit.start, hit.end))
        yield hit
    rest = [entry for entry in entries if not _is_server(entry)]
    for entry, account in entries_once(named_secrets(rest)):
        if (entry.start, entry.end) in told:
            continue
        title = f"key in the settings of {client}"
        yield entry.hit("agent-settings", title, identity="api-key", account=shown_account(account, entry.value))


def _is_server(entry: Entry) -> bool:
    """Whether it stands among the MCP servers, which are read by their own rules."""
    return not CONTAINERS.isdisjoint(key.lower() for key in entry.path)


def _only(
    name: str, *homes: str, paths: Iterable[str] = (), names: Iterable[str] = (), root: str = "servers"
) -> Format:
    """A file of nothing but MCP servers."""
    kind = f"mcp-{name}"
    parse = parser(json_entries, lambda entries: mcp_hits(kind, entries, root=root, bare=True))
    return _format(kind, parse, homes, paths, names)


def _settings(
    name: str,
    client: str,
    *homes: str,
    paths: Iterable[str] = (),
    names: Iterable[str] = (),
    root: str = "",
    reader: Reader = json_entries,
) -> Format:
    """A client's settings, among them its MCP servers."""
    kind = f"mcp-{name}"
    return _format(
        kind, parser(reader, lambda entries: settings_hits(client, kind, entries, root=root)), homes, paths, names
    )


def _format(kind: str, parse: Parse, homes: Iterable[str], paths: Iterable[str], names: Iterable[str]) -> Format:
    endings = dict.fromkeys(ending for ending in (*map(_ending, homes), *paths) if "/" in ending or ending in _OWN)
    return Format(kind, TITLE, "api-key", parse, names=tuple(names), paths=tuple(endings), homes=tuple(homes))


def _ending(home: str) -> str:
    """What tells the file elsewhere: the path behind its last folder of any name."""
    folder, star, name = home.removeprefix("~/").rpartition("*/")
    return name if star and "*" not in name else folder + star + name


def _plugins(*folders: str) -> Iterator[str]:
    """Plugin folders lie at several depths: market place, plugin, version."""
    for folder in folders:
        for depth in range(1, 5):
            for name in (".mcp.json", "mcp.json", ".claude-plugin/plugin.json", ".cursor-plugin/plugin.json"):
                yield f"{folder}/{'*/' * depth}{name}"


FORMATS = (
    _only(
        "claude-desktop",
        f"{_MAC}/Claude/claude_desktop_config.json",
        "~/.config/[Cc]laude/claude_desktop_config.json",
        names=("claude_desktop_config.json",),
    ),
    _settings("claude-code", "Claude Code", "~/.claude.json", "~/.claude/.claude.json"),
    _settings(
        "claude-settings",
        "Claude Code",
        "~/.claude/settings.json",
        "~/.claude/settings.local.json",
        "~/.claude/mcp-needs-auth-cache.json",
        paths=("claude-code/managed-settings.json", "claude-code/managed-mcp.json"),
    ),
    _only(
        "plugin",
        *_plugins("~/.claude/plugins", "~/.cursor/plugins/cache", "~/.cursor/plugins/local"),
        paths=(".claude-plugin/plugin.json", ".cursor-plugin/plugin.json"),
    ),
    _only("cursor", "~/.cursor/mcp.json"),
    _only(
        "vscode",
        "~/.config/*/User/mcp.json",
        "~/.config/*/User/profiles/*/mcp.json",
        f"{_MAC}/*/User/mcp.json",
        f"{_MAC}/*/User/profiles/*/mcp.json",
        "~/.vscode-server/data/User/mcp.json",
        "~/.config/github-copilot/*/mcp.json",
        paths=(".vscode/mcp.json",),
        root="servers",
    ),
    _settings(
        "vscode-settings",
        "VS Code",
        "~/.config/*/User/settings.json",
        "~/.config/*/User/profiles/*/settings.json",
        f"{_MAC}/*/User/settings.json",
        f"{_MAC}/*/User/profiles/*/settings.json",
        "~/.vscode-server/data/Machine/settings.json",
        paths=(".vscode/settings.json", ".vscode/launch.json", ".vscode/tasks.json"),
        names=("*.code-workspace", "devcontainer.json", ".devcontainer.json"),
        root="mcp",
    ),
    _only("copilot-cli", "~/.copilot/mcp-config.json", "~/.copilot/mcp.json"),
    _only("windsurf", "~/.codeium/windsurf/mcp_config.json", "~/.codeium/mcp_config.json"),
    _settings("codex", "Codex", "~/.codex/config.toml", reader=toml_entries),
    _settings("gemini", "Gemini", "~/.gemini/settings.json", "~/.qwen/settings.json", "~/.iflow/settings.json"),
    _only("antigravity", "~/.gemini/antigravity/mcp_config.json", names=("mcp_config.json",)),
    _settings("zed", "Zed", "~/.config/zed/settings.json", paths=(".zed/settings.json",)),
    _only(
        "cline",
        "~/.config/*/User/globalStorage/*/settings/cline_mcp_settings.json",
        "~/.config/*/User/globalStorage/*/settings/mcp_settings.json",
        f"{_MAC}/*/User/globalStorage/*/settings/cline_mcp_settings.json",
        f"{_MAC}/*/User/globalStorage/*/settings/mcp_settings.json",
        "~/.cline/data/settings/cline_mcp_settings.json",
        names=("cline_mcp_settings.json", "mcp_settings.json"),
    ),
    _settings(
        "continue",
        "Continue",
        "~/.continue/config.yaml",
        "~/.continue/mcpServers/*.yaml",
        "~/.continue/assistants/*.yaml",
        reader=yaml_entries,
    ),
    _settings("continue-json", "Continue", "~/.continue/config.json", "~/.continue/mcpServers/*.json"),
    _settings("goose", "Goose", "~/.config/goose/config.yaml", root="extensions", reader=yaml_entries),
    _only("lm-studio", "~/.lmstudio/mcp.json", "~/.cache/lm-studio/mcp.json"),
    _settings(
        "opencode",
        "opencode",
        "~/.config/opencode/opencode.json",
        "~/.config/opencode/opencode.jsonc",
        "~/.config/opencode/config.json",
        names=("opencode.json", "opencode.jsonc", ".opencode.json"),
        root="mcp",
    ),
    _only("kiro", "~/.kiro/settings/mcp.json"),
    _settings(
        "crush",
        "Crush",
        "~/.config/crush/crush.json",
        "~/.local/share/crush/crush.json",
        names=("crush.json", ".crush.json"),
        root="mcp",
    ),
    _only("sema4", "~/.sema4ai/sema4ai-studio/mcp_servers.json", names=("mcp_servers.json",)),
    _settings("vibe", "Vibe", "~/.vibe/config.toml", "~/.config/vibe/config.toml", reader=toml_entries),
    _settings(
        "openclaw",
        "OpenClaw",
        "~/.openclaw/*.json",
        "~/.clawdbot/*.json",
        "~/.moltbot/*.json",
        names=("openclaw.json", "clawdbot.json"),
        root="mcp",
    ),
    _settings("amp", "Amp", "~/.config/amp/settings.json"),
    _settings("librechat", "LibreChat", names=("librechat.yaml", "librechat.yml"), reader=yaml_entries),
    _settings(
        "agent-yaml",
        "an agent",
        names=("fastagent.config.yaml", "fastagent.secrets.yaml"),
        root="mcp",
        reader=yaml_entries,
    ),
    _only(
        "others",
        "~/.aws/amazonq/mcp.json",
        "~/.factory/mcp.json",
        "~/.rovodev/mcp.json",
        "~/.junie/mcp/mcp.json",
        "~/.trae/mcp.json",
        "~/.roo/mcp.json",
        "~/.config/mcphub/servers.json",
        "~/.config/mcp/mcp.json",
        names=(".mcp.json", "mcp.json", "mcp-config.json", "*.mcp.json"),
    ),
    Format(
        "mcp",
        TITLE,
        "api-key",
        parser(json_entries, lambda entries: mcp_hits("mcp", entries)),
        sniff=rb'"(?:mcpServers|mcp_servers|context_servers)"',
    ),
)
