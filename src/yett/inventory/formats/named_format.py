"""A format of a file where the names tell what is secret: most configurations are no more than that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from yett.inventory.formats.entry import Entry
from yett.inventory.formats.format import Format
from yett.inventory.formats.named_values import account_of, named_secrets, siblings
from yett.inventory.formats.parser import Reader, hits, parser
from yett.inventory.hit import Hit
from yett.inventory.severity import Severity


def named_format(
    kind: str,
    what: str,
    reader: Reader,
    *homes: str,
    names: Iterable[str] = (),
    paths: Iterable[str] = (),
    also: Iterable[str] = (),
    identity: str = "password",
    severity: Severity = Severity.HIGH,
    sniff: bytes = b"",
) -> Format:
    """`what`: "password in DBeaver's settings". `also`: keys (lower case) that hold a secret there and nowhere else."""
    extra = frozenset(also)

    def find(entries: list[Entry]) -> Iterator[Hit]:
        families = siblings(entries) if extra else {}
        own = [
            (entry, account_of(entry, families[entry.parent]))
            for entry in entries
            if entry.key.lower() in extra and entry.is_real
        ]
        yield from hits([*named_secrets(entries), *own], kind, what, identity=identity, severity=severity)

    endings = dict.fromkeys((*(home.removeprefix("~/") for home in homes), *paths))
    return Format(kind, what, identity, parser(reader, find), tuple(names), tuple(endings), homes, sniff, severity)


def password_format(
    kind: str,
    where: str,
    reader: Reader,
    *homes: str,
    names: Iterable[str] = (),
    paths: Iterable[str] = (),
    also: Iterable[str] = (),
    severity: Severity = Severity.HIGH,
) -> Format:
    """`where`: "Rails' settings". What is found in it is called a password in them."""
    return named_format(
        kind, f"password in {where}", reader, *homes, names=names, paths=paths, also=also, severity=severity
    )
