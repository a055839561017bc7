"""A parser of a structured format: all entries first, as an account or a server's name may stand below its password."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Unparsable
from yett.inventory.formats.secret_names import looks_made
from yett.inventory.formats.word import Found
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity

LONGEST_ACCOUNT = 200
TOKEN_SHORTEST = 20
LONGEST = 16_000_000
"""Bytes. A longer file is data; patterns read it faster."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
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
    if len(content) > LONGEST:
        return [], Unparsable(f"longer than {LONGEST} bytes")
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
            yield entry.hit(kind, told, identity=identity, account=shown_account(account, entry.value), severity=weight)


def shown_account(account: str, secret: str) -> str:
    """Accounts are shown: without the secret, and without a user who is a token himself (https://TOKEN:x@host)."""
    if secret in account:
        return ""
    user, at, host = account.rpartition("@")
    if not at:
        user, host = account, ""
    is_token = looks_made(user, TOKEN_SHORTEST) and not _UUID.fullmatch(user)
    return (host if is_token else account)[:LONGEST_ACCOUNT]


def is_hash(value: str) -> bool:
    """Whether it is a password's hash: it must be broken first, and logs in nobody by itself."""
    return _HASH.match(value) is not None
