"""The PostgreSQL wire: frames what an agent's client sends, asks what each statement would do, forwards or refuses.

`Front` takes a session's listeners. A client logs in with the session's placeholder (SCRAM); its connection gets one
upstream connection of its own, as the session's lease role, and both end together. What is a proven read goes on at
once (`framing`); everything else is carried out by the conductor (`conduct`): in a guarded transaction, measured and
decided before its COMMIT. The wire decides nothing by itself but what is malformed: it asks its `Desk`.

It will not: relay a message that it does not know, let a statement's name stand for two texts, or let a pinned setting
(standard_conforming_strings, client_encoding, backslash_quote) drift.
"""
