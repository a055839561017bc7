"""Where an undo lies, for which task and what, how much of it, until when; when it was last read again, and removed."""

STATEMENTS = (
    """ALTER TABLE undos ADD COLUMN task TEXT NOT NULL DEFAULT ''""",
    """ALTER TABLE undos ADD COLUMN what TEXT NOT NULL DEFAULT ''""",
    """ALTER TABLE undos ADD COLUMN store TEXT NOT NULL DEFAULT ''""",
    """ALTER TABLE undos ADD COLUMN stored {integer} NOT NULL DEFAULT 0""",
    """ALTER TABLE undos ADD COLUMN expires_at {integer}""",
    """ALTER TABLE undos ADD COLUMN checked_at {integer}""",
    """ALTER TABLE undos ADD COLUMN removed_at {integer}""",
)
