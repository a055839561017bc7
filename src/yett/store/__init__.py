"""The store: SQL tables and the engine under them. SQLite (embedded) and PostgreSQL behind one schema.

What it is for: `open_store(url)` migrates and opens; `Store.read` reads; `yett.store.tables` names every table. Queries
live in the rooms that ask them.

What it promises: a durable commit is on disk (WAL with synchronous=FULL, or synchronous_commit); a store of a newer
Yett, or of the other realm (a drill's), is refused in words; a connection given to `read` cannot write.

What it will not do: write by itself. Every write goes through the ledger's journal, so that no state changes without
its log entry standing in the same transaction (law 2).
"""

from yett.store.engine import Store, open_store

__all__ = ["Store", "open_store"]
