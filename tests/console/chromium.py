"""A real Chromium on a pipe: the DevTools protocol as far as these tests need it, and its virtual authenticator."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--mute-audio",
    "--remote-debugging-pipe",
)
PATIENCE_S = 20.0


class Tab:
    """One page. `call` is a DevTools method; `evaluate` runs JavaScript and waits for its promise."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.call(method, parameters, self._session)

    def evaluate(self, script: str) -> Any:
        how = {"awaitPromise": True, "returnByValue": True, "userGesture": True, "allowUnsafeEvalBlockedByCSP": False}
        answer = self.call("Runtime.evaluate", expression=script, **how)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)
        self.wait_for(f"document.readyState == 'complete' && location.href.startsWith({json.dumps(url.split('#')[0])})")

    def wait_for(self, condition: str) -> None:
        """Wait until an expression is true, across reloads."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            try:
                if self.evaluate(f"Boolean({condition})"):
                    return
            except (AssertionError, RuntimeError):
                pass  # the page is being replaced
            time.sleep(0.05)
        raise AssertionError(f"never came true: {condition}; page says {self.text()!r}")

    @contextmanager
    def pausing(self, urls: str) -> Iterator[None]:
        """Hold requests to `urls` (with `*`) back until the end of the block, which waits for one."""
        self.call("Fetch.enable", patterns=[{"urlPattern": urls}])
        yield
        until = time.monotonic() + PATIENCE_S
        while not self._browser.paused and time.monotonic() < until:
            self._browser.call("Target.getTargets", {})  # while a page is held back it answers nothing
            time.sleep(0.05)
        assert self._browser.paused, f"nothing asked for {urls}"
        for request in self._browser.paused:
            self.call("Fetch.continueRequest", requestId=request)
        self._browser.paused.clear()
        self.call("Fetch.disable")

    def text(self) -> str:
        return str(self.evaluate("document.body.innerText"))

    def click(self, selector: str) -> None:
        """A trusted click in the middle of an element, as a hand does it."""
        self.wait_for(f"document.readyState == 'complete' && document.querySelector({json.dumps(selector)})")
        place = self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
            "e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect();"
            "return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def type(self, selector: str, text: str) -> None:
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.call("Input.insertText", text=text)

    def screen(self, width: int, height: int, scale: float = 1, *, dark: bool = False) -> None:
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=scale,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def add_authenticator(self, *, verified: bool = True) -> str:
        self.call("WebAuthn.enable", enableUI=False)
        options = {
            "protocol": "ctap2",
            "transport": "usb",
            "hasUserVerification": True,
            "isUserVerified": verified,
            "automaticPresenceSimulation": True,
        }
        return str(self.call("WebAuthn.addVirtualAuthenticator", options=options)["authenticatorId"])


class Browser:
    """The process and its pipe. Messages are JSON ended by NUL; `problems` gathers what the pages complain of,
    `paused` the requests that `Tab.pausing` holds back."""

    def __init__(self, profile: Path) -> None:
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        command = f'exec chromium {" ".join(FLAGS)} --user-data-dir="$1" about:blank 3<&{to_read} 4>&{to_write}'
        self._process = subprocess.Popen(
            ["bash", "-c", command, "chromium", str(profile)],
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_read)
        os.close(to_write)
        self._last = 0
        self._buffer = b""
        self.problems: list[str] = []
        self.paused: list[str] = []

    def call(self, method: str, parameters: dict[str, Any], session: str = "") -> dict[str, Any]:
        self._last += 1
        asked: dict[str, Any] = {"id": self._last, "method": method, "params": parameters}
        if session:
            asked["sessionId"] = session
        os.write(self._write, json.dumps(asked).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == self._last:
                if "error" in told:
                    raise RuntimeError(f"{method}: {told['error']['message']}")
                return dict(told["result"])
            self._note(told)

    def tab(self) -> Tab:
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Log"):
            tab.call(f"{domain}.enable")
        return tab

    def close(self) -> None:
        try:
            self.call("Browser.close", {})
        except (OSError, RuntimeError):
            pass  # it was quicker
        finally:
            os.close(self._write)
            os.close(self._read)
            self._process.wait(PATIENCE_S)

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            more = os.read(self._read, 65536)
            if not more:
                raise RuntimeError("the browser is gone")
            self._buffer += more
        message, _, self._buffer = self._buffer.partition(b"\0")
        return dict(json.loads(message))

    def _note(self, told: dict[str, Any]) -> None:
        if told.get("method") == "Log.entryAdded" and told["params"]["entry"]["level"] == "error":
            self.problems.append(told["params"]["entry"]["text"])
        if told.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(told["params"]["exceptionDetails"].get("exception", {}).get("description")))
        if told.get("method") == "Fetch.requestPaused":
            self.paused.append(told["params"]["requestId"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    running = Browser(profile)
    try:
        yield running
    finally:
        running.close()
