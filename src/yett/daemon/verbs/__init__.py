"""The operator's verbs: what each command of the owner does to the plane."""

from __future__ import annotations

from yett.daemon.operator import Held, Progress, Verb
from yett.daemon.runs import serve_run
from yett.daemon.verbs import approvals, databases, evidence, inventory, machine, places, policies, reach, secrets, undo

VERBS: dict[str, Verb] = {
    **approvals.VERBS,
    **evidence.VERBS,
    **inventory.VERBS,
    **places.VERBS,
    **secrets.VERBS,
    **databases.VERBS,
    **machine.VERBS,
}
PROGRESS: dict[str, Progress] = {
    **undo.PROGRESS,
    **machine.PROGRESS,
    **reach.PROGRESS,
    **policies.PROGRESS,
    **inventory.PROGRESS,
}
HELD: dict[str, Held] = {"run.open": serve_run, **inventory.HELD}
