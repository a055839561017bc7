"""A bucket is believed when it has refused, and not before."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from conftest import OTHER, S3, WRITER, credential
from yett.recovery.keep import KeepError, NotImmutable
from yett.recovery.keep import proof as proving
from yett.recovery.keep.bucket import Bucket, Client, md5
from yett.recovery.keep.proof import open_bucket, prove

ATTEMPTS = {
    "delete the version",
    "delete it as one who may bypass",
    "delete it in a batch",
    "shorten its retention",
    "turn its lock into one that can be bypassed",
}


class Meddling:
    """A client in which single calls are replaced: what a server with that hole, or a credential without that right,
    would answer."""

    def __init__(self, client: Client, **calls: object) -> None:
        self._client = client
        self._calls = calls

    def __getattr__(self, name: str) -> object:
        return self._calls.get(name) or getattr(self._client, name)


def denied(*given: object, **named: object) -> object:
    raise ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "Anything")


@pytest.fixture(autouse=True)
def _short_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "CONTROL_DEADLINE_S", 4.0)


def test_a_bucket_that_refuses_everything_is_taken(s3: S3) -> None:
    bucket = s3.bucket()
    _, proof = open_bucket(bucket, credential(WRITER))
    assert {words for words, _ in proof.refused} == {f"{how}: {a}" for how in ("whole", "parts") for a in ATTEMPTS}
    assert {code for _, code in proof.refused} == {"AccessDenied"}
    assert proof.bucket == f"{bucket.name}/some/where"


def test_a_bucket_without_lock_is_refused(s3: S3) -> None:
    with pytest.raises(KeepError):
        open_bucket(s3.bucket(locked=False), credential(WRITER))


def test_moto_as_it_comes_is_refused(moto: S3) -> None:
    """It lets anybody shorten what is locked (findings, section 4). When it no longer does, closed_moto.py can go."""
    with pytest.raises(NotImmutable, match="it let Yett shorten its retention"):
        open_bucket(moto.bucket(), credential(WRITER))


def test_moto_forgets_the_lock_of_an_upload_in_parts(moto: S3) -> None:
    """As Ceph 16 does: why it is set again on what was uploaded."""
    client, bucket = moto.client(), moto.bucket()
    until = datetime.now(UTC) + timedelta(days=1)
    lock = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": until}
    this = {"Bucket": bucket.name, "Key": "k"}
    upload = {**this, "UploadId": client.create_multipart_upload(**this, **lock)["UploadId"]}
    part = client.upload_part(**upload, PartNumber=1, Body=b"x", ContentMD5=md5(b"x"))
    done = client.complete_multipart_upload(
        **upload, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    )
    client.delete_object(**this, VersionId=done["VersionId"])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("delete_object", "delete the version"),
        ("delete_objects", "delete it in a batch"),
        ("put_object_retention", "shorten its retention"),
    ],
)
def test_one_hole_is_enough(closed_moto: S3, call: str, words: str) -> None:
    client = closed_moto.client()
    holed = Meddling(client, **{call: lambda **named: {"Deleted": [{}]}})
    with pytest.raises(NotImmutable, match=f"it let Yett {words}"):
        prove(client, closed_moto.bucket(), holed)


def test_governance_is_not_enough(closed_moto: S3) -> None:
    client = closed_moto.client()

    def weaker(**named: object) -> object:
        return client.put_object(**(named | {"ObjectLockMode": "GOVERNANCE"}))

    with pytest.raises(NotImmutable, match="GOVERNANCE"):
        prove(Meddling(client, put_object=weaker), closed_moto.bucket(), client)


def test_a_lock_that_the_server_forgets_is_not_enough(closed_moto: S3) -> None:
    client = closed_moto.client()

    def forgetting(**named: object) -> object:
        return client.put_object(**{key: value for key, value in named.items() if not key.startswith("ObjectLock")})

    with pytest.raises(NotImmutable, match="without a lock"):
        prove(Meddling(client, put_object=forgetting), closed_moto.bucket(), client)


def test_a_refusal_to_one_who_may_delete_nothing_proves_nothing(closed_moto: S3) -> None:
    client = closed_moto.client()
    powerless = Meddling(client, delete_object=denied, delete_objects=denied)
    with pytest.raises(NotImmutable, match="may delete nothing there anyway") as refused:
        prove(client, closed_moto.bucket(), powerless)
    assert "for the proof only" in refused.value.remedy


def test_a_refusal_to_one_who_may_change_no_retention_proves_nothing(closed_moto: S3) -> None:
    client = closed_moto.client()
    with pytest.raises(KeepError, match="extending a probe's retention: AccessDenied"):
        prove(client, closed_moto.bucket(), Meddling(client, put_object_retention=denied))


@pytest.mark.parametrize("status", [400, 404, 500, 503])
def test_an_error_is_no_refusal(closed_moto: S3, status: int) -> None:
    def failing(**named: object) -> object:
        answer = {"Error": {"Code": "Odd"}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(answer, "DeleteObject")

    client = closed_moto.client()
    with pytest.raises(NotImmutable, match=f"is not known: Odd, HTTP {status}"):
        prove(client, closed_moto.bucket(), Meddling(client, delete_object=failing))


def test_silence_is_no_refusal(closed_moto: S3) -> None:
    def silent(**named: object) -> object:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")

    client = closed_moto.client()
    with pytest.raises(NotImmutable, match="is not known: EndpointConnectionError"):
        prove(client, closed_moto.bucket(), Meddling(client, delete_objects=silent))


def test_a_key_that_is_overwritten_is_not_immutable(closed_moto: S3) -> None:
    client = closed_moto.client()

    def newest(**named: object) -> object:
        return client.get_object(Bucket=named["Bucket"], Key=named["Key"])

    with pytest.raises(NotImmutable, match="was overwritten"):
        prove(Meddling(client, get_object=newest), closed_moto.bucket(), client)


def test_one_who_may_only_write_is_proven_with_the_rights_of_another(ceph_gateway: S3) -> None:
    """Real rights: the writer's policy has no delete; the owner of the bucket lends theirs for the proof."""
    bucket = ceph_gateway.bucket()
    actions = ["PutObject", "GetObject", "GetObjectVersion", "PutObjectRetention", "GetObjectRetention"]
    actions += ["ListMultipartUploadParts", "AbortMultipartUpload"]
    here = [f"arn:aws:s3:::{bucket.name}", f"arn:aws:s3:::{bucket.name}/*"]
    may = {"Effect": "Allow", "Principal": {"AWS": [f"arn:aws:iam:::user/{OTHER}"]}, "Resource": here}
    may["Action"] = [f"s3:{action}" for action in [*actions, "ListBucketVersions", "ListBucketMultipartUploads"]]
    all_ = {**may, "Principal": {"AWS": [f"arn:aws:iam:::user/{WRITER}"]}, "Action": ["s3:*"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [may, all_]})
    ceph_gateway.client().put_bucket_policy(Bucket=bucket.name, Policy=policy)
    with pytest.raises(NotImmutable, match="may delete nothing there anyway"):
        open_bucket(bucket, credential(OTHER))
    place, proof = open_bucket(bucket, credential(OTHER), breaker=credential(WRITER))
    assert len(proof.refused) == 10
    assert place.sweep() == 0


def test_an_endpoint_that_is_not_there_is_said_in_words() -> None:
    bucket = Bucket("undos", "", "http://127.0.0.1:1", "us-east-1")
    with pytest.raises(KeepError, match="undos: writing a probe: EndpointConnectionError"):
        open_bucket(bucket, credential(WRITER))
