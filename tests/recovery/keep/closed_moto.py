"""moto's S3 server with its hole in Object Lock closed, for machines without Ceph: `python closed_moto.py PORT`.

moto lets anybody shorten a COMPLIANCE retention, or turn it into GOVERNANCE (test_proof.py asserts that it still does,
so that we notice when this file is not needed any more). Everything else is moto's own.
"""

from __future__ import annotations

import sys
from datetime import datetime

from moto.s3.exceptions import AccessDeniedByLock
from moto.s3.models import S3Backend
from moto.server import main

_put = S3Backend.put_object_retention


def put_object_retention(self: S3Backend, bucket_name, key_name, version_id, retention) -> None:
    key = self.get_object(bucket_name, key_name, version_id=version_id)
    mode, until = retention
    if key.lock_mode == "COMPLIANCE" and (mode != "COMPLIANCE" or instant(until) < instant(key.lock_until)):
        raise AccessDeniedByLock
    _put(self, bucket_name, key_name, version_id=version_id, retention=retention)


def instant(said: str) -> datetime:
    return datetime.fromisoformat(said.replace("Z", "+00:00"))


if __name__ == "__main__":
    S3Backend.put_object_retention = put_object_retention
    main(["-H", "127.0.0.1", "-p", sys.argv[1]])
