"""No exception carries a secret into the daemon's log, whoever reports it."""

from __future__ import annotations

import subprocess
import sys

import pytest

SECRET = "8c3cbb1e-9f01-4a6a-8b6d-7a1f6b2e44ea"

LOGGED = "try: {raising}\nexcept ValueError: logging.getLogger('yett.gateway').exception('a request failed inside')"
TASK = """
async def broken():
    {raising}
async def main():
    asyncio.get_running_loop().set_exception_handler(logs.report)
    task = asyncio.create_task(broken())
    await asyncio.sleep(0.01)
    del task
    gc.collect()
uvloop.run(main())"""
CALLBACK = """
def broken(argument):
    {raising}
async def main():
    asyncio.get_running_loop().set_exception_handler(logs.report)
    asyncio.get_running_loop().call_soon(broken, SECRET)
    await asyncio.sleep(0.01)
asyncio.run(main())"""
THREAD = "def broken():\n    {raising}\nthread = threading.Thread(target=broken); thread.start(); thread.join()"


@pytest.mark.parametrize("raising", ["raise ValueError(SECRET)", "raise KeyError('x') from ValueError(SECRET)"])
@pytest.mark.parametrize("reporter", [LOGGED, TASK, CALLBACK, THREAD], ids=["logged", "task", "callback", "thread"])
def test_what_broke_is_placed_and_not_quoted(reporter: str, raising: str) -> None:
    reporter = reporter.replace("except ValueError", "except Exception").replace("{raising}", raising)
    script = "import asyncio, gc, logging, sys, threading, uvloop\nfrom yett.daemon import logs\n"
    script += f"SECRET = sys.argv[1]\nlogs.configure()\n{reporter}\n"
    done = subprocess.run([sys.executable, "-c", script, SECRET], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert SECRET not in done.stderr + done.stdout
    assert "ValueError\n" in done.stderr
    assert "<string>:" in done.stderr
