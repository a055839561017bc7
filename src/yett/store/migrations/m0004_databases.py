"""Databases that a person gave to Yett: where each is, which it is by its own id, what a lease on it may touch."""

STATEMENTS = (
    """CREATE TABLE databases (
        name TEXT PRIMARY KEY NOT NULL, provider TEXT NOT NULL, id TEXT NOT NULL, host TEXT NOT NULL,
        port {integer} NOT NULL, dbname TEXT NOT NULL, environment TEXT NOT NULL, secret TEXT NOT NULL,
        scope TEXT NOT NULL, added_at {integer} NOT NULL, added_by TEXT NOT NULL
    ) {table_end}""",
)
