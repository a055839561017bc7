"""Railway: its GraphQL API, its three kinds of token, its volumes and what dies with them.

`operations.toml` lists every root field of the public schema; `schema-digest.toml` holds the names and a digest of each
signature, so that `python -m yett.providers.railway.refresh SCHEMA.json` can say what a newer schema adds, removes or
changes. `authority.py` asks what a token can do and where a thing stands, with queries only; `undo.py` brings a volume
back. It will not tell anyone an environment from a name, and what it cannot see has no environment.
"""
