"""`yett` inside a sandbox: ask, why, holds, status. Copied in by the launcher, so it imports nothing of Yett.

It speaks to the session's own socket; who asks is the socket it asks on, never a token.
"""

from __future__ import annotations

import json
import socket
import sys

SOCKET = "/run/yett/agent.sock"
USAGE = """usage: yett ask HOLD REASON...   say why a held operation is needed
       yett why               why the last operation was refused
       yett holds             what waits for a person, and what was answered
       yett status            this session: task, environment, leases"""
VERBS = ("ask", "why", "holds", "status")


def main(words: list[str]) -> int:
    if not words or words[0] in ("-h", "--help", "help"):
        print(USAGE)
        return 0 if words else 2
    if words[0] not in VERBS:
        print(f"yett: {words[0]}: operator commands are not available inside a sandbox.", file=sys.stderr)
        return 2
    if words[0] != "ask" and len(words) > 1:
        print(f"yett: {' '.join(words)}: operator commands are not available inside a sandbox.", file=sys.stderr)
        return 2
    request: dict[str, str] = {"verb": words[0]}
    if words[0] == "ask":
        if len(words) < 3:
            print(USAGE, file=sys.stderr)
            return 2
        request |= {"hold": words[1], "reason": " ".join(words[2:])}
    try:
        answer = call(request)
    except (OSError, ValueError) as error:
        print(f"yett: the gate does not answer ({error}).", file=sys.stderr)
        return 1
    return show(answer)


def call(request: dict[str, str]) -> dict[str, object]:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(SOCKET)
        sock.sendall(json.dumps(request).encode() + b"\n")
        with sock.makefile("rb") as lines:
            answer = json.loads(lines.readline())
    if not isinstance(answer, dict):
        raise ValueError("an answer that is no object")
    return answer


def show(answer: dict[str, object]) -> int:
    if "error" in answer:
        print(f"yett: {answer['error']}", file=sys.stderr)
        if answer.get("remedy"):
            print(f"  {answer['remedy']}", file=sys.stderr)
        return 1
    lines = answer.get("lines")
    print("\n".join(str(line) for line in lines) if isinstance(lines, list) else json.dumps(answer, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
