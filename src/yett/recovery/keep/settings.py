"""`[undo]` of config.toml: where undos lie, for how long, how much of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from yett.model.errors import ConfigurationError
from yett.recovery.keep.bucket import Bucket
from yett.recovery.keep.budget import MIB, Limits

_TEXTS = frozenset({"store", "endpoint", "region", "secret", "breaker"})
_NUMBERS = {"days": 1, "undo_mib": 1, "task_mib": 1, "total_mib": 1}


@dataclass(frozen=True, slots=True)
class UndoSettings:
    """`folder` None and no bucket: below Yett's home. `secret` and `breaker` name secrets in Yett's vault; "" for
    `secret` means what boto3 finds in the daemon's environment."""

    folder: Path | None = None
    bucket: Bucket | None = None
    secret: str = ""
    breaker: str = ""
    limits: Limits = field(default_factory=Limits)


def read_settings(said: Mapping[str, Any]) -> UndoSettings:  # Any: as it stands in the file
    """
    [undo]
    store = "s3://bucket/prefix"      # or an absolute path
    endpoint = "https://s3.example"   # if it is not AWS
    region = "eu-central-1"
    secret = "undo-bucket"            # ID:SECRET, in Yett's vault
    breaker = "undo-bucket-owner"     # may delete; for the proof only
    days = 30
    undo_mib = 2048
    task_mib = 8192
    total_mib = 32768

    Raises:
        ConfigurationError: an unknown key, a wrong type, a number below 1, or an address that is none.
    """
    if unknown := said.keys() - _TEXTS - _NUMBERS.keys():
        raise ConfigurationError(
            f"[undo] has unknown {', '.join(sorted(unknown))}", f"known: {', '.join(sorted(_TEXTS | _NUMBERS.keys()))}"
        )
    texts = {key: _text(said, key) for key in _TEXTS}
    limits = Limits()
    limits = Limits(
        undo_bytes=_number(said, "undo_mib", limits.undo_bytes // MIB) * MIB,
        task_bytes=_number(said, "task_mib", limits.task_bytes // MIB) * MIB,
        total_bytes=_number(said, "total_mib", limits.total_bytes // MIB) * MIB,
        days=_number(said, "days", limits.days),
    )
    store = texts["store"]
    if store.startswith("s3:"):
        bucket = Bucket.parse(store, texts["endpoint"], texts["region"])
        return UndoSettings(None, bucket, texts["secret"], texts["breaker"], limits)
    if any(texts[key] for key in _TEXTS - {"store"}):
        raise ConfigurationError("[undo] names a bucket's settings without a bucket", "store = 's3://bucket/prefix'")
    if store and not Path(store).is_absolute():
        raise ConfigurationError(f"[undo] store is {store!r}", "give an absolute path, or s3://bucket/prefix")
    return UndoSettings(Path(store) if store else None, limits=limits)


def _text(said: Mapping[str, Any], key: str) -> str:
    value = said.get(key, "")
    if not isinstance(value, str):
        raise ConfigurationError(f"[undo] {key} is {value!r}", "it is a text")
    return value


def _number(said: Mapping[str, Any], key: str, default: int) -> int:
    value = said.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not _NUMBERS[key] <= value < 2**31:
        raise ConfigurationError(f"[undo] {key} is {value!r}", "it is a number from 1 on")
    return value
