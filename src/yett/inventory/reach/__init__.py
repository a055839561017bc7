"""What a found credential can really do, asked of its issuer, and what dies with it.

`declared` says what a credential of a kind can do at most, and asks nobody; `authority` asks through the provider's own
room, with the credential itself, read-only; `blast` joins the answer with backups and environments and says how far it
goes beyond a purpose; `words` and `drawing` show both, `short` says it in a line. It promises that what nobody knows is
called unknown, never little.
"""
