"""How a connection begins, on both sides: startup, TLS, SCRAM, and the way to the upstream."""
