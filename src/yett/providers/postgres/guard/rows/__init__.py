"""Rows as they were: which a transaction changed, kept before its COMMIT, and put back in their place."""
