"""Undos in a bucket with Object Lock: written once, hidden by nothing, gone when their time is over."""

from __future__ import annotations

import json
import logging
import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from test_keep import NOISE, USERS, content, make

from conftest import S3, WRITER, credential
from yett.broker.seal import Keys
from yett.model.errors import ConfigurationError
from yett.model.secret import Secret
from yett.recovery.keep import Budget, Damaged, Keep, KeepError, Limits, Made, NotImmutable, TooLarge
from yett.recovery.keep import locked as locking
from yett.recovery.keep.bucket import Bucket, Client, connect, in_words, md5
from yett.recovery.keep.locked import Locked

SECOND = 10**9


@pytest.fixture
def bucket(s3: S3) -> Bucket:
    return s3.bucket()


@pytest.fixture
def client(s3: S3) -> Client:
    return s3.client()


@pytest.fixture
def place(client: Client, bucket: Bucket) -> Locked:
    return Locked(client, bucket)


@pytest.fixture
def kept(place: Locked, keys: Keys) -> Keep:
    return Keep(place, keys, Budget(Limits()))


def keys_of(client: Client, bucket: Bucket) -> list[str]:
    return sorted(v["Key"] for v in client.list_object_versions(Bucket=bucket.name).get("Versions", ()))


def uploads_of(client: Client, bucket: Bucket) -> int:
    return len(client.list_multipart_uploads(Bucket=bucket.name).get("Uploads", ()))


def version_of(made: Made, name: str) -> str:
    return next(file.at for file in made.files if file.name == name)


@contextmanager
def refused() -> Iterator[None]:
    with pytest.raises(ClientError, match="AccessDenied"):
        yield


def test_what_was_written_comes_back(kept: Keep, client: Client, bucket: Bucket) -> None:
    made = make(kept)
    assert content(kept, made.id) == {"public.users": USERS, "public.blobs": NOISE}
    assert list(kept.place.undos()) == [made.id]
    below = f"some/where/{made.id}"
    assert keys_of(client, bucket) == [f"{below}/00000", f"{below}/00001", f"{below}/manifest"]
    assert uploads_of(client, bucket) == 0
    assert made.place == f"s3:{bucket.name}/some/where"


def test_a_file_of_many_parts_comes_back(kept: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locking, "PART_BYTES", 5 * 1024 * 1024)
    large = os.urandom(17_000_000)
    made = make(kept, {"large": large, "empty": b""})
    assert content(kept, made.id) == {"large": large, "empty": b""}


def test_its_owner_cannot_remove_any_of_it_before_its_time(kept: Keep, client: Client, bucket: Bucket) -> None:
    make(kept)
    versions = client.list_object_versions(Bucket=bucket.name)["Versions"]
    assert len(versions) == 3
    for version in versions:
        this = {"Bucket": bucket.name, "Key": version["Key"], "VersionId": version["VersionId"]}
        with refused():
            client.delete_object(**this)
        with refused():
            client.delete_object(**this, BypassGovernanceRetention=True)
        facts = client.head_object(**this)
        assert facts["ObjectLockMode"] == "COMPLIANCE"
        assert facts["ObjectLockRetainUntilDate"] - datetime.now(UTC) > timedelta(days=30, hours=23)


def test_what_is_hidden_by_delete_markers_is_still_read(kept: Keep, client: Client, bucket: Bucket) -> None:
    made = make(kept)
    for key in keys_of(client, bucket):
        client.delete_object(Bucket=bucket.name, Key=key)
    assert client.list_objects_v2(Bucket=bucket.name).get("Contents", []) == []
    assert content(kept, made.id) == {"public.users": USERS, "public.blobs": NOISE}
    assert list(kept.place.undos()) == [made.id]


def test_what_is_put_over_it_changes_nothing(kept: Keep, client: Client, bucket: Bucket) -> None:
    made, other = make(kept), make(kept, {"public.users": b"mine"})
    theirs = client.get_object(Bucket=bucket.name, Key=f"some/where/{other.id}/manifest")["Body"].read()
    for key in keys_of(client, bucket):
        client.put_object(Bucket=bucket.name, Key=key, Body=theirs, ContentMD5=md5(theirs))
    assert content(kept, made.id) == {"public.users": USERS, "public.blobs": NOISE}


