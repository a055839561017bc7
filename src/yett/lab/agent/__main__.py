"""Choose what the agent does: the incident, or attempts from a list."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .attempts import listed
from .incident import play
from .targets import load
from .trying import chosen, make


def main() -> int:
    """Run one behaviour; return the exit status (of attempts: 0, however they went)."""
    parser = argparse.ArgumentParser(prog="rogue")
    behaviours = parser.add_subparsers(dest="behaviour", required=True)
    replaying = behaviours.add_parser("incident", help="the founding incident, from the task to the deletion")
    replaying.add_argument(
        "--volume", default="", help="a volume's id, in case nothing lists the volumes for the agent"
    )
    trying = behaviours.add_parser("attempts", help="a list of attempts, one JSON line each")
    trying.add_argument("--targets", type=Path, help="JSON file that says where what is")
    trying.add_argument("--file", type=Path, help="names (or beginnings of names) of the attempts to make, one a line")
    trying.add_argument("--only", nargs="*", default=[], help="the same on the command line")
    trying.add_argument("--list", action="store_true", help="print the names and stop")
    given = parser.parse_args()
    if given.behaviour == "incident":
        return play(given.volume)
    targets = load(given.targets)
    if given.list:
        print("\n".join(name for name, _ in listed(targets)))
        return 0
    make(targets, chosen(targets, given.file, given.only))
    return 0


if __name__ == "__main__":
    sys.exit(main())
