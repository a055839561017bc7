"""--home reads every place in which people, clients and agents keep credentials, and follows no planted link."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from yett.inventory.homes import home_files, machine_files, unread_keyrings
from yett.inventory.outcome import Unread

Found = dict[str, str]

MAC = "Library/Application Support"
KNOWN = [
    # agents and their MCP servers
    ".config/claude/claude_desktop_config.json",
    f"{MAC}/Claude/claude_desktop_config.json",
    ".claude.json",
    ".claude/settings.json",
    ".claude/plugins/installed_plugins.json",
    ".claude/mcp-needs-auth-cache.json",
    ".claude/projects/-home-ada-work/5d1c.jsonl",
    ".claude/projects/-home-ada-work/5d1c/subagents/agent-1.jsonl",
    ".claude/.credentials.json",
    ".cursor/mcp.json",
    ".cursor/plugins/cache/market/tool/1.0/.mcp.json",
    ".cursor/plugins/local/tool/mcp.json",
    ".config/Cursor/User/globalStorage/state.vscdb",
    f"{MAC}/Cursor/User/globalStorage/state.vscdb",
    ".config/Code/User/mcp.json",
    f"{MAC}/Code/User/mcp.json",
    ".config/Code/User/settings.json",
    f"{MAC}/Code/User/settings.json",
    ".copilot/config.json",
    ".copilot/mcp-config.json",
    ".codeium/windsurf/mcp_config.json",
    ".codex/config.toml",
    ".codex/sessions/2026/11/20/rollout-1.jsonl",
    ".codex/auth.json",
    ".gemini/settings.json",
    ".gemini/oauth_creds.json",
    ".gemini/antigravity/mcp_config.json",
    ".config/zed/settings.json",
    ".config/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    f"{MAC}/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    ".config/Cursor/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    f"{MAC}/Cursor/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json",
    ".continue/config.yaml",
    ".config/goose/config.yaml",
    ".lmstudio/mcp.json",
    ".cache/lm-studio/mcp.json",
    ".config/opencode/opencode.json",
    ".kiro/settings/mcp.json",
    ".config/crush/crush.json",
    ".sema4ai/sema4ai-studio/mcp_servers.json",
    ".vibe/config.toml",
    ".openclaw/agents/main/auth.json",
    ".clawdbot/config.json",
    # providers' command lines
    ".railway/config.json",
    ".railway/config-staging.json",
    ".railway/config-dev.json",
    ".config/doctl/config.yaml",
    ".config/.wrangler/config/default.toml",
    "Library/Preferences/.wrangler/config/default.toml",
    ".wrangler/config/default.toml",
    ".fly/config.yml",
    ".local/share/com.vercel.cli/auth.json",
    f"{MAC}/com.vercel.cli/auth.json",
    ".supabase/access-token",
    ".config/netlify/config.json",
    "Library/Preferences/netlify/config.json",
    ".netlify/config.json",
    ".config/gcloud/application_default_credentials.json",
    ".config/gcloud/credentials.db",
    ".config/gcloud/access_tokens.db",
    ".azure/msal_token_cache.json",
    ".azure/accessTokens.json",
    ".aws/credentials",
    ".aws/config",
    ".aws/sso/cache/1a2b.json",
    ".config/rclone/rclone.conf",
    ".config/neonctl/credentials.json",
    ".vault-token",
    ".kube/config",
    ".terraform.d/credentials.tfrc.json",
    ".terraformrc",
    ".config/gh/hosts.yml",
    ".config/glab-cli/config.yml",
    ".git-credentials",
    ".netrc",
    ".ssh/id_ed25519",
    ".ssh/config",
    ".docker/config.json",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".my.cnf",
    ".mylogin.cnf",
    # what was typed, and what every shell reads
    ".psql_history",
    ".mysql_history",
    ".rediscli_history",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".bash_history",
    ".zsh_history",
    ".local/share/fish/fish_history",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.fixture
def unread() -> list[Unread]:
    return []


@pytest.fixture
def found(home: Path, unread: list[Unread]) -> Callable[..., Found]:
    """Kinds by path below the home, or by whole path outside it."""

    def run(**environ: str) -> Found:
        listed = list(home_files(home, environ, unread.append))
        assert len({path for path, _ in listed}) == len(listed)
        real = os.path.realpath(home)
        return {os.path.relpath(path, real) if path.startswith(real + "/") else path: kind for path, kind in listed}

    return run


def put(folder: Path, name: str, content: str = "x") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


def test_every_known_place_is_read(home: Path, found: Callable[..., Found], unread: list[Unread]) -> None:
    for name in KNOWN:
        put(home, name)
    assert [name for name in KNOWN if name not in found()] == []
    assert unread == []


def test_kinds(home: Path, found: Callable[..., Found]) -> None:
    expected = {
        ".claude/projects/p/a.jsonl": "transcript",
        ".codex/sessions/2026/11/20/rollout-1.jsonl": "transcript",
        ".config/Cursor/User/globalStorage/state.vscdb": "transcript",
        ".zsh_history": "history",
        ".claude/history.jsonl": "history",
        ".npmrc": "client-config",
        ".bashrc": "client-config",
        ".ssh/work/id_rsa": "client-config",
    }
    for name in expected:
        put(home, name)
    assert found() == expected


def test_nothing_else_of_a_home_is_read(home: Path, found: Callable[..., Found]) -> None:
    for name in ("notes.txt", "work/app/main.py", ".cache/thing/data", ".ssh/id_rsa.pub", "Library/Mail/x"):
        put(home, name)
    (home / ".aws/credentials").mkdir(parents=True)
    assert found() == {}


def test_variables_move_folders(home: Path, tmp_path: Path, found: Callable[..., Found]) -> None:
    moved = {
        "XDG_CONFIG_HOME": put(tmp_path, "conf [1]/gh/hosts.yml"),
        "XDG_DATA_HOME": put(tmp_path, "data/fish/fish_history"),
        "CLAUDE_CONFIG_DIR": put(tmp_path, "claude/.claude.json"),
        "CODEX_HOME": put(tmp_path, "codex/auth.json"),
    }
    talk = put(tmp_path, "claude/projects/p/a.jsonl")
    folders = {name: str(tmp_path / path.relative_to(tmp_path).parts[0]) for name, path in moved.items()}
    put(home, ".codex/auth.json")
    read = found(**folders)
    assert set(read) == {".codex/auth.json", str(talk), *map(str, moved.values())}
    assert read[str(talk)] == "transcript"


def test_variables_name_files(home: Path, tmp_path: Path, found: Callable[..., Found]) -> None:
    first, second, typed = (put(tmp_path, name) for name in ("one.yaml", "two.yaml", "typed"))
    read = found(KUBECONFIG=f"{first}:{second}:relative", HISTFILE=str(typed), NETRC="/gone")
    assert read == {str(first): "client-config", str(second): "client-config", str(typed): "history"}


@pytest.mark.parametrize("version", [1, 2])
def test_installed_plugins_lead_to_their_folders(
    home: Path, tmp_path: Path, found: Callable[..., Found], version: int
) -> None:
    folder = tmp_path / "plugins/tool [x]"
    files = {str(put(folder, name)) for name in (".mcp.json", ".claude-plugin/plugin.json", "hooks/a.json")}
    put(folder, "src/main.py")
    entry = {"version": "1.0", "installPath": str(folder)}
    plugins = {"tool@market": entry if version == 1 else [{"scope": "user", **entry}, {"installPath": "/gone"}, 3]}
    put(home, ".claude/plugins/installed_plugins.json", json.dumps({"version": version, "plugins": plugins}))
    assert set(found()) == {".claude/plugins/installed_plugins.json", *files}


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, '{"plugins": {"a": {"installPath": "\\u0000/x"}}}', "\0"])
def test_a_broken_index_of_plugins(home: Path, found: Callable[..., Found], content: str) -> None:
    put(home, ".claude/plugins/installed_plugins.json", content)
    assert set(found()) == {".claude/plugins/installed_plugins.json"}


def test_a_persons_own_dotfiles_are_followed_once(home: Path, tmp_path: Path, found: Callable[..., Found]) -> None:
    kept = put(tmp_path, "dotfiles/npmrc")
    (home / ".npmrc").symlink_to(kept)
    inside = put(home, "dotfiles/zshrc")
    (home / ".zshrc").symlink_to(inside)
    (home / ".zprofile").symlink_to(".zshrc")
    assert found() == {str(kept): "client-config", "dotfiles/zshrc": "client-config"}


def test_a_link_to_somebody_elses_file_is_not_followed(
    home: Path, tmp_path: Path, found: Callable[..., Found], unread: list[Unread], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = put(tmp_path, "other/key")
    (home / ".npmrc").symlink_to(other)
    assert found() == {str(other): "client-config"}
    real = os.stat

    def told(path: str | Path, **how: bool) -> os.stat_result:
        about = real(path, **how)  # root alone could give the file itself away
        return os.stat_result((*about[:4], about.st_uid + 1, *about[5:])) if path == str(other) else about

    monkeypatch.setattr(os, "stat", told)
    assert found() == {}
    assert unread == [Unread(f"{home}/.npmrc", "a link to somebody else's file: not followed")]


def test_circles_of_links_end(home: Path, found: Callable[..., Found], unread: list[Unread]) -> None:
    (home / ".copilot/a").mkdir(parents=True)
    (home / ".copilot/a/up").symlink_to(home / ".copilot")
    (home / ".npmrc").symlink_to(home / ".npmrc")
    (home / ".netrc").symlink_to(home / "gone")
    put(home, ".copilot/a/config.json")
    assert found() == {".copilot/a/config.json": "client-config"}


def test_pipes_sockets_and_devices_are_no_files(home: Path, found: Callable[..., Found]) -> None:
    os.mkfifo(home / ".npmrc")
    (home / ".ssh").mkdir()
    with socket.socket(socket.AF_UNIX) as agent:
        agent.bind(str(home / ".ssh/agent"))
        (home / ".netrc").symlink_to("/dev/zero")
        assert found() == {}


def test_a_folder_that_may_not_be_listed_is_told(
    home: Path, found: Callable[..., Found], unread: list[Unread], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(home, ".ssh/id_rsa")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith(".ssh"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert found() == {}
    assert Unread(f"{os.path.realpath(home)}/.ssh", "Permission denied") in unread


def test_a_home_that_is_not_there(tmp_path: Path, unread: list[Unread]) -> None:
    assert list(home_files(tmp_path / "gone", {}, unread.append)) == []
    assert unread == []


def test_the_machines_own_files_are_given_without_a_report(unread: list[Unread]) -> None:
    assert all(os.path.isabs(path) and kind == "file" for path, kind in machine_files(unread.append))


def test_keyrings_are_named_and_never_asked(home: Path, tmp_path: Path) -> None:
    assert list(unread_keyrings(home, {})) == []
    put(home, ".local/share/keyrings/login.keyring")
    put(home, "Library/Keychains/login.keychain-db")
    put(tmp_path, "run/keyring/control")
    told = list(unread_keyrings(home, {"XDG_RUNTIME_DIR": str(tmp_path / "run")}))
    assert [one.what for one in told] == [
        "the keyring of this login",
        f"{home}/.local/share/keyrings/login.keyring",
        f"{home}/Library/Keychains/login.keychain-db",
    ]
    assert all("not read" in one.why for one in told)
