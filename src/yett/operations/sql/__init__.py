"""What a SQL statement would do: text and the database's own catalog in, `Statement`s out.

`classify.py` is the way in, `cache.py` stands in front of it. The text is read with PostgreSQL's own grammar
(`grammar.py`, and `worker.py` for what could hurt the process), every node of the tree is visited, every name is
resolved in the catalog (`catalog.py`), and what stands behind a name is followed to its end: views, rules, triggers,
foreign keys, function bodies.

It promises: PASS is a proof, GUARD names all that is written and holds nothing the guard cannot see; what is not known
is ASK, and what cannot be read is `Unreadable`. It will not run anything, talk to a server, or decide.
"""
