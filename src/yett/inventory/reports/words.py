"""Numbers, ages and sizes as people say them."""

from __future__ import annotations

_DAY = 86_400.0
_UNITS = (("year", 365.25 * _DAY), ("month", 30.44 * _DAY), ("week", 7 * _DAY), ("day", _DAY))


def count(number: int, one: str, many: str = "") -> str:
    """ "1 credential", "14 credentials", "1,024 files"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def age(since: float, now: float) -> str:
    """ "3 years", "5 days", "today"; "" when nobody knows. A clock that is ahead makes nothing older."""
    if since <= 0:
        return ""
    passed = max(0.0, now - since)
    for unit, seconds in _UNITS:
        if passed >= seconds:
            return count(int(passed // seconds), unit)
    return "today"


def size(octets: int) -> str:
    """ "312 MB": decimal, as disks are sold."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if octets >= least:
            return f"{octets / least:.3g} {unit}"
    return count(octets, "byte")


def duration(seconds: float) -> str:
    """ "0.4 seconds", "12 seconds", "3 minutes"."""
    if seconds >= 120:
        return count(round(seconds / 60), "minute")
    return count(round(seconds), "second") if seconds >= 10 else f"{seconds:.1f} seconds"


def listed(parts: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return " and ".join(part for part in (", ".join(parts[:-1]), parts[-1]) if part) if parts else ""
