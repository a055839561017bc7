"""Container images as `docker save` and OCI tools write them: the layers, and what the image's own configuration says.

Members are told by their names (OCI image-layout: blobs/sha256/DIGEST; docker save before version 25: ID/layer.tar,
DIGEST.json), so one pass forward is enough. A file that a later layer deletes is still in the image, and is read.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from yett.inventory.unpack.budget import MB, Budget
from yett.inventory.unpack.kinds import HEAD, Kind, kind_of
from yett.inventory.unpack.member import Member
from yett.inventory.unpack.streams import Joined, exactly

_BLOB = re.compile(r"(?:\./)?(?:blobs/sha256/(?P<blob>[0-9a-f]{64})|(?P<id>[0-9a-f]{64})(?:/layer\.tar|\.json))")
_LARGEST_CONFIGURATION = 4 * MB


def image_members(members: Iterable[Member], budget: Budget) -> Iterator[Member]:
    """The same members, an image's layers as parts, its configuration as lines of text."""
    for member in members:
        named = _BLOB.fullmatch(member.name)
        if named is None:
            yield member
            continue
        digest = f"sha256:{(named['blob'] or named['id'])[:12]}"
        head = exactly(member.stream, HEAD)
        stream = Joined(head, member.stream)
        if kind_of(".tar", head) in (Kind.TAR, Kind.STREAM):
            budget.allow_image()
            yield Member(f"layer {digest}", stream, part=True)
        elif head.lstrip()[:1] == b"{":
            yield from _configuration(f"config {digest}", stream)
        else:
            yield Member(member.name, stream)


def _configuration(name: str, stream: Joined) -> Iterator[Member]:
    """What is no image configuration (a manifest) stays the JSON that it is."""
    content = exactly(stream, _LARGEST_CONFIGURATION)
    said = _json(content)
    config = said.get("config")
    if not isinstance(config, dict) or ("rootfs" not in said and "Env" not in config):
        yield Member(name, Joined(content, stream))
        return
    for title, lines in (
        ("Env", _strings(config.get("Env"))),
        ("Labels", [f"{key}={value}" for key, value in _dict(config.get("Labels")).items()]),
        ("Cmd", [" ".join(_strings(config.get("Entrypoint")) + _strings(config.get("Cmd")))]),
        ("history", [str(_dict(step).get("created_by", "")) for step in _list(said.get("history"))]),
    ):
        yield Member(f"{name}/{title}", io.BytesIO("\n".join(lines).encode("utf-8", "replace")))


def _json(content: bytes) -> dict[str, Any]:  # Any: whatever the image's maker wrote
    try:
        said = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return _dict(said)


def _dict(said: Any) -> dict[str, Any]:  # Any: as above
    return said if isinstance(said, dict) else {}


def _strings(said: Any) -> list[str]:  # Any: as above
    return [one for one in _list(said) if isinstance(one, str)]


def _list(said: Any) -> list[Any]:  # Any: as above
    return said if isinstance(said, list) else []
