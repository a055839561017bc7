"""The kept inventory: credentials, where each was seen, which a key accepted. Nothing ever used `findings`."""

STATEMENTS = (
    """DROP TABLE findings""",
    """CREATE TABLE credentials (
        fingerprint TEXT PRIMARY KEY NOT NULL, provider TEXT NOT NULL, kind TEXT NOT NULL, title TEXT NOT NULL,
        identity TEXT NOT NULL, account TEXT NOT NULL, last_four TEXT NOT NULL, owner TEXT NOT NULL,
        purpose TEXT NOT NULL, review TEXT NOT NULL, CHECK (length(last_four) <= 4)
    ) {table_end}""",
    """CREATE TABLE sightings (
        workspace TEXT NOT NULL, fingerprint TEXT NOT NULL REFERENCES credentials (fingerprint),
        severity {integer} NOT NULL, environment TEXT NOT NULL, places TEXT NOT NULL, further {integer} NOT NULL,
        first_seen {integer} NOT NULL, last_seen {integer} NOT NULL, gone_since {integer},
        PRIMARY KEY (workspace, fingerprint)
    ) {table_end}""",
    """CREATE INDEX sightings_fingerprint ON sightings (fingerprint)""",
    """CREATE TABLE inventories (workspace TEXT PRIMARY KEY NOT NULL, scanned_at {integer} NOT NULL) {table_end}""",
    """CREATE TABLE acceptances (
        act TEXT PRIMARY KEY NOT NULL REFERENCES acts (id), workspace TEXT NOT NULL, fingerprint TEXT NOT NULL,
        severity {integer} NOT NULL, reason TEXT NOT NULL, until TEXT NOT NULL, signed_by TEXT NOT NULL,
        signed_at {integer} NOT NULL
    ) {table_end}""",
    """CREATE INDEX acceptances_workspace ON acceptances (workspace)""",
)
