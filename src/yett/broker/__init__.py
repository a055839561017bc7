"""The broker: real credentials stay here, agents hold placeholders, and neither crosses where it must not.

    vault -> lease (placeholder) -> examine -> inject ... upstream ... scrub, seal -> agent

What it is for: keep secrets sealed at rest (`vault`), lend them to a session as placeholders (`leases`), look into
every request for credentials that are not the session's own placeholder (`examine`, `watch`), put the real value in at
one position (`inject`), take real values out of every answer (`scrub`, `minting`). `broker.Broker` is the front door.

What it promises: laws 3, 4, 5 and 13 of the design. A known secret of 16 characters or more is found in any case of its
letters, raw, percent-, JSON-, HTML-, hex- or base64-encoded, wrapped, nested a few layers deep, whole or across chunks.

What it will not do: open sockets, decide operations, find what was encrypted or split over fields, or show a value.
"""
