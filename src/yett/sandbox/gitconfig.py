"""git configuration as values, read and written by the grammar of git-config(1), "Syntax"."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """One line. `section` and `key` are lower-case; `value` None is a key without `=`, which means true."""

    section: str
    subsection: str
    key: str
    value: str | None

    @property
    def name(self) -> str:
        return ".".join(part for part in (self.section, self.subsection, self.key) if part)


class Malformed(ValueError):
    """Text that git itself would refuse to read."""


_ESCAPES = {"n": "\n", "t": "\t", "b": "\b", '"': '"', "\\": "\\"}


def parse(text: str) -> list[Entry]:
    """Entries in order. Raises Malformed."""
    entries: list[Entry] = []
    section = subsection = ""
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
    at = 0
    while at < len(lines):
        line = lines[at].strip(" \t")
        if line.startswith("["):
            section, subsection, line = _header(line)
            line = line.strip(" \t")
        if line and line[0] not in "#;":
            if not section:
                raise Malformed("a key before any section")
            key, equals, rest = _key(line)
            value = None
            if equals:
                value, at = _value(rest, lines, at)
            entries.append(Entry(section, subsection, key, value))
        at += 1
    return entries


def serialise(entries: list[Entry]) -> str:
    """Text that git reads back as the same entries."""
    out: list[str] = []
    place = None
    for entry in entries:
        if place != (place := (entry.section, entry.subsection)):
            quoted = entry.subsection.replace("\\", "\\\\").replace('"', '\\"')
            out.append(f'[{entry.section} "{quoted}"]' if entry.subsection else f"[{entry.section}]")
        out.append(f"\t{entry.key}" + ("" if entry.value is None else f" = {_quote(entry.value)}"))
    return "\n".join(out) + "\n" if out else ""


def _header(line: str) -> tuple[str, str, str]:
    """(section, subsection, what follows the bracket) of a section line."""
    end = 1
    while end < len(line) and (line[end].isalnum() or line[end] in "-."):
        end += 1
    name = line[1:end]
    if not name or end == len(line):
        raise Malformed("a section header that does not end")
    if line[end] == "]":
        section, _, subsection = name.partition(".")
        return section.lower(), subsection.lower(), line[end + 1 :]
    rest = line[end:].lstrip(" \t")
    if not rest.startswith('"'):
        raise Malformed("a section header with a stray character")
    subsection, rest = _quoted(rest[1:])
    if not rest.startswith("]"):
        raise Malformed("a section header that does not end")
    return name.lower(), subsection, rest[1:]


def _quoted(text: str) -> tuple[str, str]:
    out: list[str] = []
    at = 0
    while at < len(text) and text[at] != '"':
        at += text[at] == "\\"
        out.append(text[at : at + 1])
        at += 1
    if at >= len(text):
        raise Malformed("a quoted name that does not end")
    return "".join(out), text[at + 1 :]


def _key(line: str) -> tuple[str, bool, str]:
    end = 0
    while end < len(line) and (line[end].isalnum() or line[end] == "-"):
        end += 1
    key, rest = line[:end], line[end:].lstrip(" \t")
    if not key or not key[0].isalpha() or not key.isascii():
        raise Malformed("a line that is no key")
    if rest.startswith("="):
        return key.lower(), True, rest[1:]
    if rest and rest[0] not in "#;":
        raise Malformed("a key with a stray character")
    return key.lower(), False, ""


def _value(text: str, lines: list[str], at: int) -> tuple[str, int]:
    """The value that starts in `text`, and the index of the line it ends on (a backslash continues it)."""
    out: list[str] = []
    quoted = False
    kept = 0
    text = text.lstrip(" \t")
    while text:
        letter, text = text[0], text[1:]
        if letter == "\\":
            if not text:
                at += 1
                text = lines[at] if at < len(lines) else ""
                continue
            if text[0] not in _ESCAPES:
                raise Malformed("an unknown escape")
            out.append(_ESCAPES[text[0]])
            text = text[1:]
            kept = len(out)
        elif letter == '"':
            quoted = not quoted
            kept = len(out)
        elif letter in "#;" and not quoted:
            break
        else:
            out.append(letter)
            kept = len(out) if quoted or letter not in " \t" else kept
    if quoted:
        raise Malformed("a quoted value that does not end")
    return "".join(out[:kept]), at


def _quote(value: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\t", "\\t"), ("\b", "\\b")):
        value = value.replace(plain, escaped)
    return f'"{value}"'
