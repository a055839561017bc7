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
    """`file` is below src/yett; `tests` is a test module, " -k ", and the words that choose its tests."""

    law: int
    name: str
    file: str
    find: str
    replace: str
    tests: str

    @property
    def path(self) -> str:
        return self.tests.partition(" -k ")[0]

    @property
    def words(self) -> str:
        return self.tests.partition(" -k ")[2]

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


def read_list(source: Path, words: list[str]) -> list[Sabotage]:
    """Every sabotage of `source` whose law, file or name has one of the words; all without words.

    Raises:
        Unusable: one does not fit the source, a law has none, or nothing has the words.
    """
    found = [Sabotage(**row) for row in tomllib.loads(LIST.read_text())["sabotage"]]
    if misfits := [said for sabotage in found if (said := _misfit(source, sabotage))]:
        raise Unusable("\n".join(misfits))
    if without := set(LAWS) - {sabotage.law for sabotage in found}:
        raise Unusable(f"nothing breaks law {', '.join(map(str, sorted(without)))}")
    if words:
        found = [one for one in found if any(word in (str(one.law), one.file) or word in one.name for word in words)]
    if not found:
        raise Unusable("no law, file or name has these words")
    return found


def _misfit(source: Path, sabotage: Sabotage) -> str:
    try:
        sabotage.applied((source / "yett" / sabotage.file).read_text())
    except (Unusable, OSError) as error:
        return str(error)
    return "" if sabotage.words else f"law {sabotage.law}, {sabotage.name}: it does not choose its tests"
