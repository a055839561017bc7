"""Files of agents: their configurations with MCP servers, their logins, what was said to them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bench.leaky.chance import Chance
from bench.leaky.layout import Json, Leaky, as_json, as_toml, as_yaml

# -- MCP servers, as every client's configuration has them


def _server(chance: Chance) -> tuple[Json, list[str]]:
    """One server: a command with an environment or arguments, or an address with headers."""
    made = chance.choice(("environment", "argument", "option", "header", "address"))
    value = chance.choice((chance.api_key, chance.opaque))()
    if made == "environment":
        name = chance.choice(
            ("API_KEY", "GITHUB_PERSONAL_ACCESS_TOKEN", "NOTION_TOKEN", "SERVICE_SECRET", "DB_PASSWORD")
        )
        quiet = {"LOG_LEVEL": "debug", "TENANT_ID": chance.uuid()}
        return {"command": "npx", "args": ["-y", f"@{chance.word()}/mcp"], "env": {name: value, **quiet}}, [value]
    if made == "argument":
        return {"command": "uvx", "args": [f"mcp-{chance.word()}", f"--api-key={value}", "--verbose"]}, [value]
    if made == "option":
        return {"command": "node", "args": ["server.js", "--token", value, "--port", "8080"]}, [value]
    if made == "header":
        form = chance.choice(("Authorization", "X-API-Key"))
        said = f"Bearer {value}" if form == "Authorization" else value
        return {"type": "http", "url": f"https://{chance.host()}/mcp", "headers": {form: said}}, [value]
    password = chance.password("_-")
    address = f"postgresql://{chance.person()}:{password}@{chance.host()}:5432/app"
    return {"command": "npx", "args": ["-y", "@modelcontextprotocol/server-postgres", address]}, [password]


def _servers(chance: Chance) -> tuple[Json, list[str]]:
    servers: Json = {}
    secrets: list[str] = []
    for _ in range(chance.randint(1, 4)):
        servers[chance.word()], found = _server(chance)
        secrets += found
    servers["files"] = {
        "command": "npx",
        "args": ["-y", "files", "/home/ada"],
        "env": {"API_KEY": chance.placeholder()},
    }
    return servers, secrets


def _mcp(path: str, key: str = "mcpServers", comments: bool = False, **more: Any) -> Callable[[Chance], Leaky]:
    def make(chance: Chance) -> Leaky:
        servers, secrets = _servers(chance)
        return Leaky(path, as_json(chance, {key: servers, **more}, comments and chance.random() < 0.5), secrets)

    return make


def _claude_login(chance: Chance) -> Leaky:
    access, refresh = f"sk-ant-oat01-{chance.text(93)}AA", f"sk-ant-ort01-{chance.text(93)}AA"
    login = {
        "accessToken": access,
        "refreshToken": refresh,
        "expiresAt": 1_900_000_000_000,
        "scopes": ["user:inference"],
    }
    return Leaky(".claude/.credentials.json", as_json(chance, {"claudeAiOauth": login}), [access, refresh])


def _claude_settings(chance: Chance) -> Leaky:
    key = chance.anthropic()
    settings = {
        "env": {"ANTHROPIC_API_KEY": key, "MAX_THINKING_TOKENS": "8000"},
        "model": "opus",
        "permissions": {"allow": []},
    }
    return Leaky(".claude/settings.json", as_json(chance, settings), [key])


def _claude_transcript(chance: Chance) -> Leaky:
    value, password = chance.api_key(), chance.password("_-")
    said = [
        {"type": "user", "message": {"role": "user", "content": f"use this key: {value}"}, "uuid": chance.uuid()},
        {
            "type": "assistant",
            "message": {
                "content": [
                    {
                        "type": "tool_use",
                        "name": "Bash",
                        "input": {"command": f"PGPASSWORD={password} psql -h {chance.host()} -U app"},
                    }
                ]
            },
            "uuid": chance.uuid(),
        },
    ]
    text = "".join(json.dumps(line) + "\n" for line in said)
    return Leaky(f".claude/projects/-home-ada-{chance.word()}/{chance.uuid()}.jsonl", text, [value, password])


def _codex(chance: Chance) -> Leaky:
    secret, bearer = chance.opaque(), chance.opaque()
    sections: Json = {
        "": {"model": "gpt-5", "approval_policy": "on-request"},
        "mcp_servers.search": {"command": "npx", "args": ["-y", "search"], "env": {"SEARCH_API_KEY": secret}},
        "mcp_servers.remote": {
            "url": f"https://{chance.host()}/mcp",
            "http_headers": {"Authorization": f"Bearer {bearer}"},
        },
    }
    return Leaky(".codex/config.toml", as_toml(chance, sections), [secret, bearer])


def _codex_login(chance: Chance) -> Leaky:
    tokens = {
        "id_token": chance.jwt(email="ada@corp.test"),
        "access_token": chance.jwt(),
        "refresh_token": f"rt_{chance.text(87, 'abcdefghijk0123456789-_')}",
    }
    login = {
        "OPENAI_API_KEY": None,
        "tokens": {**tokens, "account_id": chance.uuid()},
        "last_refresh": "2026-11-20T10:00:00Z",
    }
    return Leaky(".codex/auth.json", as_json(chance, login), list(tokens.values()))


def _gemini_login(chance: Chance) -> Leaky:
    access, refresh = (
        f"ya29.{chance.text(180, 'abcdefghijklmnopqrstuvwxyzABCDEF0123456789-_')}",
        f"1//0{chance.text(100)}",
    )
    login = {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expiry_date": 1_900_000_000_000}
    return Leaky(".gemini/oauth_creds.json", as_json(chance, login), [access, refresh])


def _copilot(chance: Chance) -> Leaky:
    token = f"gho_{chance.github()[4:]}"
    token = chance.github()
    app = {
        "github.com:Iv1.b507a08c87ecfe98": {"user": "ada", "oauth_token": token, "githubAppId": "Iv1.b507a08c87ecfe98"}
    }
    return Leaky(".config/github-copilot/apps.json", as_json(chance, app), [token])


def _continue(chance: Chance) -> Leaky:
    key, secret = chance.anthropic(), chance.opaque()
    config = {
        "name": "local",
        "models": [{"name": "claude", "provider": "anthropic", "apiKey": key}, {"name": "local", "provider": "ollama"}],
        "mcpServers": [{"name": "tracker", "command": "npx", "args": ["tracker"], "env": {"TRACKER_TOKEN": secret}}],
    }
    return Leaky(".continue/config.yaml", as_yaml(chance, config), [key, secret])


def _goose(chance: Chance) -> Leaky:
    secret = chance.opaque()
    extension = {"enabled": True, "type": "stdio", "cmd": "npx", "args": ["-y", "wiki"], "envs": {"WIKI_TOKEN": secret}}
    return Leaky(
        ".config/goose/config.yaml", as_yaml(chance, {"GOOSE_MODEL": "x", "extensions": {"wiki": extension}}), [secret]
    )


def _opencode_login(chance: Chance) -> Leaky:
    key, refresh = chance.openai(), chance.opaque()
    login = {
        "openai": {"type": "api", "key": key},
        "other": {"type": "oauth", "refresh": refresh, "expires": 1_900_000_000},
    }
    return Leaky(".local/share/opencode/auth.json", as_json(chance, login), [key, refresh])


def _aider(chance: Chance) -> Leaky:
    key = chance.anthropic()
    return Leaky(
        ".aider.conf.yml", as_yaml(chance, {"model": "sonnet", "anthropic-api-key": key, "dark-mode": True}), [key]
    )


AGENTS: tuple[Callable[[Chance], Leaky], ...] = (
    *(
        _claude_login,
        _claude_settings,
        _claude_transcript,
        _codex,
        _codex_login,
        _gemini_login,
        _copilot,
        _continue,
        _goose,
    ),
    *(_opencode_login, _aider),
    _mcp(".claude.json", numStartups=12, userID="0" * 8),
    _mcp(".config/Claude/claude_desktop_config.json"),
    _mcp(".cursor/mcp.json"),
    _mcp(".config/Code/User/mcp.json", "servers", comments=True),
    _mcp(".codeium/windsurf/mcp_config.json"),
    _mcp(".gemini/settings.json", theme="dark"),
    _mcp(".config/zed/settings.json", "context_servers", comments=True, theme="One"),
    _mcp(".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json"),
    _mcp(".lmstudio/mcp.json"),
    _mcp(".config/opencode/opencode.json", "mcp"),
    _mcp(".kiro/settings/mcp.json"),
    _mcp(".config/crush/crush.json", "mcp"),
)
