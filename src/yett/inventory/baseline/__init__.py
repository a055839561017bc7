"""What was found before and accepted, so that a report and a pipeline count only what is new.

`Baseline.load` reads the file, `apply` marks findings as accepted, `add` and `write` accept more; `imports` takes over
what other scanners reported or were told to ignore. An entry is a fingerprint of the value, a rule and a path, never a
line.

It promises that nothing is accepted silently: every entry has a reason, may end on a date, and is shown until a person
has audited it. It is a file of the workspace, so an agent can write it: it filters what is counted and shown, and will
never switch off masking or decide anything else (law 9).
"""

from __future__ import annotations

from yett.inventory.baseline.applied import Applied
from yett.inventory.baseline.baseline import Baseline
from yett.inventory.baseline.entry import Allow, Entry
from yett.inventory.baseline.keys import rule_of
from yett.inventory.baseline.stretched import Stretched

__all__ = ["Allow", "Applied", "Baseline", "Entry", "Stretched", "rule_of"]
