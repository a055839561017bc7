"""What other scanners reported, or were told to ignore, taken over: one module a tool, reading its own formats.

`read_report` gives `Imported` records; `take_over` turns those that this scan found too into unaudited entries of a
baseline, and `as_findings` the others into findings. The reports often hold the secret itself: it is fingerprinted in
memory and never stored. It will not believe a report: what a tool found counts here once this scan sees it as well.
"""

from __future__ import annotations

from yett.inventory.baseline.imports.imported import Imported
from yett.inventory.baseline.imports.read import TOOLS, read_report
from yett.inventory.baseline.imports.take_over import TakenOver, as_findings, gitleaks_allows, take_over

__all__ = ["TOOLS", "Imported", "TakenOver", "as_findings", "gitleaks_allows", "read_report", "take_over"]
