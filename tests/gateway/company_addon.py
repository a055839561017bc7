"""A company's proxy, as a mitmproxy addon: every name leads to the upstream of the test, every request is seen."""

import os
from pathlib import Path

from mitmproxy import http
from mitmproxy.proxy.server_hooks import ServerConnectionHookData

UPSTREAM = int(os.environ["COMPANY_UPSTREAM"])
SEEN = Path(os.environ["COMPANY_SEEN"])


def server_connect(data: ServerConnectionHookData) -> None:
    data.server.address = ("127.0.0.1", UPSTREAM)


def request(flow: http.HTTPFlow) -> None:
    flow.request.headers["x-company"] = "was here"
    with SEEN.open("a") as seen:
        seen.write(f"{flow.request.method} {flow.request.pretty_host}{flow.request.path}\n")
