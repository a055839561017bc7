"""Credentials in a command: options, headers, addresses, assignments, and the places that programs are known for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from yett.inventory.formats.command_options import (
    FROM_INPUT,
    HOST_FLAGS,
    OPTIONS,
    PAIRED,
    USER_FLAGS,
    WRAPPERS,
    Option,
    Shape,
)
from yett.inventory.formats.entry import account_at
from yett.inventory.formats.json_spans import json_entries
from yett.inventory.formats.named_values import named_secrets
from yett.inventory.formats.parser import read_all
from yett.inventory.formats.secret_names import is_no_value, is_secret, looks_made, names_a_secret
from yett.inventory.formats.shell_words import Command, commands
from yett.inventory.formats.word import BLANK_PASSWORDS, Found, Word, in_address, in_header

TELLING = re.compile(
    rb"(?i)pass|pwd|secret|token|key|auth|://|cred|bearer|login|cookie|psk|pat|jwt|curl|http|mysql|mariadb|mongo|redis|valkey"
    rb"|sqlcmd|bcp|osql|sqlplus|ldap|open|smbclient|net|lftp|ncftp|zip|7z|rar|rdp|rdesktop|ipmitool|snmp|mosquitto"
    rb"|rabbitmqctl|wpa_|nmcli|twine|cqlsh|swaks|mount"
)
"""What every line with a credential has: lines without are not taken apart."""

_ASSIGNED = re.compile(rb"(?P<name>-{0,2}[A-Za-z_/][A-Za-z0-9_.:/@\[\]-]{0,200}?):?=(?P<value>.+)", re.DOTALL)
_MEMBER = re.compile(rb"(?:^|[,;&\s?])(?P<name>[A-Za-z][A-Za-z0-9_ .-]{1,40}?)\s?=\s?(?P<value>[^,;&\s'\"]{1,500})")
_HEADER_NAME = re.compile(rb"(?P<name>[A-Za-z][A-Za-z0-9-]{1,60})\s{0,4}:")
_ORACLE = re.compile(rb"(?P<user>[A-Za-z][\w$#]{0,60})/(?P<password>[^\s@/]{4,100})@(?P<host>[^\s]{1,300})")
_LONGEST_BODY = 16_384
_HOST = re.compile(r"[\w.-]{1,200}(?::\d{1,5})?/?")
_NO_VALUE = frozenset(
    {"--with-token", "--show-token", "--print-token", "--generate-password", "--no-token", "--auth", "--new-password"}
)
_KEEPS_APART = frozenset({"mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mysqlimport", "mysqlcheck"})
"""Their --password takes no separate word: the next one is the database."""


def in_shell(content: bytes, start: int, end: int, *, origin: int = 0) -> Iterator[Found]:
    """Every credential of the shell text between two bytes, a span once. `origin`: where in the file content begins."""
    before: Command = []
    seen: set[tuple[int, int]] = set()
    for operator, words in commands(content, start, end, origin=origin):
        found: Iterable[Found] = in_command(words)
        if operator == "|":
            found = [*found, *_piped(before, words)]
        yield from _once(found, seen)
        before = words


def in_command(words: Sequence[Word], *, nested: bool = False) -> Iterator[Found]:
    """Every credential in the words of one command; the same one may come twice.

    `nested`: the command stands in a word of another (sh -c), so its own words are not taken apart again.
    """
    program, at = _program(words)
    account = _account(words)
    if not nested and any(word.text in _OF_COMMANDS for word in words[:8]):
        yield from _in_inner(words)
        words = [word for word in words if not _holds_command(word, words[0])]
    for entry, known in _found(program, words, at):
        if not is_no_value(entry.value) and not entry.value.startswith("-"):
            yield entry, known or account


def _found(program: str, words: Sequence[Word], at: int) -> Iterator[Found]:
    may_pair = program == "nmcli"
    reads = program == "gh" or reads_secret(words)
    before = following = None
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else None
        yield from in_address(word)
        yield from _in_word(word)
        yield from _header_word(word, before)
        if following is not None:
            yield from _named_pair(program, word, following, may_pair)
            if word.value == b"<<<" and reads:
                yield _input(following, words)
        may_pair = may_pair or word.text in PAIRED
        before = word
    for option in OPTIONS.get(program, ()):
        yield from _of_option(option, words[at:])
    yield from _by_position(program, words[at:])


def assigned(word: Word, depth: int = 3) -> Iterator[Found]:
    """NAME=VALUE where the name tells that it is a secret; also --from-literal=NAME=VALUE."""
    found = _ASSIGNED.fullmatch(word.value) if depth else None
    if found is None:
        return
    name = found["name"].decode("latin-1")
    entry = word.part(*found.span("value"), name.lstrip("-"))
    if is_secret(name, entry.value):
        yield entry, ""
        return
    if name.lower().rpartition("-")[2] in ("header", "h") or name.lower().endswith("extraheader"):
        yield from in_header(word.behind(found.start("value")))
    else:
        yield from assigned(word.behind(found.start("value")), depth - 1)


def _in_inner(words: Sequence[Word]) -> Iterator[Found]:
    """sh -c 'curl -u ...', alias db='mysql -p...'"""
    for word in words:
        if _holds_command(word, words[0]) and word.runs:
            at, raw, size = word.runs[-1]
            for _, inner in commands(word.value, at, at + size, origin=raw - at):
                yield from in_command(inner, nested=True)


def _holds_command(word: Word, first: Word) -> bool:
    """Of an alias every word does, whatever its name is."""
    return b" " in word.value or (first.value == b"alias" and word is not first)


def _in_word(word: Word) -> Iterator[Found]:
    if word.value.startswith((b"{", b"[")):
        yield from _in_json(word)
        return
    any_assigned = list(assigned(word))
    yield from any_assigned
    if any_assigned or b"=" not in word.value or b"://" in word.value:
        return
    names = {
        found["name"].strip().lower(): found["value"].decode("utf-8", "replace")
        for found in _MEMBER.finditer(word.value, 0, 8192)
    }
    if len(names) < 2:
        return
    user = next((names[key] for key in (b"user", b"username", b"uid", b"user id") if key in names), "")
    host = next((names[key] for key in (b"host", b"server", b"data source") if key in names), "")
    for found in _MEMBER.finditer(word.value, 0, 8192):
        entry = word.part(*found.span("value"), found["name"].decode("latin-1"))
        if is_secret(entry.key.strip(), entry.value):
            yield entry, account_at(user, host)


def _in_json(word: Word) -> Iterator[Found]:
    """A request's body."""
    if len(word.value) > _LONGEST_BODY:
        return
    entries, _ = read_all(json_entries, word.value)
    for entry, account in named_secrets(entries):
        yield word.part(entry.start, entry.end, entry.key), account


