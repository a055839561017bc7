"""The list of sabotages, read and checked before anything runs."""

from __future__ import annotations

import ast
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIST = Path(__file__).with_name("sabotages.toml")
LAWS = range(1, 14)


class Unusable(Exception):
    """The list does not fit the source any more."""


@dataclass(frozen=True, slots=True)
class Sabotage:
    """`file` is below src/yett; `tests` are what pytest takes: paths, and words of `-k` behind a space."""

    law: int
    name: str
    file: str
    find: str
    replace: str
    tests: str

    @property
    def arguments(self) -> list[str]:
        """pytest's arguments."""
        paths, _, words = self.tests.partition(" -k ")
        return [*paths.split(), *(["-k", words] if words else [])]

    def applied(self, source: str) -> str:
        """The source with the blow.

        Raises:
            Unusable: the text is not there exactly once, or what comes out is no Python.
        """
        times = source.count(self.find)
        if times != 1:
            raise Unusable(f"law {self.law}, {self.name}: its text stands {times} times in {self.file}")
        broken = source.replace(self.find, self.replace)
        if self.file.endswith(".py"):
            try:
                ast.parse(broken)
            except SyntaxError as error:
                raise Unusable(f"law {self.law}, {self.name}: {self.file} is no Python then: {error}") from None
        return broken


def read_list(words: list[str]) -> list[Sabotage]:
    """Every sabotage whose law or name has one of the words; all without words.

    Raises:
        Unusable: one does not fit the source, or a law has none.
    """
    found = [Sabotage(**row) for row in tomllib.loads(LIST.read_text())["sabotage"]]
    if misfits := [said for sabotage in found if (said := _misfit(sabotage))]:
        raise Unusable("\n".join(misfits))
    if without := set(LAWS) - {sabotage.law for sabotage in found}:
        raise Unusable(f"nothing breaks law {', '.join(map(str, sorted(without)))}")
    if not words:
        return found
    return [one for one in found if any(word in (str(one.law), one.file) or word in one.name for word in words)]


def _misfit(sabotage: Sabotage) -> str:
    try:
        sabotage.applied((ROOT / "src/yett" / sabotage.file).read_text())
    except (Unusable, OSError) as error:
        return str(error)
    return ""
