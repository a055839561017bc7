"""MCP configurations: the keys that servers are given, whoever the client is, told with the server's name."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

Parsed = Callable[..., list]
Made = Callable[..., str]

JSON_CLIENTS = (
    "home/u/.config/Claude/claude_desktop_config.json",
    "Users/u/Library/Application Support/Claude/claude_desktop_config.json",
    "home/u/.claude.json",
    "p/.mcp.json",
    "home/u/.claude/settings.json",
    "home/u/.claude/plugins/market/one/.mcp.json",
    "home/u/.claude/plugins/market/one/.claude-plugin/plugin.json",
    "home/u/.claude/mcp-needs-auth-cache.json",
    "home/u/.cursor/mcp.json",
    "p/.cursor/mcp.json",
    "home/u/.cursor/plugins/cache/x/mcp.json",
    "home/u/.copilot/mcp-config.json",
    "home/u/.codeium/windsurf/mcp_config.json",
    "home/u/.gemini/settings.json",
    "home/u/.gemini/antigravity/mcp_config.json",
    "home/u/.config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    "home/u/.config/Cursor/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    "home/u/.lmstudio/mcp.json",
    "home/u/.cache/lm-studio/mcp.json",
    "home/u/.kiro/settings/mcp.json",
    "home/u/.sema4ai/sema4ai-studio/mcp_servers.json",
    "home/u/.openclaw/openclaw.json",
    "home/u/.clawdbot/clawdbot.json",
)


@pytest.mark.parametrize("path", JSON_CLIENTS)
def test_every_client_s_servers_are_read(path: str, parsed: Parsed, made: Made) -> None:
    token = made()
    [found] = parsed(path, json.dumps({"mcpServers": {"tickets": {"command": "x", "env": {"TICKETS_TOKEN": token}}}}))
    assert (found.value, found.account) == (token, "MCP server tickets")
    assert "in an MCP configuration" in found.hit.title


def test_projects_within_claude_s_settings_have_servers_of_their_own(parsed: Parsed, made: Made) -> None:
    token = made()
    servers = {"db": {"command": "x", "args": ["--api-key", token]}}
    [found] = parsed("h/.claude.json", json.dumps({"projects": {"/srv/a": {"mcpServers": servers}}}))
    assert (found.value, found.account) == (token, "MCP server db")


def test_arguments_hold_keys_in_many_forms(parsed: Parsed, made: Made) -> None:
    values = [made() for _ in range(6)]
    args = [
        *(
            "-y",
            "server",
            "--api-key",
            values[0],
            f"--token={values[1]}",
            "--header",
            f"Authorization: Bearer {values[2]}",
        ),
        *("-e", f"SERVICE_SECRET={values[3]}", f"postgresql://app:{values[4]}@db.internal/prod"),
        *("--header", f"X-Api-Key:{values[5]}", "-p", "8080:80", "--max-tokens", "4096"),
    ]
    found = parsed("p/.mcp.json", json.dumps({"mcpServers": {"s": {"command": "npx", "args": args}}}))
    assert [each.value for each in found] == values
    assert found[4].account == "MCP server s (app@db.internal)"


def test_a_whole_command_in_one_string(parsed: Parsed, made: Made) -> None:
    first, second, third = made(), made(), made()
    servers = {
        "a": {"command": "sh", "args": ["-c", f"A_KEY={first} npx x --password {second}"]},
        "b": {"command": f'npx mcp-remote https://h.io --header "Authorization: Bearer {third}"'},
    }
    found = parsed("p/.mcp.json", json.dumps({"mcpServers": servers}))
    assert [each.value for each in found] == [first, second, third]


def test_headers_and_addresses_of_remote_servers(parsed: Parsed, made: Made) -> None:
    bearer, key, query, segment = made(40), made(), made(), made(40)
    servers = {
        "a": {"url": "https://h.io/mcp", "headers": {"Authorization": f"Bearer {bearer}", "X-API-Key": key}},
        "b": {"serverUrl": f"https://h.io/mcp?apiKey={query}&v=1"},
        "c": {"url": f"https://h.io/s/{segment}/mcp"},
    }
    found = parsed("p/.mcp.json", json.dumps({"mcpServers": servers}))
    assert [each.raw for each in found] == [bearer, key, query, segment]


def test_escapes_are_masked_and_decoded(parsed: Parsed, made: Made) -> None:
    token = made()
    text = f'{{"mcpServers": {{"s": {{"env": {{"A_TOKEN": "\\u0041{token}"}}}}}}}}'
    [found] = parsed("p/.mcp.json", text)
    assert (found.value, found.raw) == ("A" + token, "\\u0041" + token)


def test_references_are_no_keys(parsed: Parsed) -> None:
    env = {"A_TOKEN": "${A_TOKEN}", "B_TOKEN": "${input:b}", "C_KEY": "<your key>", "D_TOKEN": "", "E_TOKEN": "{env:E}"}
    servers = {"s": {"env": env, "headers": {"Authorization": "Bearer ${T}"}, "args": ["--token", "$TOKEN"]}}
    assert parsed("p/.mcp.json", json.dumps({"mcpServers": servers})) == []


def test_vs_code_keeps_servers_under_another_key_with_comments(parsed: Parsed, made: Made) -> None:
    token, password = made(), made()
    text = f'// mine\n{{"servers": {{"s": {{"headers": {{"Authorization": "Bearer {token}"}},}},}}}}'
    for path in (
        "p/.vscode/mcp.json",
        "h/.config/Code/User/mcp.json",
        "h/Library/Application Support/Code/User/mcp.json",
    ):
        assert [found.value for found in parsed(path, text)] == [token]
    settings = {
        "mcp": {"servers": {"s": {"env": {"X_TOKEN": token}}}},
        "sqltools.connections": [{"server": "db", "username": "me", "password": password}],
    }
    found = parsed("h/.config/Code/User/settings.json", json.dumps(settings))
    assert [(each.value, each.account) for each in found] == [(token, "MCP server s"), (password, "me@db")]


def test_codex_and_vibe_write_toml(parsed: Parsed, made: Made) -> None:
    first, second, third = made(), made(), made()
    codex = (
        f'[mcp_servers.docs]\ncommand = "npx"\nargs = ["--token={first}"]\n[mcp_servers.docs.env]\nA_KEY_ID = "n"\n'
        f'[mcp_servers.web]\nurl = "https://h.io"\nbearer_token_env_var = "WEB_TOKEN"\n'
        f'http_headers = {{ "X-Auth-Token" = "{second}" }}\nenv_http_headers = {{ "Authorization" = "WEB_AUTH_9" }}\n'
    )
    for path in ("h/.codex/config.toml", "p/.codex/config.toml"):
        found = parsed(path, codex)
        assert [(each.raw, each.account) for each in found] == [(first, "MCP server docs"), (second, "MCP server web")]
    vibe = (
        f'[[mcp_servers]]\nname = "notes"\nheaders = {{ "Authorization" = "Bearer {third}" }}\napi_key_env = "NOTES"\n'
    )
    [found] = parsed("h/.vibe/config.toml", vibe)
    assert (found.raw, found.account) == (third, "MCP server notes")


def test_continue_and_goose_write_yaml(parsed: Parsed, made: Made) -> None:
    first, second, third = made(), made(), made()
    text = f"models:\n- name: m\n  apiKey: {first}\nmcpServers:\n- name: sql\n  args: [--password, {second}]\n"
    found = parsed("h/.continue/config.yaml", text)
    assert {(each.raw, each.account) for each in found} == {(first, ""), (second, "MCP server sql")}
    text = f"extensions:\n  hub:\n    envs:\n      HUB_TOKEN: {third}\n    env_keys: [HUB_TOKEN]\n"
    [only] = parsed("h/.config/goose/config.yaml", text)
    assert (only.raw, only.account) == (third, "MCP server hub")


def test_zed_opencode_and_crush_have_keys_of_their_own(parsed: Parsed, made: Made) -> None:
    first, second, third = made(), made(), made()
    zed = {"context_servers": {"pg": {"settings": {"database_url": f"postgresql://me:{first}@db/x"}}}}
    [found] = parsed("h/.config/zed/settings.json", json.dumps(zed))
    assert (found.raw, found.account) == (first, "MCP server pg (me@db)")
    opencode = {
        "mcp": {"a": {"command": ["npx", "--api-key", second]}},
        "provider": {"o": {"options": {"apiKey": third}}},
    }
    found = parsed("h/.config/opencode/opencode.json", json.dumps(opencode))
    assert [(each.raw, each.account) for each in found] == [(second, "MCP server a"), (third, "")]
    crush = {
        "mcp": {"a": {"env": {"A_TOKEN": first}}},
        "providers": {"o": {"api_key": second, "base_url": "https://h"}},
    }
    for path in ("h/.config/crush/crush.json", "p/.crush.json"):
        assert [each.raw for each in parsed(path, json.dumps(crush))] == [first, second]


def test_a_broken_file_still_gives_what_stands_before_the_break(made: Made) -> None:
    from yett.inventory.formats import Unparsable, format_of

    token = made()
    form = format_of("p/.mcp.json")
    assert form is not None
    hits = form.parse(f'{{"mcpServers": {{"s": {{"env": {{"A_TOKEN": "{token}"}}}}, "b": {{'.encode())
    assert next(iter(hits)).account == "MCP server s"
    with pytest.raises(Unparsable):
        list(hits)
