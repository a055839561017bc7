"""Logins of agents: the tokens that a client gets when a person signs in, and the keys of models in its own files.

Shapes of the login files: measured (findings on agent clients, section 5).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from yett.inventory.formats.entry import Entry, by_parent
from yett.inventory.formats.env_spans import env_entries
from yett.inventory.formats.format import Format
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.named_values import named_secrets
from yett.inventory.formats.parser import Reader, hits, parser
from yett.inventory.formats.word import Found
from yett.inventory.formats.yaml_spans import yaml_entries
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

_TOKENS = frozenset(
    {"accesstoken", "refreshtoken", "access_token", "refresh_token", "id_token", "idtoken", "openai_api_key"}
    | {"oauth_token", "token", "apikey", "api_key", "key", "refresh", "access", "secret", "session_key", "sessionkey"}
    | {"bearer", "password", "cookie", "primaryapikey", "client_secret"}
)
_ACCOUNTS = ("email", "login", "user", "account_id", "accountid", "username", "accountuuid")


def _tokens(entries: list[Entry]) -> Iterator[Found]:
    """Every member that is a token by its name in a file that holds nothing but a login."""
    objects = by_parent(entries)
    for entry in entries:
        if entry.key.lower() in _TOKENS and entry.is_real and len(entry.value) >= 8 and " " not in entry.value:
            family = objects[entry.parent]
            account = next((family[name].value for name in _ACCOUNTS if name in family), "")
            yield entry, account or (entry.path[-2] if len(entry.path) > 1 and "/" not in entry.path[-2] else "")


def _copilot(entries: list[Entry]) -> Iterator[Found]:
    """ "copilotTokens": {"https://github.com:LOGIN": TOKEN}, and {"github.com:APP": {"user", "oauth_token"}}."""
    for entry in entries:
        if len(entry.path) > 1 and entry.path[-2].lower() == "copilottokens" and entry.is_real:
            host, _, user = entry.key.rpartition(":")
            yield entry, f"{user}@{host.removeprefix('https://')}" if host else entry.key
    yield from _tokens(entries)


def _login(
    name: str,
    client: str,
    *homes: str,
    find: Callable[[list[Entry]], Iterable[Found]] = _tokens,
    paths: Iterable[str] = (),
) -> Format:
    """A file that a login writes."""
    kind, title = f"{name}-login", f"login of {client}"

    def found(entries: list[Entry]) -> Iterator[Hit]:
        return hits(find(entries), kind, title, identity="oauth-token", severity=Severity.CRITICAL)

    endings = (*(home.removeprefix("~/") for home in homes), *paths)
    return Format(
        kind, title, "oauth-token", parser(json_entries, found), (), endings, homes, severity=Severity.CRITICAL
    )


def _keys(name: str, client: str, *homes: str, names: Iterable[str] = (), reader: Reader = yaml_entries) -> Format:
    """A file where a person puts keys of models."""
    kind, title = f"{name}-keys", f"key in the settings of {client}"

    def found(entries: list[Entry]) -> Iterator[Hit]:
        return hits(named_secrets(entries), kind, title, identity="api-key")

    endings = tuple(home.removeprefix("~/") for home in homes)
    return Format(kind, title, "api-key", parser(reader, found), tuple(names), endings, homes)


def _aider(content: bytes) -> Iterable[Entry]:
    """aider takes lists of "provider=key" under api-key, too."""
    for entry in yaml_entries(content):
        provider, equals, value = entry.value.partition("=")
        if "api-key" in entry.path and equals and not entry.decoded:
            yield Entry((provider, "api-key"), value, entry.start + len(provider.encode()) + 1, entry.end)
        else:
            yield entry


def _keyed(content: bytes) -> Iterable[Entry]:
    """Names of providers, each with its key: {"openai": KEY}."""
    for entry in json_entries(content):
        if not entry.key.startswith("//"):
            yield Entry((*entry.path, "key"), entry.value, entry.start, entry.end, entry.decoded)


FORMATS = (
    _login("claude", "Claude Code", "~/.claude/.credentials.json"),
    _login("codex", "Codex", "~/.codex/auth.json"),
    _login(
        "gemini", "Gemini", "~/.gemini/oauth_creds.json", "~/.gemini/mcp-oauth-tokens.json", "~/.qwen/oauth_creds.json"
    ),
    _login(
        "copilot",
        "Copilot",
        "~/.config/github-copilot/hosts.json",
        "~/.config/github-copilot/apps.json",
        "~/.copilot/config.json",
        "~/Library/Application Support/github-copilot/hosts.json",
        "~/Library/Application Support/github-copilot/apps.json",
        find=_copilot,
    ),
    _login("opencode", "opencode", "~/.local/share/opencode/auth.json", "~/.local/share/opencode/mcp-auth.json"),
    _login("cursor", "Cursor", "~/.config/cursor/auth.json", "~/.cursor/auth.json", "~/.cursor/cli-config.json"),
    _login("windsurf", "Windsurf", "~/.codeium/config.json", "~/.codeium/windsurf/config.json"),
    _login("kiro", "Kiro", "~/.aws/sso/cache/kiro-auth-token.json", "~/.kiro/auth.json"),
    _login("amp", "Amp", "~/.local/share/amp/secrets.json", "~/.config/amp/secrets.json"),
    _login("factory", "Factory", "~/.factory/auth.json"),
    _login("crush", "Crush", "~/.local/share/crush/auth.json"),
    _login(
        "openclaw",
        "OpenClaw",
        "~/.openclaw/agents/*/agent/auth-profiles.json",
        "~/.openclaw/agents/*/agent/auth.json",
        "~/.openclaw/credentials/*.json",
        "~/.clawdbot/agents/*/agent/auth-profiles.json",
        "~/.clawdbot/credentials/*.json",
    ),
    _login("mcp-remote", "MCP servers", "~/.mcp-auth/*/*_tokens.json", "~/.mcp-auth/*/*_client_info.json"),
    _keys("aider", "aider", "~/.aider.conf.yml", names=(".aider.conf.yml", ".aider.conf.yaml"), reader=_aider),
    _keys("aider-oauth", "aider", "~/.aider/oauth-keys.env", reader=env_entries),
    _keys("goose", "Goose", "~/.config/goose/secrets.yaml"),
    _keys(
        "litellm",
        "LiteLLM",
        names=("litellm_config.yaml", "litellm.yaml", "litellm-config.yaml", "litellm_config.yml", "proxy_config.yaml"),
    ),
    _keys(
        "llm",
        "llm",
        "~/.config/io.datasette.llm/keys.json",
        "~/Library/Application Support/io.datasette.llm/keys.json",
        reader=_keyed,
    ),
    _keys("shell-gpt", "shell-gpt", "~/.config/shell_gpt/.sgptrc", reader=env_entries),
    _keys(
        "aichat",
        "aichat",
        "~/.config/aichat/config.yaml",
        "~/Library/Application Support/aichat/config.yaml",
        "~/.config/mods/mods.yml",
    ),
    _keys("interpreter", "Open Interpreter", "~/.config/open-interpreter/profiles/*.yaml"),
    _keys("hermes", "Hermes", "~/.hermes/config.yaml"),
    _keys("openhands", "OpenHands", "~/.openhands/settings.json", "~/.openhands/secrets.json", reader=json_entries),
    _keys(
        "agent-env",
        "an agent",
        "~/.vibe/.env",
        "~/.openclaw/.env",
        "~/.clawdbot/.env",
        "~/.gemini/.env",
        "~/.codex/.env",
        "~/.qwen/.env",
        "~/.hermes/.env",
        "~/.continue/.env",
        reader=env_entries,
    ),
)
