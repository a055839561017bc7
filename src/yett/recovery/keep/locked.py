"""S3 with Object Lock as the place of undos: nobody, its owner included, removes one before its time.

Every file is a multipart upload that is not completed before the undo is whole: until then nothing exists, so that an
undo which fails leaves nothing that could not be removed for a month. Every object carries its own retention
(COMPLIANCE), whatever the bucket's default. Everything is read by its version: a delete marker, or a newer version that
somebody put over a key, hides nothing (immutable is not the same as visible).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from yett.recovery.keep import bucket as s3
from yett.recovery.keep.bucket import Bucket, Client, in_words, md5, pages
from yett.recovery.keep.errors import Damaged, KeepError, NotImmutable
from yett.recovery.keep.place import MOST_MANIFEST_BYTES

MANIFEST = "manifest"
PART_BYTES = 16 * 1024 * 1024
"""S3 takes 10,000 parts an object: files of up to 156 GiB."""
READ_BYTES = 1024 * 1024
BEYOND = timedelta(days=1)
"""How much longer than the undo the lock lasts: clocks differ."""
ABANDONED = timedelta(days=2)
"""An upload of that age has no writer any more."""

_UNDO = re.compile(r"u-[0-9a-f]{12}")


class Locked:
    """Undos below one prefix of a bucket. `proof.open_bucket` makes one: not before the bucket has refused."""

    gaps: tuple[str, ...] = (
        "the undo opens with Yett's master key only: if this machine is lost, its copy elsewhere is needed",
    )

    def __init__(self, client: Client, bucket: Bucket) -> None:
        self._client = client
        self._bucket = bucket
        self._writing: set[str] = set()

    @property
    def name(self) -> str:
        return f"s3:{self._bucket.address}"

    def draft(self, undo: str, until_ns: int) -> LockedDraft:
        key = self._key(undo)
        with in_words(self._bucket, "looking for an undo of the same id"):
            if any(self._versions(key)):
                raise KeepError(f"{self._bucket.address} has an undo {undo} already", "try again")
        return LockedDraft(self._client, self._bucket, undo, _instant(until_ns) + BEYOND, self._writing)

    def manifests(self, undo: str) -> Iterator[bytes]:
        key = self._key(undo, MANIFEST)
        with in_words(self._bucket, "reading a manifest"):
            found = [version for version in self._versions(key) if version["Key"] == key]
            for version in sorted(found, key=lambda version: version["LastModified"]):
                if version["Size"] > MOST_MANIFEST_BYTES:
                    continue
                yield b"".join(self._pieces(key, version["VersionId"]))

    def read(self, undo: str, name: str, at: str) -> Iterator[bytes]:
        from botocore.exceptions import ClientError

        with in_words(self._bucket, "reading an undo"):
            try:
                yield from self._pieces(self._key(undo, name), at)
            except ClientError as error:
                if s3.status(error) == 404:
                    raise Damaged("it is gone", "somebody removed it: use another undo") from None
                raise

    def undos(self) -> Iterator[str]:
        seen = set()
        with in_words(self._bucket, "listing undos"):
            for version in self._versions(self._bucket.key("u-")):
                undo, _, name = self._below(version["Key"]).partition("/")
                if name == MANIFEST and _UNDO.fullmatch(undo) and undo not in seen:
                    seen.add(undo)
                    yield undo

    def extend(self, undo: str, until_ns: int) -> None:
        until = _instant(until_ns) + BEYOND
        with in_words(self._bucket, "keeping an undo longer"):
            for version in self._versions(self._key(undo, "")):
                set_lock(self._client, self._bucket, version["Key"], version["VersionId"], until)

    def remove(self, undo: str) -> None:
        with in_words(self._bucket, "removing an undo"):
            found = list(self._versions(self._key(undo, ""), markers=True))
            for version in sorted(found, key=lambda version: not version["Key"].endswith("/" + MANIFEST)):
                self._delete(version)

    def sweep(self) -> int:
        before, swept = datetime.now(UTC) - ABANDONED, set()
        with in_words(self._bucket, "looking for uploads that were not finished"):
            asked = {"Bucket": self._bucket.name, "Prefix": self._bucket.key("u-")}
            for page in pages(self._client.list_multipart_uploads, **asked):
                for upload in page.get("Uploads", ()):
                    undo = self._below(upload["Key"]).partition("/")[0]
                    if upload["Initiated"] < before and undo not in self._writing:
                        _abort(self._client, self._bucket, upload["Key"], upload["UploadId"])
                        swept.add(undo)
        self._sweep_probes(before)
        return len(swept)

    def _sweep_probes(self, before: datetime) -> None:
        """Old probes of `proof.prove`; a credential that may not delete leaves them, a few hundred bytes each."""
        from botocore.exceptions import ClientError

        with in_words(self._bucket, "removing old probes"), suppress(ClientError):
            for version in self._versions(self._bucket.key("probe") + "/", markers=True):
                if version["LastModified"] < before:
                    self._delete(version)

    def _delete(self, version: Mapping[str, Any]) -> None:
        self._client.delete_object(Bucket=self._bucket.name, Key=version["Key"], VersionId=version["VersionId"])

    def _versions(self, prefix: str, *, markers: bool = False) -> Iterator[dict[str, Any]]:
        for page in pages(self._client.list_object_versions, Bucket=self._bucket.name, Prefix=prefix):
            yield from page.get("Versions", ())
            if markers:
                yield from page.get("DeleteMarkers", ())

    def _pieces(self, key: str, version: str) -> Iterator[bytes]:
        body = self._client.get_object(Bucket=self._bucket.name, Key=key, VersionId=version)["Body"]
        try:
            yield from iter(lambda: body.read(READ_BYTES), b"")
        finally:
            body.close()

    def _key(self, undo: str, name: str | None = None) -> str:
        if not _UNDO.fullmatch(undo):
            raise Damaged(f"{undo!r} is no undo's id", "yett undo list shows those that exist")
        return f"{self._bucket.key(undo)}/{name or ''}"

    def _below(self, key: str) -> str:
        return key.removeprefix(self._bucket.key("")).lstrip("/")


class LockedDraft:
    """One undo being uploaded. `until`: how long its objects cannot be removed; `writing` has it while it lasts."""

    def __init__(self, client: Client, bucket: Bucket, undo: str, until: datetime, writing: set[str]) -> None:
        writing.add(undo)
        self._writing = writing
        self._client = client
        self._bucket = bucket
        self._undo = undo
        self._until = until
        self._blobs: list[LockedBlob] = []

    def blob(self, name: str) -> LockedBlob:
        blob = LockedBlob(self._client, self._bucket, self._bucket.key(self._undo, name), name, self._until)
        self._blobs.append(blob)
        return blob

    def reach(self, name: str) -> str:
        (blob,) = (blob for blob in self._blobs if blob.name == name)
        return blob.complete()

    def settle(self) -> Mapping[str, str]:
        return {blob.name: blob.complete() for blob in self._blobs}

    def commit(self, manifest: bytes) -> None:
        put_locked(self._client, self._bucket, self._bucket.key(self._undo, MANIFEST), manifest, self._until)
        self._writing.discard(self._undo)

    def abort(self) -> None:
        """Uploads vanish. What was completed already is locked: it stays until its time, and does not count."""
        for blob in self._blobs:
            blob.abort()
        self._writing.discard(self._undo)


class LockedBlob:
    """A multipart upload. It is no object before `complete`."""

    def __init__(self, client: Client, bucket: Bucket, key: str, name: str, until: datetime) -> None:
        self.name = name
        self._client = client
        self._bucket = bucket
        self._key = key
        self._until = until
        self._version = ""
        self._pending = bytearray()
        self._parts: list[dict[str, Any]] = []
        with in_words(bucket, "beginning an upload"):
            begun = client.create_multipart_upload(
                Bucket=bucket.name, Key=key, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until
            )
        self._upload = str(begun["UploadId"])

    def write(self, data: bytes) -> None:
        self._pending += data
        while len(self._pending) >= PART_BYTES:
            self._send(bytes(self._pending[:PART_BYTES]))
            del self._pending[:PART_BYTES]

    def finish(self) -> None:
        if self._pending or not self._parts:
            self._send(bytes(self._pending))
            self._pending.clear()

    def complete(self) -> str:
        """The version that this made of its key, seen to be locked. Raises KeepError, NotImmutable.

        The lock is asked for with the upload, and set on what it made where that was forgotten (Ceph 16.2, measured).
        """
        if self._version:
            return self._version
        with in_words(self._bucket, "completing an upload"):
            done = self._client.complete_multipart_upload(
                Bucket=self._bucket.name,
                Key=self._key,
                UploadId=self._upload,
                MultipartUpload={"Parts": self._parts},
            )
        self._upload = ""
        self._version = self._locked(done.get("VersionId"))
        return self._version

    def _locked(self, version: str | None) -> str:
        try:
            return look_locked(self._client, self._bucket, self._key, version, self._until)
        except NotImmutable:
            if not version:
                raise
        with in_words(self._bucket, "locking an object"):
            set_lock(self._client, self._bucket, self._key, version, self._until)
        return look_locked(self._client, self._bucket, self._key, version, self._until)

    def abort(self) -> None:
        if self._upload:
            _abort(self._client, self._bucket, self._key, self._upload)
            self._upload = ""

    def _send(self, part: bytes) -> None:
        number = len(self._parts) + 1
        with in_words(self._bucket, "uploading"):
            sent = self._client.upload_part(
                Bucket=self._bucket.name,
                Key=self._key,
                UploadId=self._upload,
                PartNumber=number,
                Body=part,
                ContentMD5=md5(part),
            )
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})


def put_locked(client: Client, bucket: Bucket, key: str, body: bytes, until: datetime) -> str:
    """One object in one request; answers with its version, seen to be locked. Raises KeepError, NotImmutable."""
    with in_words(bucket, "writing an object"):
        put = client.put_object(
            Bucket=bucket.name,
            Key=key,
            Body=body,
            ContentMD5=md5(body),
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=until,
        )
    return look_locked(client, bucket, key, put.get("VersionId"), until)


def set_lock(client: Client, bucket: Bucket, key: str, version: str, until: datetime) -> None:
    """Lock a version, or keep it locked longer. Raises what boto3 raises."""
    client.put_object_retention(
        Bucket=bucket.name,
        Key=key,
        VersionId=version,
        Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until},
    )


def look_locked(client: Client, bucket: Bucket, key: str, version: str | None, until: datetime) -> str:
    """Ask what lies there, and how long it will. Some servers take the lock's headers and forget them."""
    if not version or version == "null":
        raise NotImmutable(
            f"{bucket.address} made no version of what was written", "versioning is off: use a bucket with Object Lock"
        )
    with in_words(bucket, "looking at an object's lock"):
        facts = client.head_object(Bucket=bucket.name, Key=key, VersionId=version)
    kept = facts.get("ObjectLockRetainUntilDate")
    if facts.get("ObjectLockMode") != "COMPLIANCE" or kept is None or kept < until - timedelta(seconds=1):
        raise NotImmutable(
            f"{bucket.address} keeps what was written {facts.get('ObjectLockMode') or 'without a lock'} "
            f"until {kept or 'any time'}, not in COMPLIANCE until {until:%Y-%m-%d}",
            "its credential needs s3:PutObjectRetention and s3:GetObjectRetention, and the server must lock uploads",
        )
    return version


def _abort(client: Client, bucket: Bucket, key: str, upload: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        client.abort_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload)
    except (BotoCoreError, ClientError):
        return  # `sweep` tries again; what was never completed is no object


def _instant(nanoseconds: int) -> datetime:
    """Whole seconds, upwards: servers keep no smaller part."""
    return datetime.fromtimestamp(-(-nanoseconds // 10**9), UTC)
