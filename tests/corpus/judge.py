"""What the classifier says of a case, asked message by message as the gateway would ask."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg

from corpus.cases import SUPERUSER, Case
from corpus.ground import Ground
from yett.model.errors import Unreadable
from yett.operations.sql import queries, snapshot
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.classify import classify
from yett.operations.sql.statement import Statement, Way

PATH = ("public",)
LONGEST_MS = 30_000


@dataclass
class Judge:
    """A session as the classifier knows it: the catalog as it is, what was prepared, what was said so far."""

    ground: Ground
    catalog: Catalog
    stale: bool = False
    prepared: dict[str, Statement] = field(default_factory=dict)
    said: list[tuple[Statement, ...]] = field(default_factory=list)
    unreadable: bool = False

    def __call__(self, message: str) -> None:
        """Judge the next message, right before it is sent."""
        if self.stale:
            self.catalog, self.stale = load(self.ground), False
        try:
            statements = classify(message.encode(), self.catalog, self.prepared)
        except Unreadable:
            self.unreadable = True
            return
        self.said.append(statements)
        for statement in statements:
            self.stale |= statement.defines
            if statement.prepares:
                self.prepared[statement.prepares] = statement
            if statement.deallocates == "*":
                self.prepared.clear()
            self.prepared.pop(statement.deallocates, None)

    @property
    def way(self) -> Way:
        """The strictest of all that was said; a text that cannot be read is refused."""
        ways = [statement.way for statements in self.said for statement in statements]
        return max([Way.REFUSE] if self.unreadable else ways, key=lambda way: way.strictness, default=Way.PASS)

    @property
    def reasons(self) -> Sequence[str]:
        return [reason for statements in self.said for statement in statements for reason in statement.reasons]


def load(ground: Ground) -> Catalog:
    """The catalog of the case's database as it is now."""
    with psycopg.connect(ground.url(SUPERUSER)) as connection:
        connection.execute("SET LOCAL search_path = ''")
        rows = {name: connection.execute(query).fetchall() for name, query in queries.QUERIES.items()}
    return snapshot.from_rows(rows, version=object(), search_path=PATH, longest_ms=LONGEST_MS)


def judge(ground: Ground, case: Case, catalog: Catalog) -> Judge:
    """A session before a case; a case with a setup changes what the catalog holds."""
    return Judge(ground, catalog, stale=bool(case.setup))
