"""python -m yett.lab serve|company|workspace|plain|incident"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yett.lab import company, incident, plain, supervisor, workspace
from yett.lab.postgres import PostgresFailed
from yett.lab.process import LabFailed


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb; return the exit status."""
    parser = argparse.ArgumentParser(prog="yett.lab", description="An emulated platform that really loses data.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    serving = verbs.add_parser("serve", help="run the platform until SIGTERM or the end of its starter")
    serving.add_argument("--dir", type=Path, required=True)
    serving.add_argument("--user", help="whom to run as when started by root")
    company_serving = verbs.add_parser("company", help="run a company's PostgreSQL until SIGTERM")
    company_serving.add_argument("--dir", type=Path, required=True)
    working = verbs.add_parser("workspace", help="make the repository that an agent works in")
    working.add_argument("--announcement", type=Path, required=True, help="file with the line that serve printed")
    working.add_argument("--to", type=Path, required=True)
    working.add_argument("--home", type=Path, help="make a developer's home there, which can push to the remote")
    working.add_argument("--agent", type=Path, help="copy the scripted agent there (run its rogue.py)")
    plainly = verbs.add_parser("plain", help="run a command unguarded, the lab under its real host names")
    plainly.add_argument("--announcement", type=Path, required=True)
    plainly.add_argument("--workspace", type=Path, required=True)
    plainly.add_argument("command", nargs="+")
    verbs.add_parser("incident", help="replay the founding incident, unguarded")
    chosen = parser.parse_args(arguments)
    parent = os.getppid()
    try:
        if chosen.verb == "serve":
            supervisor.serve(chosen.dir, chosen.user, parent)
        elif chosen.verb == "company":
            company.serve(chosen.dir, parent)
        elif chosen.verb == "plain":
            announced = json.loads(chosen.announcement.read_text())
            return plain.run_plainly(chosen.command, announced, chosen.workspace.resolve(), os.environ)
        elif chosen.verb == "incident":
            return incident.replay()
        else:
            _make_workspace(json.loads(chosen.announcement.read_text()), chosen)
    except (LabFailed, PostgresFailed) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _make_workspace(announced: dict[str, Any], chosen: argparse.Namespace) -> None:
    handed_out = json.loads(Path(announced["handed_out"]).read_text())
    workspace.make_workspace(chosen.to, workspace.workspace_values(handed_out, announced["places"]))
    if chosen.home:
        workspace.make_home(chosen.home, handed_out["git_token"])
    if chosen.agent:
        incident.copy_agent(chosen.agent)


if __name__ == "__main__":
    sys.exit(main())
