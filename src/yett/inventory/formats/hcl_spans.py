"""HCL with byte offsets (Terraform, Vault, Packer): blocks with labels, attributes, lists, here documents.

Expressions are not evaluated: an attribute's strings are its values, wherever they stand in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import DEEPEST, Entry
from yett.inventory.formats.format import Unparsable

_TOKEN = re.compile(
    rb"""(?s)(?P<newline>[\n,])"""
    rb"""|(?P<blank>[ \t\r;]++|\#[^\n]*+|//[^\n]*+|/\*.*?\*/)"""
    rb"""|"(?P<string>[^"\\\n]*+(?:\\.[^"\\\n]*+)*+)\""""
    rb"""|<<-?(?P<word>[A-Za-z_]\w*+)[ \t]*+\r?\n"""
    rb"""|(?P<equals>=(?!=)|:)"""
    rb"""|(?P<open>[{\[(])|(?P<close>[}\])])"""
    rb"""|(?P<name>[A-Za-z_][\w.-]*+)|(?P<number>[0-9][\w.-]*+)|(?P<other>.)"""
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


def hcl_entries(content: bytes) -> Iterator[Entry]:
    """Every string and number that an attribute holds: path (block, label, ..., key), positions in lists as digits.

    Raises:
        Unparsable: nested too deeply, or a comment or bracket that is not closed.
    """
    nest = _Nest()
    at = 3 if content.startswith(b"\xef\xbb\xbf") else 0
    while (token := _TOKEN.match(content, at)) is not None:
        at = token.end()
        group = token.lastgroup or ""
        if group == "word":
            start, at = at, _here_end(content, at, token["word"])
            entry = nest.value(content[start:at], start)
        elif group in ("string", "number"):
            entry = nest.value(token[group], token.start(group), quoted=group == "string")
        elif content.startswith(b"/*", token.start()) and group == "other":
            raise Unparsable("a comment in the HCL is not closed")
        else:
            nest.mark(group, token[0].decode("utf-8", "replace"))
            continue
        if entry is not None:
            yield entry
    if nest.open:
        raise Unparsable("the HCL ends in the middle")


class _Nest:
    """The open blocks and lists: each one's part of the path, and of a list the values so far (else -1)."""

    def __init__(self) -> None:
        self._levels: list[tuple[str, ...]] = []
        self._counts: list[int] = []
        self._words: list[str] = []
        """Of the line so far: a block's type and labels, or an attribute's key."""
        self._assigned = False

    @property
    def open(self) -> bool:
        return bool(self._levels)

    def value(self, raw: bytes, start: int, *, quoted: bool = True) -> Entry | None:
        """A string: a label or key before the equals sign, a value behind it or in a list."""
        text = raw.decode("utf-8", "replace")
        value = re.sub(r"(?s)\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text) if "\\" in text else text
        if self._counts and self._counts[-1] >= 0:
            last = str(self._counts[-1])
            self._counts[-1] += 1
        elif self._assigned and self._words:
            last = self._words[-1]
        else:
            self._words.append(value)
            return None
        path = (*(part for level in self._levels for part in level), last)
        decoded = value.encode("utf-8", "replace") if value != text else b""
        return Entry(path, value, start, start + len(raw), decoded, quoted)

    def mark(self, group: str, text: str) -> None:
        if group == "newline":
            self._words.clear()
            self._assigned = False
        elif group == "equals":
            self._assigned = True
        elif group == "name" and not self._assigned:
            self._words.append(text)
        elif group == "open":
            self._open(text)
        elif group == "close" and self._levels:
            self._levels.pop()
            self._counts.pop()
            self._words.clear()
            self._assigned = False

    def _open(self, bracket: str) -> None:
        if len(self._levels) >= DEEPEST:
            raise Unparsable(f"HCL nested deeper than {DEEPEST} levels")
        in_list = bool(self._counts) and self._counts[-1] >= 0
        part = (str(self._counts[-1]),) if in_list else tuple(self._words[-1:] if self._assigned else self._words[:8])
        self._levels.append(part)
        self._counts.append(-1 if bracket == "{" else 0)
        self._words.clear()
        self._assigned = False


def _here_end(content: bytes, start: int, word: bytes) -> int:
    found = re.compile(rb"(?m)^[ \t]*" + re.escape(word) + rb"[ \t]*\r?$").search(content, start)
    return found.start() if found else len(content)
