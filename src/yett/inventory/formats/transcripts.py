"""Agents' transcripts: what a person pasted, what a tool printed. JSON lines without a place for credentials.

Nothing there is a secret by where it stands, so the parsers find nothing: these formats say where transcripts lie, and
the patterns read them (a JSON string's escapes end a token as blanks do).
"""

from __future__ import annotations

from collections.abc import Iterable

from yett.inventory.formats.format import Format
from yett.inventory.hit import Hit

_MAC = "~/Library/Application Support"


def _nothing(_content: bytes) -> Iterable[Hit]:
    return ()


def _transcript(name: str, client: str, *homes: str) -> Format:
    return Format(f"{name}-transcript", f"credential in a transcript of {client}", "", _nothing, homes=homes)


FORMATS = (
    _transcript(
        "claude",
        "Claude Code",
        "~/.claude/projects/*/*.jsonl",
        "~/.claude/projects/*/subagents/*.jsonl",
        "~/.claude/projects/*/*/subagents/*.jsonl",
        "~/.claude/projects/*/*/tool-results/*",
        "~/.claude/history.jsonl",
        "~/.claude/todos/*.json",
        "~/.claude/shell-snapshots/*.sh",
        "~/.claude/paste-cache/*",
        "~/.claude/file-history/*/*",
        "~/.claude/debug/*.txt",
    ),
    _transcript(
        "codex",
        "Codex",
        "~/.codex/sessions/*/*/*/rollout-*.jsonl",
        "~/.codex/archived_sessions/rollout-*.jsonl",
        "~/.codex/history.jsonl",
        "~/.codex/log/*.log",
        "~/.codex/shell_snapshots/*.sh",
    ),
    _transcript(
        "cursor",
        "Cursor",
        "~/.config/Cursor/User/globalStorage/state.vscdb",
        f"{_MAC}/Cursor/User/globalStorage/state.vscdb",
        "~/.cursor/projects/*/agent-transcripts/*",
        "~/.cursor/projects/*/agent-transcripts/*/*",
    ),
    _transcript(
        "gemini", "Gemini", "~/.gemini/tmp/*/logs.json", "~/.gemini/tmp/*/chats/*.json", "~/.gemini/tmp/*/shell_history"
    ),
    _transcript(
        "copilot",
        "Copilot",
        "~/.copilot/session-state/*.jsonl",
        "~/.copilot/session-state/*/events.jsonl",
        "~/.copilot/logs/*.log",
        "~/.copilot/command-history-state.json",
    ),
    _transcript(
        "opencode",
        "opencode",
        "~/.local/share/opencode/storage/part/*/*.json",
        "~/.local/share/opencode/storage/message/*/*.json",
        "~/.local/share/opencode/log/*.log",
        "~/.local/share/opencode/opencode.db",
    ),
    _transcript(
        "goose",
        "Goose",
        "~/.local/share/goose/sessions/*.jsonl",
        "~/.local/share/goose/sessions/sessions.db",
        "~/.config/goose/history.txt",
    ),
    _transcript("continue", "Continue", "~/.continue/sessions/*.json", "~/.continue/logs/*.log"),
    _transcript(
        "cline",
        "Cline",
        "~/.config/*/User/globalStorage/*/tasks/*/*.json",
        f"{_MAC}/*/User/globalStorage/*/tasks/*/*.json",
    ),
    _transcript("aider", "aider", "~/.aider.chat.history.md", "~/.aider.input.history"),
    _transcript(
        "openclaw", "OpenClaw", "~/.openclaw/agents/*/sessions/*.jsonl", "~/.clawdbot/agents/*/sessions/*.jsonl"
    ),
    _transcript("vibe", "Vibe", "~/.vibe/logs/session/*", "~/.vibe/vibehistory"),
)
