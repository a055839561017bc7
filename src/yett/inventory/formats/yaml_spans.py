"""YAML with byte offsets, from the parser's events: no alias is followed, no object is built."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from yett.inventory.formats.entry import DEEPEST, Entry
from yett.inventory.formats.format import Unparsable

if TYPE_CHECKING:
    import yaml

LONGEST = 2_000_000
"""Bytes. The parser makes about 1 MB a second; a larger file is data, and patterns read it faster."""

_PROPERTIES = re.compile(r"(?:[!&][^\s]*\s+)+")
_BLOCK_HEADER = re.compile(r"[|>][^\n]*\n[ \n]*")
_PLAIN_TAGS = (None, "!", "tag:yaml.org,2002:str")


def yaml_entries(content: bytes) -> Iterator[Entry]:
    """Every scalar that is a value, in the file's order; the documents of a stream are numbered by `documents`.

    A scalar with a tag of the application (!vault, !env) is no text: it is left out.

    Raises:
        Unparsable: no YAML, nested too deeply or too long; what was given before holds.
    """
    for _, entry in yaml_documents(content):
        yield entry


def yaml_documents(content: bytes) -> Iterator[tuple[int, Entry]]:
    """As `yaml_entries`, each with the number of its document."""
    import yaml  # not at the top: a commit hook that meets no YAML shall not load it

    if len(content) > LONGEST:
        raise Unparsable(f"YAML longer than {LONGEST} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unparsable("the YAML is not UTF-8") from None
    reader = _Reader(text, 3 if content.startswith(b"\xef\xbb\xbf") else 0)
    steps = reader.steps()
    try:
        for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
            step = steps.get(type(event))
            if step is not None and (entry := step(event)) is not None:
                yield reader.document, entry
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise Unparsable(f"broken YAML at line {line}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Unparsable("broken YAML") from None


class _Reader:
    """Where in the structure the events are. A level's key is None while a mapping waits for one."""

    def __init__(self, text: str, bom: int) -> None:
        self.document = -1
        self._text = text
        self._mark, self._mark_bytes, self._ascii = 0, bom, text.isascii()
        self._keys: list[str | None] = []
        self._counts: list[int] = []
        """Of a sequence the values so far, -1 in a mapping."""
        self._are_values: list[bool] = []
        """Whether the level is itself a value; else it is a key (? {a: b})."""

    def steps(self) -> dict[type[yaml.Event], Callable[[Any], Entry | None]]:
        """What each kind of event does; of a scalar that is a value, the entry comes out."""
        import yaml

        return {
            yaml.DocumentStartEvent: self._new_document,
            yaml.ScalarEvent: self._scalar,
            yaml.AliasEvent: self._alias,
            yaml.MappingStartEvent: lambda _: self._open(-1),
            yaml.SequenceStartEvent: lambda _: self._open(0),
            yaml.MappingEndEvent: self._close,
            yaml.SequenceEndEvent: self._close,
        }

    def _new_document(self, _event: yaml.Event) -> None:
        self.document += 1

    def _alias(self, _event: yaml.Event) -> None:
        if self._begin("*"):
            self._done()

    def _open(self, count: int) -> None:
        if len(self._counts) >= DEEPEST:
            raise Unparsable(f"YAML nested deeper than {DEEPEST} levels")
        self._are_values.append(self._begin("?"))
        self._keys.append(None)
        self._counts.append(count)

    def _close(self, _event: yaml.Event) -> None:
        self._keys.pop()
        self._counts.pop()
        if self._are_values.pop():
            self._done()

    def _begin(self, name: str) -> bool:
        """Whether what begins here is a value; if not it is its mapping's next key, by that name."""
        if not self._counts:
            return True
        if self._counts[-1] >= 0:
            self._keys[-1] = str(self._counts[-1])
            self._counts[-1] += 1
            return True
        if self._keys[-1] is None:
            self._keys[-1] = name
            return False
        return True

    def _done(self) -> None:
        """A value ended: a mapping waits for its next key."""
        if self._counts and self._counts[-1] < 0:
            self._keys[-1] = None

    def _scalar(self, event: yaml.ScalarEvent) -> Entry | None:
        is_value = self._begin(event.value)
        if not is_value:
            return None
        path = tuple([key or "" for key in self._keys])  # a generator takes twice as long, on every value
        self._done()
        return self._entry(event, path) if event.tag in _PLAIN_TAGS else None

    def _entry(self, event: yaml.ScalarEvent, path: tuple[str, ...]) -> Entry:
        assert event.start_mark is not None
        assert event.end_mark is not None
        start, end = event.start_mark.index, event.end_mark.index
        first = self._text[start : start + 1]
        if first in ("!", "&") and (found := _PROPERTIES.match(self._text, start, end)):
            start = found.end()
            first = self._text[start : start + 1]
        quoted = first in ("'", '"') and end - start >= 2
        if quoted:
            start, end = start + 1, end - 1
        elif first in ("|", ">") and (found := _BLOCK_HEADER.match(self._text, start, end)):
            start = found.end()
            end = start + len(self._text[start:end].rstrip())
        raw = self._text[start:end]
        decoded = b"" if raw == event.value else event.value.encode("utf-8", "surrogatepass")
        return Entry(path, event.value, self._bytes_at(start), self._bytes_at(end), decoded, quoted)

    def _bytes_at(self, index: int) -> int:
        """The byte offset of a character. Asked in rising order, so that the text is measured once."""
        width = index - self._mark if self._ascii else len(self._text[self._mark : index].encode())
        self._mark, self._mark_bytes = index, self._mark_bytes + width
        return self._mark_bytes
