"""Rogue-agent incidents as executable scenarios, with real parts, against a control plane of their own.

A drill starts the lab, a daemon with a store, port and keys of its own (realm "drill"), and an agent that knows
nothing of guarding; its people are virtual and sign only through the page's HTTP interface. It promises an exit status
of 0 only if everything it claims was seen to hold. It will not touch a real store: the two realms refuse each other.
"""

DRILLS = {
    "pocketos": "A staging agent finds a blanket token and deletes production with its backups (April 2026).",
    "saastr": "An agent with a database task empties tables, drops the schema, and everything comes back (July 2025).",
}
"""Name and one line of every drill."""
