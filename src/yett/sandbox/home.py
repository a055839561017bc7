"""The HOME inside: a private directory of the project, with the person's toolchains laid over it read-only.

Private, not a tmpfs: a client's login, its transcripts and the caches of package tools live from run to run, and
programs that save by rename (`~/.claude.json`) work. Never the person's own: what an agent plants in a shell start file
or a tool's directory stays in this project's sandbox. Credential files are not among what is shown; those that the
inventory knows come back as masked copies (masks).
"""

from __future__ import annotations

import os

TOOLCHAINS = (
    ".local/bin",
    ".local/lib",
    ".local/pipx",
    ".local/share/pipx",
    ".local/share/uv",
    ".local/share/mise",
    ".local/share/rtx",
    ".local/share/fnm",
    ".local/share/pnpm",
    ".local/share/claude",
    ".local/share/cursor-agent",
    ".local/share/virtualenvs",
    ".nvm",
    ".fnm",
    ".volta",
    ".n",
    ".pyenv",
    ".rbenv",
    ".rvm",
    ".nodenv",
    ".goenv",
    ".jenv",
    ".asdf",
    ".cargo/bin",
    ".cargo/env",
    ".cargo/config.toml",
    ".rustup",
    "go/bin",
    "sdk",
    ".bun",
    ".deno",
    ".sdkman",
    ".ghcup",
    ".elan",
    ".juliaup",
    ".dotnet",
    ".nix-profile",
    ".nix-defexpr",
    ".local/state/nix",
    "miniconda3",
    "anaconda3",
    "miniforge3",
    ".npm-global",
    ".yarn/bin",
    ".opencode/bin",
    ".cache/ms-playwright",
    ".cache/puppeteer",
    "bin",
)
"""Programs, never credentials: `.cargo`, `.npm` or `.local/share` as a whole would hold both."""

SHELL_FILES = (
    ".profile",
    ".bash_profile",
    ".bash_login",
    ".bash_aliases",
    ".bashrc",
    ".zshenv",
    ".zprofile",
    ".zshrc",
    ".zlogin",
    ".oh-my-zsh",
    ".config/fish/config.fish",
    ".config/starship.toml",
    ".config/mise",
    ".tool-versions",
    ".inputrc",
    ".vimrc",
    ".vim",
    ".nanorc",
    ".config/nvim",
    ".tmux.conf",
    ".screenrc",
    ".terminfo",
    ".editorconfig",
    ".gitignore_global",
    ".gitattributes_global",
    ".config/git/ignore",
    ".config/git/attributes",
)
"""How the person's shell and editors look. The daemon scans these before a run, and masks what it finds in them."""

CLIENT_SETTINGS = (
    ".claude/CLAUDE.md",
    ".claude/settings.json",
    ".claude/commands",
    ".claude/agents",
    ".claude/skills",
    ".claude/output-styles",
    ".claude/plugins",
    ".codex/AGENTS.md",
    ".codex/config.toml",
    ".codex/prompts",
    ".gemini/GEMINI.md",
    ".gemini/settings.json",
    ".copilot/config.json",
    ".copilot/mcp-config.json",
    ".config/opencode",
)
"""Copied into the private HOME, so that the client may change them there. Logins come as masked files instead."""

LOGINS = (
    ".claude/.credentials.json",
    ".claude.json",
    ".codex/auth.json",
    ".gemini/oauth_creds.json",
    ".gemini/google_accounts.json",
    ".local/share/opencode/auth.json",
    ".copilot/config.json",
    ".config/github-copilot/hosts.json",
    ".config/github-copilot/apps.json",
)
"""A client renews what is in these: an edit of their masked copy is carried back to the person's file."""

_MAX_COPIED_FILE = 4 << 20


def shown_files(home: str) -> list[str]:
    """Paths of the person's HOME whose content an agent will be able to read: what the inventory has to scan."""
    names = (*SHELL_FILES, *CLIENT_SETTINGS, ".gitconfig", ".config/git/config")
    return [path for name in names if os.path.lexists(path := os.path.join(home, name))]


def prepare(private: str, home: str, masked: frozenset[str]) -> None:
    """Bring the private HOME up to date: newer client settings are copied in, masked paths are emptied.

    A file under a mask must not lie in clear below it: deleting a mounted file's name on the host uncovers it.
    """
    os.makedirs(private, mode=0o700, exist_ok=True)
    for name in CLIENT_SETTINGS:
        source = os.path.join(home, name)
        if os.path.lexists(source):
            _copy_newer(source, os.path.join(private, name), masked)
    for path in masked:
        if path.startswith(home + "/"):
            _make_mount_point(os.path.join(private, path[len(home) + 1 :]))


def read_only(home: str) -> list[str]:
    """Toolchains and shell files that exist, as absolute paths to be bound read-only at the same place."""
    return [path for name in (*TOOLCHAINS, *SHELL_FILES) if os.path.exists(path := os.path.join(home, name))]


def _copy_newer(source: str, target: str, masked: frozenset[str]) -> None:
    if source in masked or os.path.islink(source):
        return
    if os.path.isdir(source):
        for entry in os.scandir(source):
            _copy_newer(entry.path, os.path.join(target, entry.name), masked)
        return
    status = os.stat(source)
    if status.st_size > _MAX_COPIED_FILE or not os.access(source, os.R_OK):
        return
    if os.path.exists(target) and os.stat(target).st_mtime >= status.st_mtime:
        return
    os.makedirs(os.path.dirname(target), mode=0o700, exist_ok=True)
    with open(source, "rb") as reading, open(target, "wb") as writing:
        writing.write(reading.read(_MAX_COPIED_FILE))
    os.chmod(target, status.st_mode & 0o700)
    os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _make_mount_point(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    if not os.path.isdir(path) or os.path.islink(path):
        with open(path, "w"):
            pass
