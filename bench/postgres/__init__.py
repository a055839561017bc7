"""The PostgreSQL wire and what stands behind it, against pgbouncer and the server itself. See `__main__`."""
