"""The keep of undos: MB of rows a second, compressed, encrypted, flushed and read back; in a folder, and in a bucket
with Object Lock of a real Ceph. Beside it the same bytes as a plain file, written and flushed.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path

from bench import ceph
from bench.postgres.report import Report, line, median, seconds, table
from botocore.exceptions import ClientError

from yett.broker.seal import Keys, new_master
from yett.model.secret import Secret
from yett.recovery.keep import Budget, Keep, Limits
from yett.recovery.keep.bucket import Bucket, connect
from yett.recovery.keep.folder import open_folder
from yett.recovery.keep.locked import Locked

MB = 1_000_000
SIZE = 100 * MB
PIECE = 64 * 1024
USER = "undowriter"


def folder(report: Report, at: Path, rounds: int) -> None:
    """A folder of this machine beside a plain file."""
    pieces = _rows()
    keep = Keep(open_folder(at / "keep"), Keys(new_master()), Budget(Limits()))
    with tempfile.NamedTemporaryFile(dir=at) as file:

        def plain() -> None:
            file.seek(0)
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())

        rates = _interleaved(rounds, {"plain file": plain, "keep": lambda: _make(keep, pieces)})
    made = _make(keep, pieces)
    rates["keep, read and checked"] = [SIZE / MB / seconds(lambda: keep.open(made)) for _ in range(rounds)]
    _print("a folder", rates)


def object_lock(report: Report, rounds: int) -> None:
    """The same in a bucket that lets nothing go before its time, which is tried."""
    if not ceph.is_installed():
        print("\nCeph is missing: apt-get install radosgw ceph-mon ceph-osd")
        return
    pieces, keys = _rows(), Keys(new_master())
    with ceph.running() as gateway, tempfile.TemporaryDirectory(prefix="yett-bench-keep-") as beside:
        gateway.user(USER, USER * 3)
        bucket = Bucket("undos", "bench", gateway.endpoint, "us-east-1")
        client = connect(bucket, Secret(f"{USER}:{USER * 3}"))
        client.create_bucket(Bucket=bucket.name, ObjectLockEnabledForBucket=True)
        keep = Keep(Locked(client, bucket), keys, Budget(Limits()))
        local = Keep(open_folder(Path(beside) / "keep"), keys, Budget(Limits()))
        numbers = count()

        def put() -> None:
            client.put_object(Bucket=bucket.name, Key=f"plain/{next(numbers)}", Body=b"".join(pieces))

        ways = {"folder": lambda: _make(local, pieces), "plain object": put, "keep": lambda: _make(keep, pieces)}
        rates = _interleaved(min(rounds, 3), ways)  # what is locked stays: memory of the store
        made = _make(keep, pieces)
        rates["keep, read and checked"] = [SIZE / MB / seconds(lambda: keep.open(made))]
        _print("Ceph with Object Lock", rates)
        versions = client.list_object_versions(Bucket=bucket.name, Prefix=f"bench/{made}")["Versions"]
        refused = sum(_is_refused(client, bucket, version) for version in versions)
        seen = f"{refused} of {len(versions)} versions"
        report.target("Object Lock: its owner cannot delete", seen, "all", reached=refused == len(versions))


def _is_refused(client: object, bucket: Bucket, version: dict[str, str]) -> bool:
    this = {"Bucket": bucket.name, "Key": version["Key"], "VersionId": version["VersionId"]}
    try:
        client.delete_object(**this, BypassGovernanceRetention=True)  # type: ignore[attr-defined]  # boto3 has no types
    except ClientError:
        return True
    return False


def _make(keep: Keep, pieces: list[bytes]) -> str:
    with keep.begin("t-bench") as making:
        with making.file("public.users") as file:
            for piece in pieces:
                file.write(piece)
        return making.finish({}).id


def _interleaved(rounds: int, ways: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            rates[name].append(SIZE / MB / seconds(way))
    return rates


def _print(where: str, rates: dict[str, list[float]]) -> None:
    table(f"{where}, MB/s", list(rates))
    line(f"{SIZE // MB} MB of rows", [f"{median(some):.0f}" for some in rates.values()])


def _rows() -> list[bytes]:
    """Rows as COPY writes them, of which a quarter does not compress."""
    rows, size = [], 0
    for n in count():
        row = (
            f"{n}\tperson{n}@example.com\tPerson {n}\t{os.urandom(16).hex()}\t2026-11-{n % 30 + 1:02d} 10:00\n".encode()
        )
        rows.append(row)
        size += len(row)
        if size >= SIZE:
            break
    whole = b"".join(rows)[:SIZE]
    return [whole[at : at + PIECE] for at in range(0, SIZE, PIECE)]
