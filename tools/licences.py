"""Fail on a GPL or AGPL licence among the installed dependencies. LGPL is fine as an unmodified import (design, 9)."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

LOCKS = (Path("requirements/run.lock"), Path("requirements/test.lock"))
STRONG = re.compile(r"(?<![Ll])\b(A?GPL|GNU (Affero )?General Public)", re.IGNORECASE)
READ = {"cedarpy": "Apache-2.0"}
"""Distributions whose metadata is silent: what the licence file inside the wheel says, read by a person."""
LESSER = re.compile(r"lesser|LGPL", re.IGNORECASE)
OR_PERMISSIVE = re.compile(r"\bOR\b.*(MIT|BSD|Apache|MPL|PSF|Python)|(MIT|BSD|Apache|MPL|PSF|Python).*\bOR\b")


def locked() -> list[str]:
    """Names of every distribution in the lock files."""
    names: set[str] = set()
    for lock in LOCKS:
        names |= {
            m[1].lower() for line in lock.read_text().splitlines() if (m := re.match(r"([A-Za-z0-9._-]+)==", line))
        }
    return sorted(names)


def licence(name: str) -> str:
    """What the distribution says of its licence: expression, classifiers, or the first line of the licence field."""
    about = metadata.metadata(name)
    said = [about.get("License-Expression") or ""]
    said += [c.rpartition("::")[2].strip() for c in about.get_all("Classifier") or [] if c.startswith("License ::")]
    if not any(said):
        said.append((about.get("License") or "").splitlines()[0] if about.get("License") else "")
    return "; ".join(s for s in said if s) or READ.get(name, "unknown")


def forbidden(said: str) -> bool:
    return bool(STRONG.search(said)) and not LESSER.search(said) and not OR_PERMISSIVE.search(said)


def main() -> int:
    bad, unknown = [], []
    for name in locked():
        try:
            said = licence(name)
        except metadata.PackageNotFoundError:
            continue
        if forbidden(said):
            bad.append(f"{name}: {said}")
        elif said == "unknown":
            unknown.append(name)
    sys.stdout.write("".join(f"forbidden licence: {row}\n" for row in bad))
    sys.stdout.write("".join(f"no licence stated: {name}\n" for name in unknown))
    if not bad and not unknown:
        sys.stdout.write(f"{len(locked())} locked dependencies, none under GPL or AGPL\n")
    return 1 if bad or unknown else 0


if __name__ == "__main__":
    sys.exit(main())
