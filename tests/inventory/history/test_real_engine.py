"""The engine that ships keeps what it promises to the history scan: reach, long, and a screen that never misses."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import pytest

from inventory.history.made import evolving, repacked, repository, told, whole
from inventory.history.standin import letters, private_key
from yett.inventory.engine import engine
from yett.inventory.history.scan import scan_history
from yett.inventory.kinds import load_rules
from yett.lab.checked_samples import complete
from yett.lab.samples import expand

RULES = load_rules()


def declared(dice: random.Random) -> str:
    return complete(expand(dice.choice(dice.choice(RULES).true), dice)) + "\n"


def assigned(dice: random.Random) -> str:
    name = dice.choice(("api_token", "SECRET_KEY", "db.password", "clientSecret", "X-Auth-Token", "railway:\n  token"))
    return f"{name}{dice.choice((': ', '=', ' = '))}{letters(dice, dice.choice((20, 40, 190, 205, 300, 450)))}7\n"


def elsewhere(dice: random.Random) -> str:
    value = letters(dice, 24) + "9"
    return dice.choice(
        (
            f"Authorization: Bearer {value}\n",
            f"Authorization: Basic {base64.b64encode(f'ada:{value}'.encode()).decode()}\n",
            f"postgres://ada:{value}@db.internal/app\n",
            f"machine api.internal login ada password {value}\n",
            f"Server=db.internal;User Id=ada;Password={value};\n",
            f"//npm.internal/:_authToken={value}\n",
            base64.b64encode(f"key: glpat-{letters(dice, 18)}9x {letters(dice, 300)}".encode()).decode() + "\n",
            f"url: postgres%3A%2F%2Fada%3A{value}%40db.internal%2Fapp\n",
        )
    )


@pytest.mark.parametrize("seed", range(10))
def test_the_same_findings_as_every_object_whole(tmp_path: Path, seed: int) -> None:
    kinds = (declared, assigned, elsewhere, private_key) if seed % 2 else (declared, assigned, elsewhere)
    folder = repacked(repository(tmp_path / "r", evolving(random.Random(seed), 60, kinds=kinds)))
    reference = whole(folder, engine())
    assert told(scan_history(folder, engine(), workers=1)) == reference
    assert len(reference) > 20
