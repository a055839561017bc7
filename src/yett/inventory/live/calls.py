"""Which call identifies which kind of credential: the rules' own, and those of the providers' rooms."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path

from yett.inventory.kinds import LiveCall, load_rules


@lru_cache(maxsize=1)
def calls() -> dict[tuple[str, str], LiveCall]:
    """By issuer and kind: what a finding says of itself must fit both, or it is shown to nobody."""
    declared = tomllib.loads(Path(__file__).with_name("rooms.toml").read_text("utf-8"))
    rooms = {(room, kind): LiveCall.of(row) for room, kinds in declared.items() for kind, row in kinds.items()}
    return rooms | {(rule.provider, rule.id): rule.live for rule in load_rules() if rule.live is not None}
