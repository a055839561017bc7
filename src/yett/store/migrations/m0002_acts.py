"""Signed acts, the account a person is known by, and why a hold ended."""

STATEMENTS = (
    """CREATE TABLE acts (
        id TEXT PRIMARY KEY NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
        nonce TEXT NOT NULL UNIQUE, created_at {integer} NOT NULL, expires_at {integer} NOT NULL,
        proposed_by TEXT NOT NULL, checkpoint TEXT NOT NULL, ended TEXT NOT NULL,
        CHECK (state IN ('waiting', 'signed', 'done', 'declined', 'expired', 'cancelled'))
    ) {table_end}""",
    """CREATE INDEX acts_state ON acts (state)""",
    """CREATE TABLE act_signatures (
        id TEXT PRIMARY KEY NOT NULL, act TEXT NOT NULL REFERENCES acts (id),
        person TEXT NOT NULL REFERENCES persons (id), key TEXT NOT NULL REFERENCES keys (id), challenge TEXT NOT NULL,
        assertion TEXT NOT NULL, at {integer} NOT NULL
    ) {table_end}""",
    """CREATE INDEX act_signatures_act ON act_signatures (act)""",
    """ALTER TABLE persons ADD COLUMN account TEXT NOT NULL DEFAULT ''""",
    """ALTER TABLE holds ADD COLUMN ended TEXT NOT NULL DEFAULT ''""",
)
