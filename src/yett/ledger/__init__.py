"""The ledger: an append-only Merkle log (RFC 6962) on the store, in C2SP tile, note, checkpoint and proof formats.

What it is for: `journal.Journal` is the one writer of the store. It commits state and log entries in one transaction,
many callers' work at a time, and says when they are durable. `proofs`, `receipts` and `export` hand out evidence;
`verify` checks it, offline, with none of this code.

What it promises: an acknowledged entry survives a crash; an entry that cannot be written refuses its operation (laws 1
and 2); no wait is without an end; any later edit, drop, reordering or truncation shows in `verify`, named, to whoever
holds an earlier checkpoint or receipt.

What it will not do: keep secrets (entries carry digests and redacted previews), forget (there is no delete), or vouch
for a host whose log key was stolen before anyone else saw a checkpoint.
"""
