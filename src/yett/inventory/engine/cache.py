"""The compiled rules, kept below Yett's own home: made once for each version of the rules and of hyperscan.

Compiling takes seconds, loading milliseconds. The folder is the person's own (0700) and lies outside every sandbox; a
file that is another's, or that does not load, is made anew. Where nothing can be written, everything is made in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import marshal
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from yett.inventory.engine.row import Row, plain

LAYOUT = 7
"""Changes whenever `Row` or an expression's form does."""
_MAGIC = hashlib.sha256


def folder() -> Path:
    """$YETT_HOME/cache, else below the place that XDG names for state."""
    home = os.environ.get("YETT_HOME") or os.path.join(
        os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state"), "yett"
    )
    return Path(home) / "cache"


def read(name: str) -> bytes | None:
    """A file of the cache that is this user's, no link, and whole; None otherwise."""
    try:
        descriptor = os.open(folder() / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_uid != os.geteuid() or about.st_mode & 0o022:
            return None
        digest, content = file.read(32), file.read()
    return content if _MAGIC(content).digest() == digest else None


def write(name: str, content: bytes) -> None:
    """Keep it, and what was made before no longer; a cache that cannot be written is no error."""
    import tempfile  # nearly every start only reads

    kind = name.rpartition(".")[2]
    with contextlib.suppress(OSError):
        base = folder()
        base.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=base, prefix=".new-")
        with open(descriptor, "wb") as file:
            file.write(_MAGIC(content).digest() + content)
        os.replace(temporary, base / name)
        for old in base.glob(f"*.{kind}"):
            if old.name != name:
                old.unlink(missing_ok=True)


def pack(rows: Sequence[Row]) -> bytes:
    return marshal.dumps([plain(row) for row in rows])


def unpack(content: bytes) -> tuple[Row, ...] | None:
    """None: not what `pack` made."""
    try:
        return tuple(Row(*values) for values in marshal.loads(content))
    except (ValueError, TypeError, EOFError):
        return None
