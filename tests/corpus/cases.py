"""The corpus: statements as data, and what their author knows that they do."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
ROLES = ("lease", "steward")
SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class Case:
    """One entry of `statements/*.toml`.

    `messages` are sent in order by one session, each as one Query; `stdin` feeds their COPY FROM STDIN. `setup` is run
    before by the superuser. `effect`: the areas in which something lasting changes, for one of the roles at least; of
    the oracle's areas, or "notification", "session ended", "advisory lock". `held`: it must never run unasked though
    the oracle cannot show why; the value says why. `roles` run it.
    """

    id: str
    messages: tuple[str, ...]
    effect: frozenset[str]
    stdin: str = ""
    setup: str = ""
    held: str = ""
    roles: tuple[str, ...] = ROLES
    since: int = 0
    until: int = 99
    needs: str = ""

    def runs_on(self, version: int, features: frozenset[str]) -> bool:
        return self.since <= version <= self.until and (not self.needs or self.needs in features)


@cache
def all_cases() -> tuple[Case, ...]:
    """Every case, in the order of the files. Raises KeyError or TypeError for an entry that is not as above."""
    return tuple(
        _case(path.stem, entry) for path in sorted((HERE / "statements").glob("*.toml")) for entry in _load(path)
    )


def _load(path: Path) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = tomllib.loads(path.read_text())["case"]
    return entries


def _case(theme: str, entry: dict[str, object]) -> Case:
    given = dict(entry)
    sql = given.pop("sql")
    messages = (sql,) if isinstance(sql, str) else tuple(sql)  # type: ignore[arg-type]
    effect = given.pop("effect")
    areas = frozenset([effect] if isinstance(effect, str) else effect) - {""}  # type: ignore[call-overload]
    also = (SUPERUSER,) if given.pop("superuser", False) else ()
    return Case(f"{theme}-{given.pop('id')}", messages, areas, roles=(*ROLES, *also), **given)  # type: ignore[arg-type]
