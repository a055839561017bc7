"""What the meaning of a text hangs on, and what no statement may change unseen."""

from __future__ import annotations

from yett.gateway.postgres.fields import Malformed
from yett.model.errors import Unreadable
from yett.providers.postgres.identifiers import split

# A function or trigger can change them unseen (there is no ParameterStatus for them before PostgreSQL 18): where names
# are looked up, as whom, and what a prepared name stands for.
ASKED = (
    "SELECT pg_catalog.current_setting('search_path'), current_user::pg_catalog.text, session_user::pg_catalog.text,"
    " pg_catalog.current_setting('backslash_quote'),"
    " (SELECT pg_catalog.string_agg(name || ' ' || statement, ';' ORDER BY name)"
    " FROM pg_catalog.pg_prepared_statements WHERE from_sql)"
)
Answer = tuple[str | None, ...]
_CHANGED = "a statement changed the session's search_path, role or prepared statements unseen"


class Meaning:
    """Of one connection: the server's last answer to `ASKED`."""

    def __init__(self) -> None:
        self._known: Answer | None = None
        self._path: str | None = None
        self._relearns = False

    @property
    def is_known(self) -> bool:
        return self._known is not None

    def relearn(self) -> None:
        """PREPARE, DEALLOCATE or DISCARD have run: what they changed is known, and only that may differ."""
        self._relearns = True

    def must_be(self, now: Answer | None) -> None:
        """Raises Malformed, and the session ends: it is not what it was."""
        before, self._relearns, relearns = self._known, False, self._relearns
        now = None if now is None else (self._path_of(now[0]), *now[1:])
        if now is None or (before is not None and now[:-1] != before[:-1]):
            raise Malformed(_CHANGED)
        if before is not None and now != before and not relearns:
            raise Malformed(_CHANGED)
        self._known = now

    def _path_of(self, setting: str | None) -> str:
        """None at all is as good as the session's own: what a name could mean in it, it could mean in that."""
        try:
            names = [name for name in split(setting or "") if name not in ("", "$user")]
        except Unreadable:
            raise Malformed(_CHANGED) from None
        path = ", ".join(map(repr, names[1:] if names[:1] == ["pg_catalog"] else names))
        self._path = path if self._path is None else self._path
        return path or self._path
