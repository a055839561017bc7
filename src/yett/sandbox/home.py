"""The HOME inside: a private directory of the project, with the person's toolchains laid over it read-only.

Private, not a tmpfs: a client's login, its transcripts and the caches of package tools live from run to run, and
programs that save by rename (`~/.claude.json`) work. Never the person's own: what an agent plants in a shell start file
or a tool's directory stays in this project's sandbox. Credential files are not among what is shown; those that the
inventory knows come back as masked copies (masks).
"""

from __future__ import annotations

import os

from yett.sandbox import beneath

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
"""A client renews what is in these: tokens that a renewal brought go into the person's file, no other edit does."""

_MAX_COPIED_FILE = 4 << 20


def shown(home: str) -> list[str]:
    """Files and folders of the person's HOME that an agent can read: what an inventory has to look through."""
    return [path for name in (*SHELL_FILES, *CLIENT_SETTINGS) if os.path.lexists(path := os.path.join(home, name))]


def prepare(private: str, home: str, masked: frozenset[str]) -> None:
    """Bring the private HOME up to date: newer client settings are copied in, masked paths are emptied.

    A file under a mask must not lie in clear below it: deleting a mounted file's name on the host uncovers it.
    """
    os.makedirs(private, mode=0o700, exist_ok=True)
    for name in CLIENT_SETTINGS:
        if os.path.lexists(os.path.join(home, name)):
            _copy_newer(home, name, private, masked)
    for path in masked:
        # an empty one may be the mount point of another run: replacing it would lift that mount
        if path.startswith(home + "/") and beneath.read(private, os.path.relpath(path, home)) != b"":
            beneath.write(private, os.path.relpath(path, home), b"")


def read_only(home: str) -> list[str]:
    """Toolchains and shell files that exist, as absolute paths to be bound read-only at the same place."""
    return [path for name in (*TOOLCHAINS, *SHELL_FILES) if os.path.exists(path := os.path.join(home, name))]


def _copy_newer(home: str, name: str, private: str, masked: frozenset[str]) -> None:
    source = os.path.join(home, name)
    if source in masked or os.path.islink(source):
        return
    if os.path.isdir(source):
        for entry in os.listdir(source):
            _copy_newer(home, os.path.join(name, entry), private, masked)
        return
    status = os.stat(source)
    if status.st_size > _MAX_COPIED_FILE or not os.access(source, os.R_OK):
        return
    above, last = os.path.split(name)
    with beneath.directory(private, above, make=True) as at:
        if beneath.modified(at, last) >= status.st_mtime_ns:
            return
        with open(source, "rb") as file:
            beneath.write(private, name, file.read(_MAX_COPIED_FILE), status.st_mode & 0o700)
        os.utime(last, ns=(status.st_atime_ns, status.st_mtime_ns), dir_fd=at, follow_symlinks=False)
