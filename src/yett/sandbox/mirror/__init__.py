"""The masked mirror: the git repository that an agent gets (design, section 8).

A valid, disposable repository in which no object holds a found secret, exported from the real one: blobs masked; trees,
commits and tags above them rewritten; everything else kept with its id. `Mirror` keeps the id map both ways, serves
fetch and push as the workspace's remote, and translates what the agent commits back: a placeholder becomes its secret
again only in a path where a parent has it. With no finding in git every id is the real one.

It promises that no object readable inside holds a found secret, no object written outside holds a placeholder, and that
nothing of the sandbox is executed. It will not translate a raw secret, or a placeholder copied to a new place: refused,
naming commit and path.
"""
