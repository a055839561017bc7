"""Files with known credentials: what a scan of them finds, and what it finds besides, says how good it is.

`home` is a home directory as agents and command lines leave it, `tree` a repository with sixty kinds of files. Both are
written from the formats' documentation, not from Yett's rules, and differ with every seed; `score` compares.
"""