def _header_word(word: Word, before: Word | None) -> Iterator[Found]:
    if word.value.startswith(b"-H") and len(word.value) > 2:
        word = word.behind(2)
    found = _HEADER_NAME.match(word.value)
    if found is None or b"://" in word.value[: found.end() + 2]:
        return
    name = found["name"].decode("ascii")
    if names_a_secret(name) or (before is not None and before.value in (b"-H", b"--header")):
        yield from in_header(word)


def _named_pair(program: str, word: Word, following: Word, may_pair: bool) -> Iterator[Found]:
    """--token VALUE, and NAME VALUE behind `set` or `config`."""
    name = word.text
    if "=" in name or name in _NO_VALUE or following.value.startswith((b"-", b"<", b">")):
        return
    if name.startswith("-"):
        if program in _KEEPS_APART or len(name) < 4:
            return
    elif not may_pair:
        return
    entry = following.tail(0, name.lstrip("-"))
    if is_secret(name, entry.value) and (name.startswith("-") or not entry.value.isalpha()):
        yield entry, ""  # "set the token once" is a sentence


def reads_secret(words: Sequence[Word]) -> bool:
    """Whether the command takes a credential from its input."""
    return not FROM_INPUT.isdisjoint(word.text for word in words)


def _piped(before: Command, words: Command) -> Iterator[Found]:
    """echo VALUE | docker login --password-stdin"""
    if len(before) < 2 or before[0].value not in (b"echo", b"printf") or not reads_secret(words):
        return
    entry, account = _input(before[-1], words)
    if not is_no_value(entry.value) and "%" not in entry.value[:1]:
        yield entry, account or _account(words)


def _input(word: Word, reader: Sequence[Word]) -> Found:
    user, colon, _ = word.value.partition(b":")
    if colon and any(part.value == b"chpasswd" for part in reader):
        return word.tail(len(user) + 1, "password"), user.decode("utf-8", "replace")
    return word.tail(0, "password"), ""


def _of_option(option: Option, words: Sequence[Word]) -> Iterator[Found]:
    if option.only_with and option.only_with.isdisjoint(word.text for word in words):
        return
    for index, word in enumerate(words):
        flag = next((flag for flag in option.flags if word.value.startswith(flag.encode())), None)
        if flag is None:
            continue
        rest = word.value[len(flag) :]
        if not rest and option.apart and index + 1 < len(words):
            yield from _shaped(option.shape, words[index + 1])
        elif rest and flag.startswith("--") and rest.startswith(b"="):
            yield from _shaped(option.shape, word.behind(len(flag) + 1))
        elif rest and option.joined and not flag.startswith("--"):
            yield from _shaped(option.shape, word.behind(len(flag)))


