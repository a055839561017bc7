"""netrc: machine, login, password in any order over any lines (inetutils, section 11.7; curl, Python and Heroku)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from yett.inventory.formats.entry import Entry, account_at
from yett.inventory.formats.format import Format, Unparsable
from yett.inventory.hit import Hit

TITLE = "password in a netrc"

_TOKEN = re.compile(rb'(?s)"(?P<quoted>[^"\\\n]*+(?:\\.[^"\\\n]*+)*+)"(?=\s|\Z)|(?P<plain>\S++)')
_LINE_END = re.compile(rb"\n|\Z")
_MACRO_END = re.compile(rb"\n[ \t\r]*\n|\Z")
_VALUED = (b"login", b"user", b"password", b"passwd", b"account")


def parse(content: bytes) -> Iterator[Hit]:
    """The passwords, each with its machine's login. A macro (macdef) ends at an empty line; it is not looked into.

    Raises:
        Unparsable: it begins with another word: prose about such files.
    """
    host, login, begun = "", "", False
    waiting: list[Entry] = []
    tokens = _Tokens(content)
    while (token := tokens.next()) is not None:
        word = token[0].lower()
        if word.startswith(b"#"):
            tokens.to(_LINE_END)
        elif word == b"macdef":
            tokens.to(_MACRO_END)
            begun = True
        elif word in (b"machine", b"default"):
            yield from _hits(waiting, account_at(login, host))
            waiting, login, begun = [], "", True
            named = tokens.next() if word == b"machine" else None
            host = _text(named) if named else ""
        elif not begun:
            raise Unparsable("does not begin as a netrc does")
        elif word in _VALUED and (value := tokens.next()) is not None:
            if word in (b"login", b"user"):
                login = _text(value)
            else:
                waiting.append(_entry(value))
    yield from _hits(waiting, account_at(login, host))


class _Tokens:
    """The words of the file, one by one."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 3 if content.startswith(b"\xef\xbb\xbf") else 0

    def next(self) -> re.Match[bytes] | None:
        found = _TOKEN.search(self._content, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def to(self, end: re.Pattern[bytes]) -> None:
        """Leave out what stands up to the end of a comment or macro."""
        found = end.search(self._content, self._at)
        self._at = found.start() if found else len(self._content)


def _text(token: re.Match[bytes]) -> str:
    raw = token[token.lastgroup or 0].decode("utf-8", "replace")
    return re.sub(r"(?s)\\(.)", r"\1", raw) if token.lastgroup == "quoted" else raw


def _entry(token: re.Match[bytes]) -> Entry:
    value, raw = _text(token), token[token.lastgroup or 0]
    decoded = value.encode() if token.lastgroup == "quoted" and b"\\" in raw else b""
    return Entry(("password",), value, *token.span(token.lastgroup or 0), decoded)


def _hits(entries: list[Entry], account: str) -> Iterator[Hit]:
    for entry in entries:
        if entry.is_real:
            yield entry.hit("netrc", TITLE, account=account)


FORMATS = (
    Format(
        "netrc",
        TITLE,
        "password",
        parse,
        names=(".netrc", "_netrc", "netrc"),
        homes=("~/.netrc", "~/_netrc", "~/.config/netrc"),
        sniff=rb"machine[ \t\r\n]{1,20}[^ \t\r\n]{1,100}[ \t\r\n]{1,20}login[ \t\r\n]{1,20}"
        rb"[^ \t\r\n]{1,100}[ \t\r\n]{1,20}password[ \t\r\n]",
    ),
)
