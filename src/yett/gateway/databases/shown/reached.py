"""How a statement came to a table that its text does not name: by a foreign key, or by something else. No I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from yett.model.operation import Rows, Via
from yett.operations.sql.catalog import Catalog

_CASCADES, _DETACHES = "c", "nd"
"""pg_constraint.confdeltype and confupdtype: CASCADE; SET NULL, SET DEFAULT."""


def via(oid: int, named: Collection[int], changed: Mapping[int, Rows], catalog: Catalog) -> Via:
    """`changed`: all that the transaction changed, by relation. It describes; nothing is decided by it."""
    if oid in named:
        return Via.NAMED
    rows = changed[oid]
    found = set[str]()
    for parent, did in changed.items():
        relation = catalog.relation(parent)
        for reference in relation.references if relation else ():
            if reference.child == oid or oid in _below(reference.child, catalog):
                found.update(reference.on_delete if did.deleted else "", reference.on_update if did.updated else "")
    if _CASCADES in found and (rows.deleted or rows.updated):
        return Via.CASCADE
    return Via.DETACH if rows.updated and not rows.deleted and found & set(_DETACHES) else Via.OTHER


def _below(oid: int, catalog: Catalog) -> set[int]:
    """Its partitions and heirs: their rows are counted one by one."""
    found, todo = set[int](), [oid]
    while todo:
        relation = catalog.relation(todo.pop())
        new = set(relation.children if relation else ()) - found
        found |= new
        todo += new
    return found
