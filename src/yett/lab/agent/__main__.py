"""Choose what the agent does: the incident, or attempts from a list."""

from __future__ import annotations

import argparse
import sys

from .incident import play


def main() -> int:
    """Run one behaviour; return the exit status."""
    parser = argparse.ArgumentParser(prog="rogue")
    behaviours = parser.add_subparsers(dest="behaviour", required=True)
    behaviours.add_parser("incident", help="the founding incident, from the task to the deletion")
    parser.parse_args()
    return play()


if __name__ == "__main__":
    sys.exit(main())
