"""Who may speak to the page at all: its own name, its own origin, and nothing that another site could send.

A name that resolves here by DNS rebinding fails on Host; a form or fetch of another site (or of the app an agent serves
on another port of localhost) fails on Origin, Sec-Fetch-Site and the header that only a same-origin script can set.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from yett.approvals.challenge import Site

MARK = "x-yett"
"""Any value: a header that a cross-origin page cannot send without a preflight, which is never answered."""

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    )
)

HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "origin-agent-cluster": "?1",
    "permissions-policy": "publickey-credentials-get=(self), publickey-credentials-create=(self), camera=(), "
    "microphone=(), geolocation=(), clipboard-read=(), payment=(), usb=(), serial=(), hid=()",
    "cache-control": "no-store",
}


class Guard:
    """ASGI middleware: refuse what does not come from this page, put the hardening headers on every answer."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._origin = site.origin
        self._host = site.origin.removeprefix("http://")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        if scope["type"] != "http":
            return  # no web sockets here; returning without an answer refuses them
        refusal = self._refusal(scope)

        async def hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await (refusal or self._app)(scope, receive, hardened)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if headers.getlist("host") != [self._host]:
            return _no(421, "host", f"this page is {self._origin} and has no other name", f"open {self._origin}")
        if scope["method"] == "POST":
            return self._refuse_foreign_post(headers)
        if scope["method"] not in ("GET", "HEAD"):
            return _no(405, "method", "pages are read with GET and answered with POST", "")
        return self._refuse_foreign_read(scope["path"], headers)

    def _refuse_foreign_post(self, headers: Headers) -> Response | None:
        if headers.getlist("origin") != [self._origin] or headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return _no(403, "origin", "that came from another page", f"open {self._origin}")
        if headers.get("content-type") != "application/json" or MARK not in headers:
            return _no(403, "form", "that did not come from this page's own script", f"open {self._origin}")
        return None

    def _refuse_foreign_read(self, path: str, headers: Headers) -> Response | None:
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
        if site in ("none", "same-origin"):
            return None
        # A link in a chat or a terminal may lead to a page; it may not frame, fetch or embed one.
        if mode == "navigate" and headers.get("sec-fetch-dest", "document") == "document" and _is_page(path):
            return None
        return _no(403, "origin", "that came from another page", f"open {self._origin}")


def _is_page(path: str) -> bool:
    return not path.startswith(("/api/", "/events", "/static/"))


def _no(status: int, code: str, what: str, remedy: str) -> Response:
    return JSONResponse({"error": what, "remedy": remedy, "code": code}, status)
