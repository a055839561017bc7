"""Which credentials an agent started here could use: find, identify, and say what they can really do.

`survey` is the scan for people and pipelines, `scan_workspace` the one that an agent's start is masked by, `changes`
the one that a commit or a branch is stopped by, `watching` what sees a change at once. All look with the same `engine`
(its rules: `kinds`) and the same `formats`, into files (`tree`, `look`, `unpack`), `history`, `homes` and `processes`.
A finding holds its value in memory only. `baseline` says which are accepted in a repository, `kept` in the daemon's own
inventory; `reports` show the rest, `live` asks issuers whether they work, `reach` what one can really do.

It promises to be read-only, quick, and silent about values. It will not decide anything: masking and refusing are the
broker's and the sandbox's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from yett.inventory.finding import Finding
    from yett.inventory.scan import scan_workspace

__all__ = ["Finding", "scan_workspace"]


def __getattr__(name: str) -> Any:  # Any: a class or a function; a commit hook must not import what it does not use
    if name == "Finding":
        from yett.inventory.finding import Finding

        return Finding
    if name == "scan_workspace":
        from yett.inventory.scan import scan_workspace

        return scan_workspace
    raise AttributeError(name)
