"""One scan's outcome in the form that its reader wants: a terminal, a program, a code host, a browser, a pull request.

`render` is the one door; each format is one module with a `render` of its own. Every format shows the same findings and
says what could not be read. No report holds a value, and what an agent may have written (paths, names, accounts) is
made harmless for the place where it is shown. `exit_status` is what a pipeline goes by.

It will not decide what counts: who accepted what is settled before (`inventory.baseline`), and nothing here filters.
"""

from __future__ import annotations

from yett.inventory.reports.headline import headline
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.render import FORMATS, render
from yett.inventory.reports.status import exit_status

__all__ = ["FORMATS", "Layout", "exit_status", "headline", "render"]
