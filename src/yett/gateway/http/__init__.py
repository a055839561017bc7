"""HTTP/1.1 as the gate speaks it (RFC 9110, RFC 9112): bytes in, values out, bytes out again.

For: `framing`, `bodies`, `target` and `coding` turn bytes into values without any I/O; `serialise` turns values back;
`proxy`, `client`, `exchange` and `upstream` hold the sockets.
Promises: a message that two parsers could read differently is refused, on both sides; no head is relayed verbatim.
Will not: repair a broken message, guess a length, or keep a connection whose framing is in doubt.
"""
