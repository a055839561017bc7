"""The MCP servers of a configuration, whatever client it is of, and the credentials that they are started with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from yett.inventory.formats.command_secrets import assigned, entries_once, in_command, in_shell
from yett.inventory.formats.entry import Entry, Path
from yett.inventory.formats.named_values import named_secret
from yett.inventory.formats.secret_names import looks_made
from yett.inventory.formats.word import Found, Word, in_address, in_header

CONTAINERS = frozenset({"mcpservers", "mcp_servers", "context_servers", "mcp-servers", "mcp.servers"})
"""Keys that hold servers wherever they stand."""
NESTED = {"mcp": "servers", "amp": "mcpservers"}
_ENVIRONMENT = frozenset({"env", "envs", "environment", "env_vars"})
_HEADERS = frozenset({"headers", "http_headers", "http-headers", "requestheaders", "extra_headers"})
_ADDRESSES = frozenset({"url", "serverurl", "httpurl", "uri", "endpoint", "baseurl", "base_url", "sseurl"})
_ARGUMENTS = frozenset({"args", "arguments", "command", "runtimeargs", "cmd"})
_NAMES_ONLY = frozenset(
    {"env_http_headers", "env_keys", "alwaysallow", "autoapprove", "inputs", "disabledtools", "tools"}
)
"""Members that hold names of variables and tools, no values."""
_STARTS = _ADDRESSES | _ARGUMENTS


@dataclass(frozen=True, slots=True)
class Server:
    """`entries` of its definition, each with its path below it."""

    name: str
    entries: tuple[tuple[Path, Entry], ...]


def servers(entries: Sequence[Entry], *, root: str = "", bare: bool = False) -> Iterator[Server]:
    """Those under any client's key; with `root` also under that key of the file ("servers", "mcp", "extensions").

    `bare`: the file may hold servers by their names and nothing else (a plugin's .mcp.json).
    """
    found: dict[Path, list[tuple[Path, Entry]]] = {}
    for entry in entries:
        depth = _depth(entry.path, root)
        if depth and len(entry.path) > depth + 1:
            found.setdefault(entry.path[: depth + 1], []).append((entry.path[depth + 1 :], entry))
    if not found and bare:
        found = _bare(entries)
    for path, members in found.items():
        yield Server(_name(path, members), tuple(members))


def secrets_of(server: Server) -> Iterator[Found]:
    """Every credential of its definition, a span once."""
    yield from entries_once(_secrets(server))


def _secrets(server: Server) -> Iterator[Found]:
    words: list[Word] = []
    for path, entry in server.entries:
        top, parent = path[0].lower(), path[-2].lower() if len(path) > 1 else ""
        if parent in _HEADERS:
            yield from in_header(Word.of(entry), path[-1])
        elif parent in _ENVIRONMENT:
            yield from named_secret(entry)
        elif top in _ARGUMENTS and (len(path) == 1 or path[-1].isdigit()):
            words.append(Word.of(entry))
        elif path[-1].lower() in _ADDRESSES:
            yield from in_address(Word.of(entry), path_too=True)
        elif parent in _NAMES_ONLY:
            continue
        elif top in _ENVIRONMENT:
            yield from assigned(Word.of(entry))
        else:
            yield from named_secret(entry)
    yield from _in_arguments(words)


def _in_arguments(words: Sequence[Word]) -> Iterator[Found]:
    yield from in_command(words)
    for word in words:
        if b" " in word.value and len(words) == 1:
            yield from _whole_command(word)
        elif word.value.startswith((b"http://", b"https://")):
            yield from in_address(word, path_too=True)
        elif looks_made(word.text, 32) and word.value.startswith((b"sk-", b"pk-", b"key-", b"tok")):
            yield word.tail(0, "args"), ""


def _whole_command(word: Word) -> Iterator[Found]:
    """The command line in one string; escapes in it are masked with all of it."""
    for entry, account in in_shell(word.value, 0, len(word.value), origin=word.start):
        value = entry.decoded or entry.value.encode()
        yield (entry if word.runs else Entry(entry.path, entry.value, word.start, word.end, value)), account


def _depth(path: Path, root: str) -> int:
    """How many keys lead to the servers' names, 0 if none does."""
    if root and len(path) > 1 and path[0].lower() == root:
        inner = NESTED.get(root)
        return 2 if inner and path[1].lower() == inner else 1
    for at, key in enumerate(path[:-1]):
        lower = key.lower()
        if lower in CONTAINERS or (lower == "servers" and at and path[at - 1].lower() == "mcp"):
            return at + 1
    return 0


def _bare(entries: Iterable[Entry]) -> dict[Path, list[tuple[Path, Entry]]]:
    named: dict[Path, list[tuple[Path, Entry]]] = {}
    for entry in entries:
        if len(entry.path) > 1:
            named.setdefault(entry.path[:1], []).append((entry.path[1:], entry))
    return {path: rest for path, rest in named.items() if any(below[0].lower() in _STARTS for below, _ in rest)}


def _name(path: Path, members: Iterable[tuple[Path, Entry]]) -> str:
    """A list's servers carry their names within."""
    if not path[-1].isdigit():
        return path[-1]
    return next((entry.value for below, entry in members if below == ("name",)), path[-1])
