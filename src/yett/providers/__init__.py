"""One folder a provider: everything that Yett knows of it. Adding a provider is adding one folder.

`provider.toml` says which hosts it governs, where its credentials stand on the wire and how they look at rest;
`operations.toml` says what each of its acts does; `authority.py` asks it about resources and tokens, `undo.py` brings
things back. `book.py` reads them all, strictly, and finds a folder by its `provider.toml`; `hosts.toml` holds the
registries and download hosts, which need no folder of their own.

It promises: a file that cannot be read whole is refused with its name and key, and what a file does not list is
unknown, never harmless. It will not decide anything, and it loads no code from outside this package's folders.
"""
