"""A context in Cedar's JSON: the one place where it is written."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable
from datetime import UTC, datetime

Value = str | int | bool


def context_json(facts: Iterable[tuple[str, Value]]) -> str:
    """Dotted paths and their values as one JSON object.

    `source` and `now` become Cedar's ipaddr and datetime, which take literals only inside policies; in data they are
    written with `__extn` (Cedar JSON format, "extension values").
    """
    context: dict[str, object] = {}
    for path, value in facts:
        record, _, name = path.rpartition(".")
        if record:
            inner = context.setdefault(record, {})
            assert isinstance(inner, dict)
            inner[name] = value
        else:
            context[name] = _EXTENSIONS[name](value) if name in _EXTENSIONS else value
    return json.dumps(context)


def _ipaddr(value: Value) -> dict[str, dict[str, str]]:
    address = ipaddress.ip_address(value)
    # Cedar refuses ::ffff:10.0.0.5; it is 10.0.0.5, seen through a socket that speaks both families.
    mapped = getattr(address, "ipv4_mapped", None)
    return {"__extn": {"fn": "ip", "arg": str(mapped or address)}}


def _datetime(value: Value) -> dict[str, dict[str, str]]:
    moment = datetime.fromtimestamp(int(value), UTC)
    return {"__extn": {"fn": "datetime", "arg": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}}


_EXTENSIONS = {"source": _ipaddr, "now": _datetime}