def _shaped(shape: Shape, word: Word) -> Iterator[Found]:
    if shape is Shape.PASSWORD:
        yield word.tail(0, "password"), ""
        return
    user, sign, _ = word.value.partition(shape.value.encode())
    if sign and shape is Shape.USER_COLON and word.value[len(user) + 1 :] in BLANK_PASSWORDS:
        if looks_made(word.text.partition(":")[0]):
            yield word.part(0, len(user), "user"), ""
        return
    if sign and len(user) < len(word.value):
        account = "" if shape is Shape.OPENSSL else user.decode("utf-8", "replace")
        yield word.tail(len(user) + len(sign), "password"), account


def _by_position(program: str, words: Sequence[Word]) -> Iterator[Found]:
    """Programs that take a credential as a plain word."""
    plain = [word for word in words if not word.value.startswith(b"-")]
    options = [word.text for word in words if word.value.startswith(b"-")]
    match program:
        case "htpasswd" if any("b" in option for option in options) and len(plain) >= 3:
            yield plain[-1].tail(0, "password"), plain[-2].text
        case "vault" | "bao" if len(plain) == 3 and plain[1].value == b"login" and b"=" not in plain[2].value:
            yield plain[2].tail(0, "token"), ""
        case "rabbitmqctl" if len(plain) >= 4 and plain[1].value in (
            b"add_user",
            b"change_password",
            b"authenticate_user",
        ):
            yield plain[3].tail(0, "password"), plain[2].text
        case "wpa_passphrase" if len(plain) == 3:
            yield plain[2].tail(0, "psk"), plain[1].text
        case "openssl" if len(plain) == 3 and plain[1].value == b"passwd":
            yield plain[2].tail(0, "password"), ""
        case "sqlplus" | "sqlldr" | "expdp" | "impdp" | "exp" | "imp" | "rman":
            for word in plain[1:]:
                if found := _ORACLE.fullmatch(word.value):
                    entry = word.part(*found.span("password"), "password")
                    yield entry, account_at(found["user"].decode(), found["host"].decode("utf-8", "replace"))
        case "redis-cli" | "valkey-cli" if len(plain) >= 3 and plain[1].value.lower() == b"auth":
            yield plain[-1].tail(0, "password"), ""


_CRON = re.compile(r"[\d*/,-]+|@(?:reboot|hourly|daily|weekly|monthly|yearly|annually|midnight)|[\w-]+:|\d+\)")
"""A crontab's times, a Procfile's name of the process."""
_OF_COMMANDS = frozenset(
    {"sh", "bash", "zsh", "dash", "ksh", "fish", "ssh", "su", "eval", "watch", "alias", "parallel", "script"}
)
"""Programs that take a whole command as one word."""


def _program(words: Sequence[Word]) -> tuple[str, int]:
    """The program's name, behind assignments and sudo, and where it stands."""
    skipped = is_value = timed = False
    for index, word in enumerate(words):
        text = word.text
        if is_value:
            is_value = False
        elif text in WRAPPERS:
            skipped = True
        elif skipped and text in ("-u", "-g", "-h", "-p", "-C"):
            is_value = True
        elif _CRON.fullmatch(text):
            timed = True
        elif text.startswith("Exec") and "=" in text:
            return _base(text.partition("=")[2]), index
        elif timed and _base(text) not in OPTIONS and _base(words[min(index + 1, len(words) - 1)].text) in OPTIONS:
            continue  # a system crontab names the user before the command
        elif not _ASSIGNED.fullmatch(word.value) and not (skipped and text.startswith("-")):
            return _base(text), index
    return "", 0


def _base(text: str) -> str:
    return text.lstrip("@-+!").rpartition("/")[2].lower().removesuffix(".exe")


def _account(words: Sequence[Word]) -> str:
    """User and host of the options; what else their values hold (passwords, headers, queries) is never shown."""
    user = re.split(r"[:%,\s]", _value_of(words, USER_FLAGS), maxsplit=1)[0]
    host = re.sub(r"^\w+://", "", _value_of(words, HOST_FLAGS)).rpartition("@")[2]
    return account_at(user, host if _HOST.fullmatch(host) else "")


def _value_of(words: Sequence[Word], flags: tuple[str, ...]) -> str:
    for index, word in enumerate(words):
        text = word.text
        name, equals, value = text.partition("=")
        if name in flags and equals:
            return value
        if text in flags and index + 1 < len(words):
            following = words[index + 1].text
            return "" if following.startswith("-") or " " in following else following
        if text[:2] in flags and len(text) > 2 and not text.startswith("--"):
            return text[2:]
    return ""


def _once(found: Iterable[Found], seen: set[tuple[int, int]]) -> Iterator[Found]:
    for entry, account in found:
        if (entry.start, entry.end) not in seen:
            seen.add((entry.start, entry.end))
            yield entry, account


def entries_once(found: Iterable[Found]) -> Iterator[Found]:
    """Of credentials at the same bytes the first."""
    yield from _once(found, set())
