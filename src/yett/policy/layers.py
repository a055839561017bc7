"""Layers: who may say what. What a policy may do is read from its head alone, so a wrong layer is refused at load.

    floor   forbids that nothing lifts                       shipped
    base    the table: permits, and what is owed             shipped
    widen   permits; only with a person's signature (law 8)  organisation
    narrow  forbids and obligations; free (laws 8 and 9)     organisation, workspace

All layers are put together in one policy set: a forbid beats every permit, an obligation only ever adds.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from importlib.resources import files


class LayerKind(StrEnum):
    FLOOR = "floor"
    BASE = "base"
    WIDEN = "widen"
    NARROW = "narrow"


MAY: dict[LayerKind, frozenset[tuple[str, str]]] = {
    LayerKind.FLOOR: frozenset({("forbid", "verdict")}),
    LayerKind.BASE: frozenset({("permit", "verdict"), ("permit", "owe")}),
    LayerKind.WIDEN: frozenset({("permit", "verdict")}),
    LayerKind.NARROW: frozenset({("forbid", "verdict"), ("permit", "owe")}),
}
"""Kind -> heads it may hold: the policy's effect, and whether it is about the verdict or about what is owed."""

RESERVED_NAMES = frozenset({"floor", "base"})


@dataclass(frozen=True, slots=True)
class Layer:
    """Cedar text under one name; the name is the prefix of its rules' ids ("base/read.task")."""

    name: str
    kind: LayerKind
    text: str


def default_layers() -> tuple[Layer, ...]:
    """The shipped floor and base."""
    folder = files(__package__) / "layers"
    return tuple(
        Layer(kind.value, kind, (folder / f"{kind.value}.cedar").read_text(encoding="utf-8"))
        for kind in (LayerKind.FLOOR, LayerKind.BASE)
    )


def file_digest(content: bytes) -> str:
    """What a person signs to let a widening file in: SHA-256 in hex of the file as it stands."""
    return hashlib.sha256(content).hexdigest()
