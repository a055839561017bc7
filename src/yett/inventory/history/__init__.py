"""Find credentials in a repository's history: every blob, commit and tag that is stored, reachable or not.

`scan_history` reads packs itself and screens deltas by what they change, which finds exactly what scanning every object
whole would find, several times faster; `attribute` says which commits and paths an object had; `since` narrows it to
what is new. It promises to change nothing, to fetch nothing, to run nothing that a repository's configuration names,
and to say in one line each what it could not read. It will not keep a value anywhere: what is stored between scans are
names of packs and ids.
"""

from yett.inventory.history.agents import LeakRate, leak_rates, made_by_agent
from yett.inventory.history.origins import UNREACHABLE, Origin, attribute
from yett.inventory.history.repositories import Repository, repositories
from yett.inventory.history.scan import scan_history, scan_objects
from yett.inventory.history.screening import Engine, Found, HistoryOutcome, Spot
from yett.inventory.history.since import to_be_pushed

__all__ = [
    "UNREACHABLE",
    "Engine",
    "Found",
    "HistoryOutcome",
    "LeakRate",
    "Origin",
    "Repository",
    "Spot",
    "attribute",
    "leak_rates",
    "made_by_agent",
    "repositories",
    "scan_history",
    "scan_objects",
    "to_be_pushed",
]
