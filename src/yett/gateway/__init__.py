"""The wires between an agent and everything else: an HTTP proxy that opens TLS, and PostgreSQL at its own port.

For: every byte that a sandboxed agent sends. Each request is framed strictly, turned into operations and put to the
checkpoint. Over HTTP it is written anew for the upstream, and each answer is framed, scrubbed and written anew for the
agent; a database's statements are looked at one by one, and what they did is decided before their COMMIT (`databases`).
Promises: nothing leaves that was not decided on in the form in which it leaves; a real credential is put in after the
decision and taken out of the answer; CONNECT name, SNI and Host are one name; addresses are resolved once, checked and
dialled; every failure refuses in the wire's own words and nothing hangs.
Will not: decide, hold or log by itself (checkpoint/), know an HTTP provider by name (providers/), speak HTTP/2 or QUIC,
pass an opaque tunnel, or keep a private key in any host's trust store.
"""
