"""A commit as git stores it: who, when, and what was said (gitformat, "commit object")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from yett.inventory.git import read_many
from yett.inventory.history.repositories import Repository

_WHO = re.compile(r"(.*?) ?<([^<>]*)> ?(-?\d{1,15})?.*")


@dataclass(frozen=True, slots=True)
class Person:
    """`at` in unix seconds."""

    name: str
    address: str
    at: float

    @property
    def words(self) -> str:
        return f"{self.name} <{self.address}>"


@dataclass(frozen=True, slots=True)
class Commit:
    """Of an annotated tag: its tagger, and the message of the tag."""

    oid: str
    author: Person
    committer: Person
    message: str


def commits(repository: Repository, oids: Iterable[str]) -> Iterator[Commit]:
    """Read these commits and tags; what cannot be read is left out."""
    wanted = list(dict.fromkeys(oids))
    if not wanted:
        return
    for oid, kind, content in read_many(repository.folder, wanted, repository.env):
        if kind in ("commit", "tag"):
            yield parsed(oid, content)


def parsed(oid: str, content: bytes) -> Commit:
    head, _, message = content.decode("utf-8", "replace").partition("\n\n")
    people = dict.fromkeys(("author", "committer", "tagger"), "")
    for line in head.split("\n"):
        key, _, rest = line.partition(" ")
        if key in people:
            people[key] = rest
    author = _person(people["author"] or people["tagger"])
    return Commit(oid, author, _person(people["committer"]) if people["committer"] else author, message)


def _person(text: str) -> Person:
    found = _WHO.fullmatch(text)
    return Person(found[1], found[2], float(found[3] or 0)) if found else Person(text, "", 0.0)
