"""Where a resource stands, seen from the task (law 6). Security code: every doubt falls towards ELSEWHERE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from yett.model.identity import Task
from yett.model.resource import Environment, EnvironmentClass, Place, Resource


@dataclass(frozen=True, slots=True)
class KnownEnvironment:
    """One row of the signed environment map: the label people use, and what the environment is for."""

    label: str
    kind: EnvironmentClass


class EnvironmentMap:
    """(provider, immutable environment id) -> what a person signed. An id that is not in it counts as production.

    Names that the provider reports are never consulted: an agent that can rename an environment must gain nothing.
    """

    def __init__(self, rows: Mapping[tuple[str, str], KnownEnvironment]) -> None:
        self._rows = dict(rows)

    def kind(self, environment: Environment) -> EnvironmentClass:
        known = self._rows.get((environment.provider, environment.id))
        return known.kind if known else EnvironmentClass.PRODUCTION

    def label(self, environment: Environment) -> str | None:
        known = self._rows.get((environment.provider, environment.id))
        return known.label if known else None

    def kind_of_label(self, label: str) -> EnvironmentClass | None:
        """What the environments of that label are for; the strictest if they differ, None if there are none."""
        kinds = {row.kind for row in self._rows.values() if row.label == label}
        if not kinds:
            return None
        return EnvironmentClass.PRODUCTION if EnvironmentClass.PRODUCTION in kinds else EnvironmentClass.NON_PRODUCTION

    def place(self, task: Task, resource: Resource) -> Place:
        """The column of design, section 5. Of several environments the strictest counts; of none, ELSEWHERE."""
        if not resource.environments:
            return Place.ELSEWHERE
        places = {self._place_of(task, environment) for environment in resource.environments}
        for place in (Place.ELSEWHERE, Place.PRODUCTION, Place.TASK):
            if place in places:
                return place
        return Place.ELSEWHERE

    def _place_of(self, task: Task, environment: Environment) -> Place:
        if task.environment is None or self.label(environment) != task.environment:
            return Place.ELSEWHERE
        if self.kind(environment) is EnvironmentClass.NON_PRODUCTION:
            return Place.TASK
        return Place.PRODUCTION if task.production else Place.ELSEWHERE
