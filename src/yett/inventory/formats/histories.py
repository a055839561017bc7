"""What a person typed: histories of shells, database clients and interpreters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from yett.inventory.formats.code_values import code_entries
from yett.inventory.formats.command_secrets import TELLING, in_shell
from yett.inventory.formats.format import Format
from yett.inventory.formats.ini_spans import lines
from yett.inventory.formats.named_values import named_secrets
from yett.inventory.formats.parser import hits
from yett.inventory.formats.sql_secrets import TELLING as SQL_TELLING
from yett.inventory.formats.sql_secrets import in_sql
from yett.inventory.formats.word import Found, Word
from yett.inventory.hit import Hit

LONGEST_LINE = 65_536
_ZSH = re.compile(rb": \d{1,12}:\d{1,12};")
_FISH = re.compile(rb"(?:- cmd: |    - )")
_OCTAL = re.compile(rb"\\([0-3][0-7]{2})")
_REDIS_WORD = re.compile(rb"""\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'|(?P<bare>[^\s\"']\S*+)""")
_REDIS = re.compile(rb"(?i)auth|requirepass|masterauth|setuser|hello|://")


def shell_lines(content: bytes) -> Iterator[Found]:
    """Of each line that could hold one, the credentials of its commands. A timestamp before the command is left out."""
    for start, end in lines(content):
        if end - start > LONGEST_LINE or not TELLING.search(content, start, end):
            continue
        prefix = _ZSH.match(content, start, end) or _FISH.match(content, start, end)
        yield from in_shell(content, prefix.end() if prefix else start, end)


def _sql_lines(content: bytes) -> Iterator[Found]:
    """libedit writes blanks in octal; \\password asks, so its argument is a user."""
    for start, end in lines(content):
        if end - start <= LONGEST_LINE and SQL_TELLING.search(content, start, end):
            yield from in_sql(_unescaped(content[start:end], start))


def _unescaped(line: bytes, start: int) -> Word:
    pieces: list[bytes] = []
    runs: list[tuple[int, int, int]] = []
    at = size = 0
    for found in _OCTAL.finditer(line):
        for piece, raw in ((line[at : found.start()], at), (bytes((int(found[1], 8),)), found.start())):
            if piece and raw != found.start():
                runs.append((size, start + raw, len(piece)))
            pieces.append(piece)
            size += len(piece)
        at = found.end()
    runs.append((size, start + at, len(line) - at))
    return Word(b"".join((*pieces, line[at:])), start, start + len(line), tuple(runs))


def _redis_lines(content: bytes) -> Iterator[Found]:
    for start, end in lines(content):
        if end - start <= LONGEST_LINE and _REDIS.search(content, start, end):
            yield from redis_command([_word(found) for found in _REDIS_WORD.finditer(content, start, end)])


def _word(found: re.Match[bytes]) -> Word:
    group = found.lastgroup or "bare"
    return Word(found[group], *found.span(group), ((0, found.start(group), len(found[group])),))


def redis_command(words: list[Word]) -> Iterator[Found]:
    """AUTH [user] password, HELLO 3 AUTH user password, CONFIG SET requirepass, ACL SETUSER user >password."""
    texts = [word.text.lower() for word in words]
    for at, text in enumerate(texts):
        rest = words[at + 1 :]
        if text == "auth" and rest:
            with_user = len(rest) > 1 and (at > 0 or len(rest) == 2)
            yield rest[1 if with_user else 0].tail(0, "password"), rest[0].text if with_user else ""
            return
        if text in ("requirepass", "masterauth", "auth2") and rest:
            yield rest[-1 if text == "auth2" else 0].tail(0, "password"), ""
            return
        if text == "setuser" and rest:
            yield from ((word.tail(1, "password"), rest[0].text) for word in rest[1:] if word.value[:1] == b">")
            return


def _code_lines(content: bytes) -> Iterator[Found]:
    yield from named_secrets(code_entries(content))


def _history(
    name: str, what: str, find: Callable[[bytes], Iterator[Found]], *homes: str, names: tuple[str, ...]
) -> Format:
    kind, title = f"{name}-history", f"password in {what}"

    def parse(content: bytes) -> Iterator[Hit]:
        real = ((entry, account) for entry, account in find(content) if entry.is_real)
        yield from hits(real, kind, title)

    return Format(kind, title, "password", parse, names, (), homes)


FORMATS = (
    _history(
        "shell",
        "a shell's history",
        shell_lines,
        "~/.bash_history",
        "~/.zsh_history",
        "~/.zhistory",
        "~/.zsh/history",
        "~/.histfile",
        "~/.sh_history",
        "~/.ksh_history",
        "~/.history",
        "~/.ash_history",
        "~/.bash_sessions/*.history",
        "~/.zsh_sessions/*.history",
        "~/.local/share/fish/fish_history",
        "~/.config/fish/fish_history",
        "~/.local/share/powershell/PSReadLine/ConsoleHost_history.txt",
        names=(
            ".bash_history",
            ".zsh_history",
            ".zhistory",
            ".histfile",
            ".sh_history",
            ".ksh_history",
            ".ash_history",
            "fish_history",
            "consolehost_history.txt",
        ),
    ),
    _history(
        "sql",
        "a database client's history",
        _sql_lines,
        "~/.psql_history",
        "~/.psql_history-*",
        "~/.mysql_history",
        "~/.mariadb_history",
        "~/.mycli-history",
        "~/.config/pgcli/history",
        "~/.sqlite_history",
        "~/.usql_history",
        "~/.duckdb_history",
        "~/.clickhouse-client-history",
        "~/.cassandra/cqlsh_history",
        names=(
            ".psql_history",
            ".mysql_history",
            ".mariadb_history",
            ".mycli-history",
            ".sqlite_history",
            "cqlsh_history",
        ),
    ),
    _history(
        "redis",
        "redis-cli's history",
        _redis_lines,
        "~/.rediscli_history",
        "~/.valkeycli_history",
        names=(".rediscli_history", ".valkeycli_history"),
    ),
    _history(
        "interpreter",
        "an interpreter's history",
        _code_lines,
        "~/.python_history",
        "~/.node_repl_history",
        "~/.irb_history",
        "~/.pry_history",
        "~/.local/share/pry/pry_history",
        "~/.Rhistory",
        "~/.php_history",
        "~/.mongodb/mongosh/mongosh_repl_history",
        "~/.dbshell",
        "~/.scala_history",
        "~/.lua_history",
        "~/.erlang_history",
        names=(
            ".python_history",
            ".node_repl_history",
            ".irb_history",
            ".pry_history",
            ".rhistory",
            ".php_history",
            "mongosh_repl_history",
            ".dbshell",
        ),
    ),
)
