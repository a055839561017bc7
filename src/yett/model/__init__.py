"""The nouns: frozen values and protocols that every floor shares. No I/O, no third-party imports.

An agent's bytes become `Operation`s (operations/), gathered into one `Attempt`; the policy answers with a `Decision`;
what may not pass is a `Refused`. Everything that is signed or logged is first made canonical (`canonical.py`).
"""
