"""A keep in a folder, and real buckets: moto with its hole closed, and Ceph where it is installed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError

from listening import free_port

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[3]))

from bench import ceph

from yett.broker.seal import Keys, new_master
from yett.model.secret import Secret
from yett.recovery.keep import Budget, Keep, Limits
from yett.recovery.keep.bucket import Bucket, Client, connect
from yett.recovery.keep.folder import Folder, open_folder

WRITER, OTHER = "undowriter", "somebodyelse"
MIB = 1024 * 1024


@dataclass(frozen=True)
class S3:
    """A server; each test takes a new bucket from it."""

    kind: str
    endpoint: str
    numbers: count

    def client(self, user: str = WRITER) -> Client:
        return connect(Bucket("none", endpoint=self.endpoint, region="us-east-1"), credential(user))

    def bucket(self, *, locked: bool = True) -> Bucket:
        bucket = Bucket(f"undos-{next(self.numbers)}", "some/where", self.endpoint, "us-east-1")
        self.client().create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=locked)
        return bucket


def credential(user: str) -> Secret:
    return Secret(f"{user}:{user * 3}")


@pytest.fixture
def keys() -> Keys:
    return Keys(new_master())


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return open_folder(tmp_path / "keep", leave_free_bytes=MIB)


@pytest.fixture
def keep(folder: Folder, keys: Keys) -> Keep:
    return Keep(folder, keys, Budget(Limits()))


@pytest.fixture(scope="session")
def moto() -> Iterator[S3]:
    """moto as it comes."""
    yield from _served([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p"], "moto")


@pytest.fixture(scope="session")
def closed_moto() -> Iterator[S3]:
    yield from _served([sys.executable, str(Path(__file__).with_name("closed_moto.py"))], "closed moto")


@pytest.fixture(scope="session")
def ceph_gateway() -> Iterator[S3]:
    if not ceph.is_installed():
        pytest.skip("Ceph is not installed: apt-get install radosgw ceph-mon ceph-osd")
    with ceph.running() as running:
        for user in (WRITER, OTHER):
            running.user(user, user * 3)
        yield S3("ceph", running.endpoint, count(1))


@pytest.fixture(params=["closed_moto", "ceph_gateway"])
def s3(request: pytest.FixtureRequest) -> S3:
    """A server that enforces Object Lock."""
    found: S3 = request.getfixturevalue(request.param)
    return found


def _served(command: list[str], kind: str) -> Iterator[S3]:
    port = str(free_port())
    server = subprocess.Popen([*command, port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        s3 = S3(kind, f"http://127.0.0.1:{port}", count(1))
        end = time.monotonic() + 30
        while True:
            try:
                s3.client().list_buckets()
                break
            except BotoCoreError:
                assert server.poll() is None, f"{kind} ended"
                assert time.monotonic() < end, f"{kind} does not answer"
                time.sleep(0.1)
        yield s3
    finally:
        server.kill()
        server.wait(10)
