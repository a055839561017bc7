"""Prove a bucket's lock by attempting what it must refuse; believe no flag (findings: an Object Lock bucket without
retention reads as locked, and deletes).

Three probes, made for this and nothing else: two under COMPLIANCE, one uploaded at once and one in parts, on which
every way of losing it is tried; and a control, locked for seconds, which must be deletable once its time has passed.
Without the control a refusal proves nothing: the credential may merely not be allowed to delete, while another one is.
For the same reason the retention of a probe must be extendable by whoever could not shorten it.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from yett.model.secret import Secret
from yett.recovery.keep import bucket as s3
from yett.recovery.keep.bucket import Bucket, Client, connect, in_words
from yett.recovery.keep.errors import NotImmutable
from yett.recovery.keep.locked import Locked, LockedBlob, look_locked, put_locked, set_lock

PROBE_FOR = timedelta(minutes=15)
CONTROL_FOR = timedelta(seconds=2)
CONTROL_DEADLINE_S = 20.0
REFUSED = 403
CONTENT = b"Yett attempts to delete this object. It is worth nothing."


@dataclass(frozen=True, slots=True)
class Proof:
    """What was attempted, and the answer: (attempt, the server's code), for the ledger. `at` is in nanoseconds."""

    bucket: str
    at: int
    refused: tuple[tuple[str, str], ...]


def open_bucket(bucket: Bucket, credential: Secret | None, breaker: Secret | None = None) -> tuple[Locked, Proof]:
    """The place, once the bucket has refused. `breaker`: a credential that may delete, for the proof only, where the
    one that writes (as it should) may not.

    Raises:
        NotImmutable: the bucket let something through, or could not be proven.
        KeepError: it cannot be reached or written.
        ConfigurationError: boto3 is missing, or a credential has another form.
    """
    client = connect(bucket, credential)
    proof = prove(client, bucket, connect(bucket, breaker) if breaker is not None else client)
    return Locked(client, bucket), proof


def prove(client: Client, bucket: Bucket, breaker: Client) -> Proof:
    """Write the probes with `client`, attempt to lose them with `breaker`. Raises NotImmutable, KeepError."""
    now = datetime.now(UTC)
    until = now.replace(microsecond=0) + PROBE_FOR
    folder = bucket.key("probe", f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}")
    control = _control(client, bucket, f"{folder}/control")
    refused: list[tuple[str, str]] = []
    for name, write in (("whole", put_locked), ("parts", _put_in_parts)):
        key = f"{folder}/{name}"
        version = write(client, bucket, key, CONTENT, until)
        for words, attempt in _attempts(breaker, bucket, key, version):
            refused.append((f"{name}: {words}", _refusal(bucket, words, attempt)))
        _extend(breaker, bucket, key, version, until + timedelta(minutes=1))
        _hide(client, bucket, key, version, until)
    _delete_control(breaker, bucket, f"{folder}/control", control)
    return Proof(bucket.address, time.time_ns(), tuple(refused))


def _attempts(breaker: Client, bucket: Bucket, key: str, version: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every way in which a locked version could be lost."""
    this = {"Bucket": bucket.name, "Key": key, "VersionId": version}
    soon, later = datetime.now(UTC) + timedelta(seconds=30), datetime.now(UTC) + timedelta(days=1)
    yield "delete the version", lambda: breaker.delete_object(**this)
    yield "delete it as one who may bypass", lambda: breaker.delete_object(**this, BypassGovernanceRetention=True)
    yield "delete it in a batch", lambda: _delete_in_batch(breaker, bucket, key, version)
    yield (
        "shorten its retention",
        lambda: breaker.put_object_retention(
            **this, BypassGovernanceRetention=True, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": soon}
        ),
    )
    yield (
        "turn its lock into one that can be bypassed",
        lambda: breaker.put_object_retention(
            **this, BypassGovernanceRetention=True, Retention={"Mode": "GOVERNANCE", "RetainUntilDate": later}
        ),
    )


def _refusal(bucket: Bucket, words: str, attempt: Callable[[], object]) -> str:
    """The server's code for no. Anything but a plain refusal is none: an error proves nothing."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        attempt()
    except ClientError as error:
        if s3.status(error) == REFUSED:
            return s3.code(error)
        said = f"{s3.code(error)}, HTTP {s3.status(error)}"
    except BotoCoreError as error:
        said = type(error).__name__
    else:
        raise NotImmutable(
            f"{bucket.address} is not immutable: it let Yett {words}",
            "use a bucket made with Object Lock, on a server that enforces it",
        )
    raise NotImmutable(f"{bucket.address}: whether one can {words} is not known: {said}", "try again")


def _delete_in_batch(breaker: Client, bucket: Bucket, key: str, version: str) -> None:
    from botocore.exceptions import ClientError

    answer = breaker.delete_objects(
        Bucket=bucket.name,
        Delete={"Objects": [{"Key": key, "VersionId": version}]},
        BypassGovernanceRetention=True,
    )
    for error in answer.get("Errors", ()):  # a batch is answered 200, with an error for each object
        denied = REFUSED if error.get("Code") == "AccessDenied" else 0
        raise ClientError({"Error": error, "ResponseMetadata": {"HTTPStatusCode": denied}}, "DeleteObjects")


def _extend(breaker: Client, bucket: Bucket, key: str, version: str, until: datetime) -> None:
    with in_words(bucket, "extending a probe's retention"):
        set_lock(breaker, bucket, key, version, until)


def _hide(client: Client, bucket: Bucket, key: str, version: str, until: datetime) -> None:
    """Put another version over it: what was written stays as it is, with its lock."""
    other = put_locked(client, bucket, key, b"over it", until)
    with in_words(bucket, "reading a probe"):
        body = client.get_object(Bucket=bucket.name, Key=key, VersionId=version)["Body"].read()
    if other == version or body != CONTENT:
        raise NotImmutable(f"{bucket.address} is not immutable: what was written was overwritten", "turn versioning on")
    look_locked(client, bucket, key, version, until)


def _put_in_parts(client: Client, bucket: Bucket, key: str, body: bytes, until: datetime) -> str:
    blob = LockedBlob(client, bucket, key, key, until)
    try:
        blob.write(body)
        blob.finish()
        return blob.complete()
    except BaseException:
        blob.abort()
        raise


def _control(client: Client, bucket: Bucket, key: str) -> str:
    until = datetime.now(UTC).replace(microsecond=0) + CONTROL_FOR
    with in_words(bucket, "writing a probe"):
        put = client.put_object(
            Bucket=bucket.name,
            Key=key,
            Body=CONTENT,
            ContentMD5=s3.md5(CONTENT),
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=until,
        )
    return str(put.get("VersionId"))


def _delete_control(breaker: Client, bucket: Bucket, key: str, version: str) -> None:
    """Once its time has passed it must go: then the refusals before came from the lock, not from missing rights."""
    from botocore.exceptions import ClientError

    end = time.monotonic() + CONTROL_DEADLINE_S
    while True:
        time.sleep(CONTROL_FOR.total_seconds() / 4)
        with in_words(bucket, "deleting a probe whose time is over"):
            try:
                breaker.delete_object(Bucket=bucket.name, Key=key, VersionId=version)
                return
            except ClientError as error:
                if s3.status(error) != REFUSED:
                    raise
        if time.monotonic() > end:
            raise NotImmutable(
                f"{bucket.address}: the lock is not proven, as the credential may delete nothing there anyway",
                "give a credential that may delete object versions, for the proof only (`breaker`)",
            )
