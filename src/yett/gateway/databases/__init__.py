"""What the wires of databases are answered with: which database, whose lease, what a statement would do and did.

A session comes in by its `seat.py`; its `desk.py` decides each text: `statements` makes attempts of it, `guarded` runs
them in a transaction that is decided before it is final, `outside` those that no transaction takes, `shown` is what a
person sees of it, `allowed` what the task may have, `undos` the way back. `service.py` knows all databases there are.
"""
