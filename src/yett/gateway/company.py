"""The proxy between this machine and the internet, as the daemon's own environment names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from yett.model.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class CompanyProxy:
    """Where to CONNECT first. `credentials` is `user:password`, "" if none; `direct` the suffixes of NO_PROXY."""

    host: str
    port: int
    credentials: str = field(repr=False)
    direct: tuple[str, ...]

    def serves(self, name: str) -> bool:
        """Whether `name` is reached through the proxy."""
        return not any(entry == "*" or name == entry or name.endswith("." + entry) for entry in self.direct)


def company_proxy(environ: Mapping[str, str]) -> CompanyProxy | None:
    """Read HTTPS_PROXY, else HTTP_PROXY, and NO_PROXY, in either case.

    Raises:
        ConfigurationError: the proxy is not an http:// address.
    """
    url = _first(environ, "HTTPS_PROXY") or _first(environ, "HTTP_PROXY")
    if not url:
        return None
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        host, port = parts.hostname, parts.port or 80
    except ValueError:
        host = None
    if not host or parts.scheme != "http":
        raise ConfigurationError("HTTPS_PROXY is not http://host:port", "Set it to the company's proxy, or unset it.")
    credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else ""
    return CompanyProxy(host, port, credentials, _direct(_first(environ, "NO_PROXY")))


def _first(environ: Mapping[str, str], name: str) -> str:
    return environ.get(name) or environ.get(name.lower()) or ""


def _direct(value: str) -> tuple[str, ...]:
    entries = (entry.strip().lower().rpartition(":")[0] or entry.strip().lower() for entry in value.split(","))
    return tuple(entry.lstrip("*").lstrip(".") or "*" for entry in entries if entry)
