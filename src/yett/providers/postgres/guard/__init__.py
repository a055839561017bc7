"""The undo of PostgreSQL statements: what a transaction changed, measured inside it, and its rows kept before COMMIT.

`Guard` watches one transaction of an agent. The agent's own connection says how many rows each table lost and gained
(cascades, triggers and function bodies included); Yett's own connection, which does not see the transaction yet, reads
those rows as they were. They leave the database, are counted and flushed, and only then may COMMIT be sent. `restore`
brings them back bit for bit, or refuses and names the rows that somebody changed since.

It promises: a table whose rows cannot be accounted for is copied whole or the transaction is refused (`Unguardable`);
nothing is overwritten that was changed after the transaction. It will not undo what is no row of a table:
`Captured.gaps` names what it saw of that. Definitions are kept by `Guard.dump`, before a statement that destroys them
runs.

Three rooms, by what is kept: `rows`, `dumps` (whole tables, with all that hangs on them), `words` (definitions without
rows). Here is what they share.
"""
