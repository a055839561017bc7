"""What people may see of a request: names and ids, never a value that could be a secret (law 13)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from yett.model.canonical import Json
from yett.model.resource import ResourceRef

HIDDEN = "(hidden)"
MAX_TEXT = 1000
MAX_PARAMETERS = 8000
"""Characters of one act's parameters; a ledger entry holds 65,000 bytes."""

MAX_PATH = 120

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,99}")
_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
# A path segment that may be a capability: 20 characters or more, letters and digits mixed. A UUID is an id.
_OPAQUE = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_~=.%-]{20,}")
_UNSAFE = re.compile(r"[^!-~]")


def resource(ref: ResourceRef) -> str:
    """A resource in a few words: "volume 3d2c42fb"."""
    if not ref.id:
        return f"an unnamed {ref.kind}"
    return f"{ref.kind} {ref.id if _ID.fullmatch(ref.id) else '(an id that cannot be shown)'}"


def path(text: str) -> str:
    """A URL's path with the segments hidden that may be capabilities, and nothing that a terminal could act on."""
    if len(text) < 20 and _UNSAFE.search(text) is None:
        return text
    segments = [HIDDEN if _OPAQUE.fullmatch(s) and not _UUID.fullmatch(s) else s for s in text.split("/")]
    shown = _UNSAFE.sub("?", "/".join(segments))
    return shown if len(shown) <= MAX_PATH else shown[: MAX_PATH - 3] + "..."


def parameters(arguments: Mapping[str, Json], hidden: frozenset[str]) -> dict[str, Json]:
    """The arguments with the values of `hidden` names taken out, at any depth, long texts cut, too many left out."""
    seen = _visible(arguments, hidden)
    size = len(repr(seen))
    return seen if size <= MAX_PARAMETERS else {"(too long to show)": f"{size} characters"}


def _visible(arguments: Mapping[str, Json], hidden: frozenset[str]) -> dict[str, Json]:
    return {key: _hide(value) if key in hidden else _cut(value, hidden) for key, value in arguments.items()}


def _hide(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {key: _hide(item) for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_hide(item) for item in value]
    return value if value is None or isinstance(value, bool) else HIDDEN


def _cut(value: Json, hidden: frozenset[str]) -> Json:
    if isinstance(value, Mapping):
        return _visible(value, hidden)
    if isinstance(value, str):
        return value if len(value) <= MAX_TEXT else f"{value[:MAX_TEXT]}... ({len(value)} characters)"
    if isinstance(value, Sequence):
        return [_cut(item, hidden) for item in value]
    return value
