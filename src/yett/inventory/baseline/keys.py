"""What names a finding on every machine and after every edit: its rule and its path, never its line."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from yett.inventory.finding import Finding
from yett.model.credential import Location


def rule_of(finding: Finding) -> str:
    """The kind's id, with the provider before it where the id alone could be anybody's ("token")."""
    provider, kind = finding.credential.provider, finding.credential.kind
    return kind if not provider or kind.startswith(provider) else f"{provider}-{kind}"


def path_of(location: Location, root: Path) -> str:
    """The place as a baseline names it, with `/`.

    Below `root` relative to it, so that it holds on another machine; history's paths are relative already, and so a
    file and its own past have one name. Below the home "~/...", else absolute. A variable is "$NAME"; history without a
    path is named by its object, which never changes.
    """
    if location.source == "variable":
        return f"${location.path}"
    if location.source == "history":
        return location.path or f"git:{location.object_id or location.commit}"
    if not os.path.isabs(location.path):
        return str(PurePosixPath(location.path))
    path = Path(os.path.normpath(location.path))
    for folder, prefix in ((root, ""), (Path.home(), "~/")):
        if path.is_relative_to(folder):
            return prefix + path.relative_to(folder).as_posix()
    return path.as_posix()


def paths_of(finding: Finding, root: Path) -> list[str]:
    """Every place once, in the finding's order."""
    return list(dict.fromkeys(path_of(at, root) for at in finding.credential.locations))
