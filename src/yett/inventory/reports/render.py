"""The formats by name. Each is imported when it is asked for: a scan that prints one line loads no other."""

from __future__ import annotations

from importlib import import_module

from yett.inventory.outcome import Outcome
from yett.inventory.reports.layout import Layout
from yett.inventory.reports.unspoken import unspoken
from yett.model.errors import ConfigurationError

FORMATS = {
    "table": "table",
    "json": "jsonout",
    "jsonl": "jsonl",
    "sarif": "sarif",
    "html": "html",
    "markdown": "markdown",
    "github": "github",
    "gitlab": "gitlab",
}


def render(outcome: Outcome, format_name: str, layout: Layout | None = None) -> str:
    """The whole report, ending in a newline (jsonl without findings is empty).

    Raises:
        ConfigurationError: no such format.
    """
    module = FORMATS.get(format_name)
    if module is None:
        raise ConfigurationError(f"there is no report format {format_name!r}", f"Choose one of {', '.join(FORMATS)}.")
    said = unspoken(outcome, layout or Layout())
    written: str = import_module(f"yett.inventory.reports.{module}").render(*said)
    return written
