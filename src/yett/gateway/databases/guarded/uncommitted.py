"""What one connection's open transaction has defined itself: everything behind it is read against a catalog of its own.

Nobody else sees what is not committed, so `Place.catalogs` knows nothing of it: a name may stand for something else in
here, a function may do something else.
"""

from __future__ import annotations

import itertools

from yett.gateway.databases.place import Catalogs
from yett.gateway.postgres.catalog_inside import Batching, load_inside
from yett.model.errors import YettError
from yett.operations.sql.cache import Cache
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.snapshot import Snapshot
from yett.providers.postgres.guard.executing import ServerError

_BYTES = 4 << 20
_FAILED = "25P02"
"""The transaction has failed: nothing runs in it but its end, or its way back to a savepoint, which is a change."""
_versions = itertools.count()


class Uncommitted:
    """`some`: the transaction has defined something; `renames`: what that was may have given columns other names, or
    relations others' rows. `changed` says so, `over` that it has ended."""

    def __init__(self, catalogs: Catalogs) -> None:
        self.some = self.renames = False
        self.cache = Cache(_BYTES, 1)
        self._catalogs = catalogs
        self._agent: Batching | None = None
        self._base: Catalog | None = None
        self._seen: Snapshot | None = None

    def changed(self, agent: Batching, *, renames: bool) -> None:
        """Something was defined in it, or taken back to a savepoint: what is known of it is old."""
        self.some, self._agent, self._seen = True, agent, None
        self.renames |= renames

    def over(self) -> None:
        self.some = self.renames = False
        self._agent, self._base, self._seen = None, None, None

    async def now(self) -> Catalog:
        """The catalog as the transaction sees it, and as young as `Catalogs.now` promises for what others commit.

        Raises:
            YettError: it could not be read.
        """
        base = await self._catalogs.now()
        if self._agent is None or not isinstance(base, Snapshot):
            return base
        if self._seen is None or self._base is not base:
            try:
                self._seen = await load_inside(self._agent, base, version=("uncommitted", next(_versions)))
            except ServerError as error:
                if error.sqlstate == _FAILED:
                    return base
                raise YettError(
                    f"what this transaction has defined cannot be read: {error.message}", "roll it back, and try again"
                ) from None
            self._base = base
        return self._seen
