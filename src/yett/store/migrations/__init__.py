"""The schema's steps, forward only: `mNNNN_name.py` with `STATEMENTS`, run in order, each once.

A step is SQL for both databases: `{integer}`, `{bytes}` and `{boolean}` stand for the type's local name, `{table_end}`
for what closes a table. A step that has been released is never edited; the next change is the next file.
"""
