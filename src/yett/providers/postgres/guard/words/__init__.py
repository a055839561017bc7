"""Definitions without rows, in the server's own words: kept, compared, made again."""
