"""A request as it stands on a wire -> Operations: what it would do if it left, and the only form in which it may leave.

`classify.py` chooses the reader: `graphql.py` for GraphQL rooms, `rest.py` for rooms with routes, `git.py` for smart
HTTP, `http.py` for hosts that no provider names. Everything is pure: bytes and provider data in, values out, no I/O.

It promises: every act that the bytes could mean is among the operations, whatever its spelling; what is not known is
`unknown`, never `read`; on a governed route what two parsers could read differently is `Unreadable`, and what leaves is
printed anew from what was read. It will not decide, and it knows no provider by name.
"""
