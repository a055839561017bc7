"""A held operation, the people who may answer for it, and their signatures.

An operation that may not pass by itself becomes a *hold*. A person sees exactly what would happen and answers with a
security key whose challenge is the digest of what they saw; the checkpoint consumes that answer in the transaction that
records the intent. Everything else that widens (law 8: keys, lockdown off, policy, grants, undo, ...) is an *act*: a
kind and a canonical body, signed the same way on the same page.

It promises: one signature, one operation, once, before its expiry; signatures checked when given and again when spent;
quorum in distinct persons, never the agent's owner or the asker; nothing said by an agent is treated as a fact.
It will not: forward anything, decide policy, run anything by itself, or take a cookie or a chat click as a yes.
"""
