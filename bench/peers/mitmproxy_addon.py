"""What the gate does, as a mitmproxy addon: lead to the lab's address, swap the placeholder, stream answers."""

import os

from mitmproxy import http

UPSTREAM = int(os.environ["BENCH_UPSTREAM"])


def requestheaders(flow: http.HTTPFlow) -> None:
    host = flow.request.pretty_host
    flow.request.host, flow.request.port, flow.request.host_header = "127.0.0.1", UPSTREAM, host
    if "x-api-key" in flow.request.headers:
        flow.request.headers["x-api-key"] = "sk-ant-api03-bench"


def responseheaders(flow: http.HTTPFlow) -> None:
    if flow.response is not None:
        flow.response.stream = True
