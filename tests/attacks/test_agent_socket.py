"""The agent's own socket: nothing that it sends there takes the daemon's memory."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from yett.daemon.channel import Channel
from yett.daemon.lines import LONGEST, LineServer


def test_a_line_without_end_is_cut_off_early(tmp_path: Path) -> None:
    async def flood() -> int:
        async def serve(channel: Channel) -> None:
            await channel.receive()

        server = LineServer(tmp_path / "agent.sock", serve, mode=0o666)
        sent = await asyncio.to_thread(_send_without_end, tmp_path / "agent.sock")
        server.close()
        return sent

    assert asyncio.run(flood()) < 32 * LONGEST


def _send_without_end(path: Path) -> int:
    """How much was taken until the other side closed; a socket's own buffers count."""
    sent = 0
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        try:
            while sent < 64 * LONGEST:
                sent += client.send(b"x" * 4096)
        except OSError:
            return sent
    return sent
