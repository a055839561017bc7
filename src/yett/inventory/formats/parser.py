"""A parser of a structured format: all entries first, as an account or a server's name may stand below its password."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from yett.inventory.finding import Severity
from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Unparsable
from yett.inventory.formats.word import Found
from yett.inventory.hit import Hit

LONGEST_ACCOUNT = 200
_HASH = re.compile(
    r"\$(?:[1256y]|2[abxy]|apr1|argon2\w*|scrypt|pbkdf2\S*|A|P|H|S|B)\$|md5[0-9a-f]{32}$|SCRAM-SHA-|\*[0-9A-F]{40}$"
    r"|\{(?:S?SHA\d*|S?MD5|CRYPT|ARGON2|PBKDF2\S*|bcrypt|sha256|SCRAM-SHA-\d+)\}|pbkdf2[_:]|bcrypt[_$:]|argon2\w*\$"
    r"|sha(?:1|256|512)[:$]|0x0[12]00[0-9A-F]{40,}$"
)
"""crypt(5) and what databases, LDAP (RFC 3112) and frameworks write."""

Reader = Callable[[bytes], Iterable[Entry]]
Parse = Callable[[bytes], Iterator[Hit]]


def parser(reader: Reader, find: Callable[[list[Entry]], Iterable[Hit]]) -> Parse:
    """A parse function for `Format`. Of a broken file it gives what stands before the break, then raises Unparsable."""

    def parse(content: bytes) -> Iterator[Hit]:
        entries, failure = read_all(reader, content)
        yield from find(entries)
        if failure is not None:
            raise failure

    return parse


def read_all(reader: Reader, content: bytes) -> tuple[list[Entry], Unparsable | None]:
    """What could be read, and why the rest could not."""
    entries: list[Entry] = []
    try:
        entries.extend(reader(content))
    except Unparsable as failure:
        return entries, failure
    return entries, None


def hits(
    found: Iterable[Found], kind: str, title: str, *, identity: str = "password", severity: Severity = Severity.HIGH
) -> Iterator[Hit]:
    """Every find as a hit of one kind, the same bytes once."""
    seen: set[tuple[int, int]] = set()
    for entry, account in found:
        if (entry.start, entry.end) not in seen and entry.start < entry.end:
            seen.add((entry.start, entry.end))
            told, weight = (f"{title} (hash)", Severity.LOW) if is_hash(entry.value) else (title, severity)
            yield entry.hit(kind, told, identity=identity, account=account[:LONGEST_ACCOUNT], severity=weight)


def is_hash(value: str) -> bool:
    """Whether it is a password's hash: it must be broken first, and logs in nobody by itself."""
    return _HASH.match(value) is not None
