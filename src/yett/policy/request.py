"""A context in Cedar's JSON: the one place where it is written."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby

from yett.policy.schema import CONTEXT_FIELDS

Value = str | int | bool


def context_writer(paths: Sequence[str]) -> Callable[[Mapping[str, Value]], str]:
    """A function that writes the facts at `paths`, and only those, as one JSON object.

    The object's shape is made once: to serialise it anew on each call would cost a tenth of a cold decision.
    """
    ordered = sorted(paths)
    template = _shape(ordered)
    writers = tuple((path, _WRITERS.get(path) or _BY_TYPE[CONTEXT_FIELDS[path]]) for path in ordered)
    return lambda facts: template % tuple([write(facts[path]) for path, write in writers])


def _shape(ordered: Sequence[str]) -> str:
    """`{"task": {"live": %s}, "undo": %s}` for task.live and undo. Field names are the schema's, so need no escape."""
    members = []
    for head, group in groupby(ordered, key=lambda path: path.partition(".")[0]):
        names = [path.partition(".")[2] for path in group]
        inner = ", ".join(f'"{name}": %s' for name in names)
        members.append(f'"{head}": {{{inner}}}' if names != [""] else f'"{head}": %s')
    return f"{{{', '.join(members)}}}"


def _boolean(value: Value) -> str:
    return "true" if value else "false"


def _ipaddr(value: Value) -> str:
    address = ipaddress.ip_address(value)
    # Cedar refuses ::ffff:10.0.0.5; it is 10.0.0.5, seen through a socket that speaks both families.
    mapped = getattr(address, "ipv4_mapped", None)
    return _extension("ip", str(mapped or address))


def _datetime(value: Value) -> str:
    return _extension("datetime", datetime.fromtimestamp(int(value), UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))


def _extension(function: str, argument: str) -> str:
    """Cedar takes these calls as literals only inside policies; in data they stand under `__extn`."""
    return json.dumps({"__extn": {"fn": function, "arg": argument}})


_BY_TYPE: dict[type, Callable[[Value], str]] = {bool: _boolean, int: str, str: json.dumps}
_WRITERS: dict[str, Callable[[Value], str]] = {"source": _ipaddr, "now": _datetime}
