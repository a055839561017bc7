"""The keep when it is asked for, and `[undo]` of config.toml."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from test_keep import USERS, content, make

from conftest import S3, WRITER, credential
from yett.broker.seal import Keys
from yett.model.errors import ConfigurationError
from yett.recovery.keep import KeepError, NotImmutable
from yett.recovery.keep.budget import MIB
from yett.recovery.keep.proof import Proof
from yett.recovery.keep.ready import PROVE_EVERY_S, TRY_EVERY_S, Ready
from yett.recovery.keep.settings import read_settings


class Daemon:
    """What a daemon gives: a home, a vault, a ledger, a clock."""

    def __init__(self, home: Path, keys: Keys) -> None:
        self.home, self.keys = home, keys
        self.secrets = {"undo-bucket": credential(WRITER)}
        self.asked: list[str] = []
        self.proofs: list[Proof] = []
        self.now = 0.0

    def ready(self, **said: Any) -> Ready:
        return Ready(
            read_settings(said),
            self.home,
            self.keys,
            self.secret,
            stored=lambda: {"before": 1000},
            proven=self.proofs.append,
            apart_from=lambda: [self.home / "workspace"],
            clock=lambda: self.now,
        )

    def secret(self, name: str) -> Any:
        self.asked.append(name)
        return self.secrets[name]


@pytest.fixture
def daemon(tmp_path: Path, keys: Keys) -> Daemon:
    return Daemon(tmp_path, keys)


def test_without_a_word_it_lies_below_the_home(daemon: Daemon) -> None:
    ready = daemon.ready()
    keep = ready()
    assert keep.place.name == f"folder:{daemon.home}/keep"
    assert keep.budget.total == 1000
    assert ready() is keep
    assert content(keep, make(keep, {"a": USERS}).id) == {"a": USERS}


def test_a_folder_of_a_persons_own_is_kept_apart_from_workspaces(daemon: Daemon) -> None:
    with pytest.raises(KeepError, match="what they protect from"):
        daemon.ready(store=str(daemon.home / "workspace" / "undos"))()
    assert daemon.ready(store=str(daemon.home / "undos"))().place.name == f"folder:{daemon.home}/undos"


def test_a_bucket_is_proven_before_it_is_used_and_again_every_day(daemon: Daemon, closed_moto: S3) -> None:
    bucket = closed_moto.bucket()
    ready = daemon.ready(
        store=f"s3://{bucket.name}/some", endpoint=bucket.endpoint, region="us-east-1", secret="undo-bucket"
    )
    keep = ready()
    assert len(daemon.proofs) == 1
    made = make(keep, {"a": USERS})
    assert ready() is keep
    assert len(daemon.proofs) == 1
    daemon.now += PROVE_EVERY_S + 1
    assert ready() is keep
    assert len(daemon.proofs) == 2
    assert keep.budget.total == 1000 + made.stored
    assert content(keep, made.id) == {"a": USERS}


def test_a_bucket_that_is_not_immutable_keeps_nothing_until_it_is(daemon: Daemon, moto: S3) -> None:
    bucket = moto.bucket()
    ready = daemon.ready(
        store=f"s3://{bucket.name}", endpoint=bucket.endpoint, region="us-east-1", secret="undo-bucket"
    )
    for _ in range(2):
        with pytest.raises(NotImmutable):
            ready()
    assert daemon.asked == ["undo-bucket"], "it is not asked again at once"
    daemon.now += TRY_EVERY_S + 1
    with pytest.raises(NotImmutable):
        ready()
    assert len(daemon.asked) == 2
    assert daemon.proofs == []


def test_a_bucket_that_stops_refusing_is_no_longer_used(daemon: Daemon, closed_moto: S3, moto: S3) -> None:
    bucket = closed_moto.bucket()
    ready = daemon.ready(
        store=f"s3://{bucket.name}", endpoint=bucket.endpoint, region="us-east-1", secret="undo-bucket"
    )
    ready()
    holed = moto.bucket()
    ready.settings = read_settings({"store": f"s3://{holed.name}", "endpoint": holed.endpoint, "secret": "undo-bucket"})
    daemon.now += PROVE_EVERY_S + 1
    with pytest.raises((NotImmutable, KeepError)):
        ready()


def test_settings_are_read_and_bounded() -> None:
    said = {"store": "s3://undos/a", "endpoint": "https://s3.example", "region": "eu", "days": 7, "undo_mib": 10}
    settings = read_settings(said)
    assert settings.bucket is not None
    assert settings.bucket.address == "undos/a"
    assert settings.limits.days == 7
    assert settings.limits.undo_bytes == 10 * MIB


@pytest.mark.parametrize(
    "said",
    [
        {"days": 0},
        {"days": "30"},
        {"days": True},
        {"undo_mib": -1},
        {"stor": "x"},
        {"store": 5},
        {"store": "relative/path"},
        {"store": "/x", "endpoint": "https://s3.example"},
        {"secret": "undo-bucket"},
        {"store": "s3://UNDOS"},
        {"store": "s3://undos", "endpoint": "http://s3.example"},
    ],
)
def test_other_settings_are_refused(said: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_settings(said)
    assert refused.value.remedy
