"""A virtual person: enrols and answers only through the page's HTTP interface, as a browser with a key would.

It reads what the page tells it before it signs, computes the challenge of what it read by itself, and signs nothing
that differs: the drill's people are no more trusting than the real ones should be.
"""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from webauthn.helpers import base64url_to_bytes

from yett.approvals.challenge import Answer, Site, hold_challenge
from yett.drills.authenticator import VirtualKey
from yett.model.canonical import Json
from yett.model.errors import YettError

TIMEOUT_S = 10.0


class PageRefused(YettError):
    """The page said no. `status` and `code` are the page's."""

    def __init__(self, status: int, code: str, what: str, remedy: str) -> None:
        super().__init__(what, remedy)
        self.status = status
        self.code = code


@dataclass
class VirtualPerson:
    """Someone with a key, at the page of one control plane (`origin`: http://localhost:PORT).

    `sent` is the last thing that they posted there: what a listener could try to send again.
    """

    name: str
    origin: str
    key: VirtualKey = field(default_factory=VirtualKey)
    sent: tuple[str, Mapping[str, Json]] = ("", {})

    def enrol_first(self, code: str) -> None:
        """Enrol with the code that `yett up` showed."""
        asked: dict[str, Json] = {"code": code, "name": self.name}
        options = _part(self.post("/api/enrol/options", asked), "options")
        self.post("/api/enrol", {**asked, "credential": self.key.create(options, self.origin)})

    def ask_to_enrol(self) -> str:
        """Register a key for others to vouch for; the id of the act that they sign."""
        told = self.post("/api/keys/options", {"name": self.name})
        credential = self.key.create(_part(told, "options"), self.origin)
        return str(self.post("/api/keys", {"ticket": told["ticket"], "credential": credential})["act"])

    def holds(self) -> list[Mapping[str, Json]]:
        """What waits, as the page lists it."""
        return cast("list[Mapping[str, Json]]", self.get("/api/holds")["holds"])

    def wait_for_hold(self, action: str, seconds: float = 10.0) -> Mapping[str, Json]:
        """The first waiting hold whose document names that action.

        Raises:
            YettError: none came in time.
        """
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for hold in self.holds():
                shown = self.get(f"/api/holds/{hold['id']}")
                if hold["state"] == "waiting" and f'"{action}"' in json.dumps(shown["document"]):
                    return shown
            time.sleep(0.05)
        raise YettError(f"no hold for {action} came within {seconds:g} s", "look at the page and at the agent's log")

    def approve(self, hold_id: str) -> Mapping[str, Json]:
        """Sign the hold as the page shows it now."""
        return self._answer(hold_id, "approve")

    def deny(self, hold_id: str, *, signed: bool = False) -> Mapping[str, Json]:
        """Say no, with the key or without."""
        return self._answer(hold_id, "deny") if signed else self.post(f"/api/holds/{hold_id}/deny", {})

    def sign(self, act_id: str) -> Mapping[str, Json]:
        """Sign an act."""
        options = _part(self.post(f"/api/acts/{act_id}/options", {}), "options")
        return self.post(f"/api/acts/{act_id}/sign", {"credential": self.key.get(options, self.origin)})

    def get(self, path: str) -> Mapping[str, Json]:
        """Read one of the page's JSON answers."""
        return self._send(urllib.request.Request(self.origin + path))

    def post(self, path: str, body: Mapping[str, Json]) -> Mapping[str, Json]:
        """Send what the page's own script would send."""
        self.sent = (path, body)
        headers = {"content-type": "application/json", "origin": self.origin, "x-yett": "1"}
        return self._send(urllib.request.Request(self.origin + path, json.dumps(body).encode(), headers, method="POST"))

    def _answer(self, hold_id: str, answer: str) -> Mapping[str, Json]:
        shown = self.get(f"/api/holds/{hold_id}")
        options = _part(self.post(f"/api/holds/{hold_id}/options", {"answer": answer}), "options")
        if base64url_to_bytes(cast(str, options["challenge"])) != _challenge(shown, Answer(answer)):
            raise YettError("the page asks for a signature of something else than it shows", "do not sign")
        credential = self.key.get(options, self.origin)
        return self.post(f"/api/holds/{hold_id}/answer", {"answer": answer, "credential": credential})

    def _send(self, request: urllib.request.Request) -> Mapping[str, Json]:
        try:
            with _DIRECT.open(request, timeout=TIMEOUT_S) as answer:
                return cast("Mapping[str, Json]", json.load(answer))
        except urllib.error.HTTPError as error:
            with error:
                told = _told(error.read())
            raise PageRefused(
                error.code, told.get("code", ""), told.get("error", ""), told.get("remedy", "")
            ) from error


def _challenge(shown: Mapping[str, Json], answer: Answer) -> bytes:
    """What ought to be signed for the hold that was shown."""
    site = _part(shown, "site")
    return hold_challenge(
        Site(cast(str, site["store"]), cast(int, site["port"]), drill=site["drill"] is True),
        answer,
        bytes.fromhex(cast(str, shown["nonce"])),
        cast(int, shown["expires"]),
        cast(str, shown["checkpoint"]).encode(),
        shown["document"],
    )


_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
"""Never through a proxy of the environment: the page is on this machine."""


def _part(told: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    return cast("Mapping[str, Json]", told[name])


def _told(body: bytes) -> dict[str, str]:
    try:
        return cast("dict[str, str]", json.loads(body))
    except ValueError:
        return {"error": body[:200].decode("utf-8", "replace")}
