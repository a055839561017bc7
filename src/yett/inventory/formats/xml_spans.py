"""XML with byte offsets, from expat: attributes and texts. Entities of the document's own are refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.parsers import expat

from yett.inventory.formats.entry import DEEPEST, Entry
from yett.inventory.formats.format import Unparsable

_ATTRIBUTE = re.compile(rb"""(?s)\s([^\s=/>"'<]+)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)')""")
_ENCODINGS = (None, "utf-8", "utf8", "us-ascii", "ascii")
_TAG = re.compile(rb"""(?s)<[^>"']*+(?:"[^"]*+"[^>"']*+|'[^']*+'[^>"']*+)*+>""")
"""A start tag. An attribute may hold a >."""


def xml_entries(content: bytes) -> Iterator[Entry]:
    """Every attribute with the path (element, ..., "@name"), every text with (element, ...); no namespaces.

    Comments and blank texts are left out. The file is read at once: what is broken further down loses nothing above.

    Raises:
        Unparsable: no XML, not UTF-8, nested too deeply, or it declares entities (billion laughs).
    """
    reader = _Reader(content)
    failure = reader.read()
    yield from reader.entries
    if failure is not None:
        raise failure


class _Reader:
    """What expat told so far: the open elements, and the text that is being gathered for the innermost."""

    def __init__(self, content: bytes) -> None:
        self.entries: list[Entry] = []
        self._content = content
        self._path: list[str] = []
        self._text: list[str] = []
        self._start = -1
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = False
        self._parser.XmlDeclHandler = self._declared
        self._parser.EntityDeclHandler = self._entity
        self._parser.StartElementHandler = self._opened
        self._parser.EndElementHandler = self._closed
        self._parser.CharacterDataHandler = self._characters
        self._parser.CommentHandler = self._commented

    def read(self) -> Unparsable | None:
        """Why the reading stopped early, if it did."""
        try:
            self._parser.Parse(self._content, True)
        except Unparsable as failure:
            return failure
        except expat.ExpatError as error:
            return Unparsable(f"broken XML at line {error.lineno}")
        except (ValueError, LookupError):
            return Unparsable("broken XML")
        return None

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if (encoding.lower() if encoding else None) not in _ENCODINGS or self._content[:2] in (
            b"\xff\xfe",
            b"\xfe\xff",
        ):
            raise Unparsable("the XML is not UTF-8")

    def _entity(self, *_declaration: object) -> None:
        raise Unparsable("the XML declares entities of its own, which are not followed")

    def _opened(self, name: str, attributes: dict[str, str]) -> None:
        self._flush()
        if len(self._path) >= DEEPEST:
            raise Unparsable(f"XML nested deeper than {DEEPEST} levels")
        self._path.append(name.rpartition(":")[2])
        if not attributes:
            return
        tag = _TAG.match(self._content, self._parser.CurrentByteIndex)
        for found in _ATTRIBUTE.finditer(self._content, *tag.span()) if tag else ():
            name = found[1].decode("utf-8", "replace")
            group = 2 if found[2] is not None else 3
            value = attributes.get(name, "")
            decoded = b"" if value.encode("utf-8", "replace") == found[group] else value.encode("utf-8", "replace")
            path = (*self._path, "@" + name.rpartition(":")[2])
            self.entries.append(Entry(path, value, *found.span(group), decoded, quoted=True))

    def _closed(self, _name: str) -> None:
        self._flush()
        self._path.pop()

    def _commented(self, _comment: str) -> None:
        self._flush()

    def _characters(self, text: str) -> None:
        at = self._parser.CurrentByteIndex
        if self._start < 0:
            if not text.strip():
                return
            self._start = at
        self._text.append(text)

    def _flush(self) -> None:
        """The text up to the tag that expat is at: exact, as nothing else stands between two tags but comments."""
        if self._start < 0:
            return
        value = "".join(self._text).strip()
        self._text.clear()
        start, end = self._start, self._parser.CurrentByteIndex
        raw = self._content[start:end]
        start += len(raw) - len(raw.lstrip())
        raw = raw.strip().removesuffix(b"]]>")
        self._start = -1
        decoded = b"" if raw == value.encode("utf-8", "replace") else value.encode("utf-8", "replace")
        self.entries.append(Entry(tuple(self._path), value, start, start + len(raw), decoded))
