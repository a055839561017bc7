"""What a change brings: the credentials that a commit, a push or a branch adds, and that were not there before.

`files` asks git which blobs change, `staged` is what a commit hook waits for (hyperscan and the standard library only),
`branch` is what a pipeline looks at. A secret that a later commit removes is pushed all the same, and counts.
"""
