"""The wires between an agent and everything else: a forward proxy that opens TLS, decides, injects and answers.

For: every byte that a sandboxed agent sends over HTTP. Each request is framed strictly, turned into operations, put to
the checkpoint, and written anew for the upstream; each answer is framed, scrubbed and written anew for the agent.
Promises: nothing leaves that was not decided on in the form in which it leaves; a real credential is put in after the
decision and taken out of the answer; CONNECT name, SNI and Host are one name; addresses are resolved once, checked and
dialled; every failure refuses in HTTP's own words and nothing hangs.
Will not: decide, hold or log by itself (checkpoint/), know a provider by name (providers/), speak HTTP/2 or QUIC, pass
an opaque tunnel, or keep a private key in any host's trust store.
"""