def test_a_huge_thing_put_over_the_manifest_is_not_read(
    kept: Keep, client: Client, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(kept)
    monkeypatch.setattr(locking, "MOST_MANIFEST_BYTES", 100_000)
    key, body = f"some/where/{made.id}/manifest", bytes(200_000)
    client.put_object(Bucket=bucket.name, Key=key, Body=body, ContentMD5=md5(body))
    assert len(list(kept.place.manifests(made.id))) == 1
    kept.open(made.id)


def test_an_undo_that_is_not_there_is_said_so(kept: Keep) -> None:
    with pytest.raises(Damaged, match="is not in s3:"):
        kept.open("u-0123456789ab")


def test_the_same_id_is_never_written_twice(kept: Keep) -> None:
    made = make(kept)
    with pytest.raises(KeepError, match="already"):
        kept.place.draft(made.id, made.expires)


def test_an_undo_that_fails_leaves_nothing_that_is_locked(kept: Keep, client: Client, bucket: Bucket) -> None:
    kept.budget.limits = Limits(undo_bytes=600_000)
    with pytest.raises(TooLarge):
        make(kept, {"fits": USERS, "does not": NOISE})
    assert keys_of(client, bucket) == []
    assert uploads_of(client, bucket) == 0
    assert kept.budget.total == 0


def test_a_writer_that_died_leaves_uploads_that_are_swept_later(
    kept: Keep, client: Client, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    making = kept.begin("t1")
    with making.file("a") as file:
        file.write(NOISE)
    assert uploads_of(client, bucket) == 1
    assert keys_of(client, bucket) == []
    monkeypatch.setattr(locking, "ABANDONED", timedelta(seconds=-60))
    assert kept.place.sweep() == 0
    assert Locked(client, bucket).sweep() == 1
    assert uploads_of(client, bucket) == 0


def test_files_without_a_manifest_do_not_count(kept: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the last upload and the manifest."""
    monkeypatch.setattr(locking.LockedDraft, "commit", lambda self, manifest: os._exit(9))
    child = os.fork()
    if child == 0:
        make(kept)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert list(kept.place.undos()) == []


def test_it_is_removed_when_its_time_is_over_and_not_before(
    kept: Keep, place: Locked, client: Client, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(kept, {"a": USERS})
    with pytest.raises(KeepError, match="removing an undo: AccessDenied"):
        kept.let_go(made.id, made.task, made.stored)
    assert kept.budget.total == made.stored
    assert content(kept, made.id) == {"a": USERS}
    monkeypatch.setattr(locking, "BEYOND", timedelta(seconds=2))
    short = Keep(place, kept._keys, Budget(Limits(days=0)))
    soon = make(short, {"a": USERS})
    client.delete_object(Bucket=bucket.name, Key=f"some/where/{soon.id}/manifest")
    end = datetime.now(UTC) + timedelta(seconds=15)
    while datetime.now(UTC) < end:
        try:
            short.let_go(soon.id, soon.task, soon.stored)
            break
        except KeepError:
            pass
    assert all(soon.id not in key for key in keys_of(client, bucket))
    place.remove(soon.id)


def test_it_can_be_kept_longer(kept: Keep, place: Locked, client: Client, bucket: Bucket) -> None:
    made = make(kept, {"a": USERS})
    place.extend(made.id, made.expires + 10 * 24 * 3600 * SECOND)
    for version in client.list_object_versions(Bucket=bucket.name)["Versions"]:
        facts = client.head_object(Bucket=bucket.name, Key=version["Key"], VersionId=version["VersionId"])
        assert facts["ObjectLockRetainUntilDate"] - datetime.now(UTC) > timedelta(days=40)


def test_a_longer_retention_of_the_bucket_stays(s3: S3, keys: Keys) -> None:
    client, bucket = s3.client(), s3.bucket()
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 90}}
    client.put_object_lock_configuration(
        Bucket=bucket.name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    kept = Keep(Locked(client, bucket), keys, Budget(Limits()))
    made = make(kept)
    assert content(kept, made.id) == {"public.users": USERS, "public.blobs": NOISE}


def test_a_file_that_another_undo_wrote_is_noticed(kept: Keep, client: Client, bucket: Bucket) -> None:
    """Object Lock or not: what is read is authenticated, so a server that lies is found out."""
    one, other = make(kept, {"a": USERS}), make(kept, {"a": USERS})
    truly = client.get_object

    def lying(**named: object) -> object:
        if named["VersionId"] == version_of(one, "a"):
            named |= {"Key": f"some/where/{other.id}/00000", "VersionId": version_of(other, "a")}
        return truly(**named)

    client.get_object = lying
    with pytest.raises(Damaged):
        kept.open(one.id)
    kept.open(other.id)


def test_a_bucket_that_forgets_the_lock_is_noticed_at_every_write(kept: Keep, client: Client) -> None:
    truly = client.put_object

    def forgetting(**named: object) -> object:
        return truly(**{key: value for key, value in named.items() if not key.startswith("ObjectLock")})

    client.put_object = forgetting
    with pytest.raises(NotImmutable, match="without a lock"):
        make(kept)


# ---- addresses and credentials


@pytest.mark.parametrize(
    ("address", "name", "prefix"),
    [("s3://undos", "undos", ""), ("s3://undos/", "undos", ""), ("s3://un.dos-1/a/b/", "un.dos-1", "a/b")],
)
def test_an_address_names_bucket_and_prefix(address: str, name: str, prefix: str) -> None:
    bucket = Bucket.parse(address)
    assert (bucket.name, bucket.prefix) == (name, prefix)


@pytest.mark.parametrize("address", ["undos", "s3://", "s3://A", "s3://b/../x y", "https://undos.example", "s3://u?x"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ConfigurationError):
        Bucket.parse(address)


@pytest.mark.parametrize(
    "endpoint",
    ["http://s3.example", "https://a:b@s3.example", "ftp://s3.example", "s3.example", "https://", "http://["],
)
def test_other_endpoints_are_refused(endpoint: str) -> None:
    with pytest.raises(ConfigurationError):
        Bucket.parse("s3://undos", endpoint)


@pytest.mark.parametrize("form", ["only-one-part", "a:", ":b", "a:b:c:d", ""])
def test_a_credential_of_another_form_is_refused_unseen(form: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        connect(Bucket("undos", region="us-east-1"), Secret(form))
    assert not form or form not in refusal.value.diagnostics()


def test_no_credential_shows_in_errors_or_logs(s3: S3, keys: Keys, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = WRITER[::-1] * 2
    place = Locked(connect(s3.bucket(), Secret(f"{WRITER}:{wrong}")), Bucket("not-there", "", s3.endpoint, "us-east-1"))
    with pytest.raises(KeepError, match="not-there") as refusal:
        make(Keep(place, keys, Budget(Limits())))
    said = "".join(traceback.format_exception(refusal.value)) + refusal.value.diagnostics()
    logged = caplog.text + json.dumps([str(record.__dict__) for record in caplog.records])
    for value in (wrong, credential(WRITER).text().partition(":")[2]):
        assert value not in said
        assert value not in logged


def test_a_servers_own_words_are_not_repeated() -> None:
    """They may hold a key id, or what somebody put there for the reader."""
    answer = {
        "Error": {"Code": "x" * 90, "Message": "KEYID", "AWSAccessKeyId": "KEYID"},
        "ResponseMetadata": {"HTTPStatusCode": 403},
    }
    with pytest.raises(KeepError) as refusal, in_words(Bucket("undos"), "writing"):
        raise ClientError(answer, "PutObject")
    assert refusal.value.what == "undos: writing: no code, HTTP 403"
    assert refusal.value.__cause__ is None


def test_a_file_is_read_back_before_the_undo_is_finished(kept: Keep) -> None:
    with kept.begin("t1") as making:
        with making.file("a") as file:
            file.write(USERS)
        assert b"".join(making.read("a")) == USERS
        with making.file("b") as file:
            file.write(NOISE)
        made = making.finish({})
    assert content(kept, made.id) == {"a": USERS, "b": NOISE}
