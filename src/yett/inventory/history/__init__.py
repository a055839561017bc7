"""Find credentials in a repository's history: every blob, commit and tag that is stored, reachable or not.

`scan_history` reads packs itself and screens deltas by what they change, which finds exactly what scanning every object
whole would find, several times faster; `attribute` says which commits and paths an object had; `since` narrows it to
what is new. It promises to change nothing, to fetch nothing, to run nothing that a repository's configuration names,
and to say in one line each what it could not read. It will not keep a value anywhere: what is stored between scans are
names of packs and ids.
"""
