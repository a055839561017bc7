"""A bucket of S3, or of what speaks like it: the client, its address and credentials, its errors in words.

boto3 is the extra `[s3]`, imported only here. No error, name or repr of anything here holds a credential.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from yett.model.errors import ConfigurationError
from yett.model.secret import Secret
from yett.recovery.keep.errors import KeepError

Client = Any  # boto3 makes its clients at run time from data; there is no class to name
_ADDRESS = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([A-Za-z0-9/_.-]*[A-Za-z0-9_-]))?/?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where a bucket is. `prefix` has no slash at its ends; `endpoint` "" is the region's own, at AWS."""

    name: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""

    @classmethod
    def parse(cls, address: str, endpoint: str = "", region: str = "") -> Bucket:
        """From `s3://bucket/prefix`. Raises ConfigurationError."""
        match = _ADDRESS.fullmatch(address)
        if not match:
            raise ConfigurationError(f"{address!r} is no bucket", "write s3://bucket/prefix")
        if endpoint:
            try:
                parts = urlsplit(endpoint)
                said = bool(parts.username or parts.password), parts.scheme, parts.hostname
            except ValueError:
                said = False, "", ""
            holds_password, scheme, host = said
            if holds_password or not host or not (scheme == "https" or (scheme == "http" and host in _LOOPBACK)):
                raise ConfigurationError(
                    "the endpoint of the undo bucket is no https:// address", "write https://host, without credentials"
                )
        return cls(match[1], match[2] or "", endpoint, region)

    @property
    def address(self) -> str:
        return f"{self.name}/{self.prefix}".rstrip("/")

    def key(self, *parts: str) -> str:
        return "/".join(part for part in (self.prefix, *parts) if part)


def connect(bucket: Bucket, credential: Secret | None = None) -> Client:
    """A client. `credential` is "ID:SECRET" or "ID:SECRET:SESSION-TOKEN"; None: what boto3 finds in its environment.

    Raises:
        ConfigurationError: the extra is not installed, or the credential has another form.
    """
    try:
        import boto3
        from botocore.config import Config
    except ImportError:
        raise ConfigurationError("undos in S3 need boto3, which is not installed", "pip install 'yett[s3]'") from None
    logging.getLogger("botocore").setLevel(logging.WARNING)  # its debug lines hold signed headers and bodies
    config = Config(
        connect_timeout=5,
        read_timeout=60,
        retries={"max_attempts": 4, "mode": "standard"},
        s3={"addressing_style": "path"} if bucket.endpoint else {},
        # Every body goes with a Content-MD5, which all servers know; Ceph 16 refuses the newer checksums.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    said: dict[str, str] = _credential(credential) if credential is not None else {}
    return boto3.client(
        "s3", endpoint_url=bucket.endpoint or None, region_name=bucket.region or None, config=config, **said
    )


def _credential(credential: Secret) -> dict[str, str]:
    names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
    parts = credential.text().strip().split(":")
    if len(parts) not in (2, 3) or not all(parts):
        raise ConfigurationError("the secret of the undo bucket has another form", "it is ID:SECRET, in one line")
    return dict(zip(names, parts, strict=False))


def md5(data: bytes) -> str:
    """What Content-MD5 takes. Object Lock requests must carry one (S3 API reference, PutObject)."""
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


@contextmanager
def in_words(bucket: Bucket, doing: str) -> Iterator[None]:
    """Turn whatever boto3 raises into a KeepError with the server's code; its text may hold key ids."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        why = f"{code(error)}, HTTP {status(error)}"
        raise KeepError(
            f"{bucket.address}: {doing}: {why}", "check the bucket and what its credential may do"
        ) from None
    except BotoCoreError as error:
        raise KeepError(
            f"{bucket.address}: {doing}: {type(error).__name__}", "check the endpoint, the network and the credential"
        ) from None


def code(error: Exception) -> str:
    said = getattr(error, "response", {}).get("Error", {}).get("Code", "")
    return said if re.fullmatch(r"[A-Za-z0-9.]{1,80}", str(said)) else "no code"


def status(error: Exception) -> int:
    return int(getattr(error, "response", {}).get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def pages(ask: Callable[..., dict[str, Any]], **asked: Any) -> Iterator[dict[str, Any]]:
    """Every page of ListObjectVersions or ListMultipartUploads; a page names the markers of the next."""
    while True:
        page = ask(**asked)
        yield page
        if not page.get("IsTruncated"):
            return
        asked |= {key.removeprefix("Next"): value for key, value in page.items() if key.startswith("Next")}
