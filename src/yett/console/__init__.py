"""The web pages where people see what waits and answer with their keys, on http://localhost:PORT and nowhere else.

Server-rendered from the signed documents, so that what is shown is what a key signs; small ES modules of our own do the
WebAuthn calls and the live updates, and nothing else runs: no third-party script, no inline code, Trusted Types on.

It promises: a hold fits one phone screen; the agent's words stand apart from the facts and are labelled; no request of
another site, another host name or another origin gets an answer or changes anything; nothing is decided here.
It will not: log anyone in, remember a session, or let a click without a key widen anything. Whoever can reach the port
can read what waits and say no; only a key can say yes.
"""
