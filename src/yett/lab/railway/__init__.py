"""An emulated Railway: the platform's GraphQL API over volumes and databases that exist and can be lost.

`schema.graphql` is a subset of the real API's schema, names and types unchanged. `world` holds what the platform knows,
`machine` what really runs and lies on disk, `tokens` who may do what: an account token everything, whatever it was made
for (R6, R9); a workspace token its workspace; a project token one environment, and no volumes. A volume's backups lie
on the volume (R10), and `volumeDelete` asks nothing (R8).
"""
