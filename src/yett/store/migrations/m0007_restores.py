"""Which transactions brought an undo back, or may have: rows carry their ids from then on."""

STATEMENTS = ("""ALTER TABLE undos ADD COLUMN restored_by TEXT NOT NULL DEFAULT '[]'""",)
