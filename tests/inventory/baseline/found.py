"""Findings for a baseline to accept, with values made at run time."""

from __future__ import annotations

import random
import string

from yett.inventory.finding import Finding
from yett.model.credential import Credential, Location
from yett.model.secret import Secret

_CHANCE = random.Random(7)


def random_value(length: int = 32) -> str:
    return "".join(_CHANCE.choices(string.ascii_letters + string.digits, k=length))


def found(*locations: Location, value: str = "", provider: str = "stripe", kind: str = "stripe-key") -> Finding:
    made = value or random_value()
    credential = Credential("0" * 64, provider, kind, locations)
    return Finding(credential, Secret(made), f"{provider} {kind}")


def in_file(path: str, line: int = 1) -> Location:
    return Location("file", path, line)
