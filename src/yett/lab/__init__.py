"""The lab: an emulated platform that really loses data, and a scripted agent that makes it do so.

`python -m yett.lab serve` starts a Railway-like GraphQL API, a git host and an echo host on one TLS listener of
127.0.0.1, with a real PostgreSQL whose files lie in the folder of an emulated volume, its backups beside them.
`volumeDelete` stops that server and removes that folder. `python -m yett.lab incident` replays the founding incident
against it, unguarded.

It promises: the names and types of the real API for the part that it has, tokens with the real reach, real loss, and a
journal of everything that arrived (never a token value). It knows nothing of guarding, and imports nothing else of this
package: what stands between an agent and the lab must prove itself against a platform that does not help it.
It will not: listen beyond loopback, keep anything after its folder is removed, or emulate billing, builds or DNS.
"""
