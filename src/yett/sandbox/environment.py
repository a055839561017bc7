"""The environment inside: the daemon's answer (names kept, secret parts replaced) plus the way out and whom to trust.

No single variable covers an agent client and the tools that it starts, so all of them are set; the system's own bundle
is bound over besides (mounts.py).
"""

from __future__ import annotations

import os
from collections.abc import Mapping

CA_BUNDLE = "/run/yett/ca.pem"
PROXY = "http://198.18.0.1:3128"

_TRUST = (
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "NIX_SSL_CERT_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
    "CODEX_CA_CERTIFICATE",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
)

_PROXIED = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy")

_HOST_SOCKETS = (
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GPG_AGENT_INFO",
    "GPG_TTY",
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DOCKER_HOST",
    "CONTAINER_HOST",
    "WAYLAND_DISPLAY",
    "DISPLAY",
    "XAUTHORITY",
    "TMUX",
    "STY",
    "VSCODE_IPC_HOOK_CLI",
    "VSCODE_GIT_IPC_HANDLE",
    "VSCODE_GIT_ASKPASS_NODE",
    "VSCODE_GIT_ASKPASS_MAIN",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "XDG_RUNTIME_DIR",
    "KRB5CCNAME",
    "NOTIFY_SOCKET",
    "LISTEN_FDS",
    "LISTEN_PID",
)
"""They name sockets and programs of the host that do not exist inside: whoever finds them set only fails later."""


def compose(given: Mapping[str, str], home: str, switches: Mapping[str, str]) -> dict[str, str]:
    """The command's environment. `switches` are the client's own off switches (clients.py), kept if already set."""
    inside = {name: value for name, value in given.items() if name not in _HOST_SOCKETS}
    for name, value in switches.items():
        inside.setdefault(name, value)
    inside.update(dict.fromkeys(_TRUST, CA_BUNDLE))
    inside.update(dict.fromkeys(_PROXIED, PROXY))
    inside["no_proxy"] = inside["NO_PROXY"] = "localhost,127.0.0.1,::1"
    inside["NODE_USE_ENV_PROXY"] = "1"
    inside["HOME"] = home
    if os.geteuid() == 0:
        inside |= {"USER": "agent", "LOGNAME": "agent"}
    inside["PATH"] = "/run/yett/bin:" + inside.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    if not inside.get("TMPDIR", "/tmp").startswith("/tmp"):
        del inside["TMPDIR"]
    return inside
