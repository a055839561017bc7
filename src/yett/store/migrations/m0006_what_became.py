"""By what a provider can be asked what became of an act, and what it said about the act that an undo is for."""

STATEMENTS = (
    """ALTER TABLE inflight ADD COLUMN xact TEXT""",
    """ALTER TABLE undos ADD COLUMN became TEXT""",
    """ALTER TABLE undos ADD COLUMN applying TEXT""",
)
