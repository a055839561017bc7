#!/bin/sh
# mitmproxy in an environment of its own: its pins conflict with ours. The last version that runs on Python 3.11.
set -eu
cd "$(dirname "$0")/.."
python3 -m venv .peers/mitmproxy
.peers/mitmproxy/bin/pip install -q "mitmproxy==11.0.2"
