"""The names of all attempts, as the agent lists them for representative targets: known before anything is started."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from yett.drills.scene import doors
from yett.lab.agent.attempts import listed
from yett.lab.agent.targets import load, smuggle

_ID = "00000000-0000-4000-8000-000000000000"


def _names() -> list[str]:
    said = {
        **dict.fromkeys(("project", "production", "staging", "web", "postgres", "uploads_volume", "domain"), _ID),
        "database_volume": _ID,
        "database_volume_instance": _ID,
        "backups": [_ID, _ID],
        "smuggled": smuggle(_ID),
        "platform_address": "127.0.0.1:443",
        "database_address": "127.0.0.1:5432",
        **doors("HOME", 7711, 4242),
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "targets.json")
        path.write_text(json.dumps(said))
        return [name for name, _ in listed(load(path))]


NAMES = _names()
