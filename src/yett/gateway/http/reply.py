"""The answer to one exchange: record its outcome, seal or scrub it, relay it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from yett.gateway.floors import Scrubber
from yett.gateway.http.answer import Gathered, Relay, without_coding
from yett.gateway.http.capability import is_lfs, register_lfs, register_redirect
from yett.gateway.http.coding import TooLarge
from yett.gateway.http.framing import Malformed, ResponseHead
from yett.gateway.http.judge import Judged
from yett.gateway.http.serialise import response_head
from yett.model.errors import UpstreamFailed, YettError
from yett.model.http import Headers
from yett.providers.room import Room, Wire

if TYPE_CHECKING:
    from yett.gateway.http.departure import Departure
    from yett.gateway.http.exchange import Exchange

_WEBSOCKET = (("connection", "upgrade"), ("upgrade", "websocket"))


class Reply:
    """Takes what the upstream says, piece by piece. What must be read whole is gathered first."""

    __slots__ = ("_departure", "_exchange", "_gathered", "_judged", "_relay")

    def __init__(self, exchange: Exchange, departure: Departure, judged: Judged) -> None:
        self._exchange = exchange
        self._departure = departure
        self._judged = judged
        self._relay: Relay | None = None
        self._gathered: Gathered | None = None

    def on_answer(self, head: ResponseHead, payload: bytes, ended: bool) -> None:
        """The upstream's head, with what came behind it."""
        exchange = self._exchange
        self._departure.record(_outcome(head.status), head.status)
        if head.status == 101:
            self._switch(head, payload)
            return
        try:
            if self._must_gather(head):
                self._gathered = Gathered(head, exchange.client.floors.limits.withheld_answer)
                self._gather(payload, ended)
                return
            data = self._begin(head).start(payload, ended, closes=exchange.closes)
        except YettError as error:
            self._withhold(error)
            return
        exchange.begin_relaying()
        exchange.client.write(data)
        if ended:
            exchange.finished()

    def on_payload(self, payload: bytes) -> None:
        """More of the answer."""
        exchange = self._exchange
        try:
            if self._gathered is not None:
                self._gather(payload, False)
                return
            assert self._relay is not None
            exchange.client.write(self._relay.more(payload))
        except YettError as error:
            self._withhold(error)
            return
        exchange.moved(self._departure.patience())

    def on_end(self) -> None:
        """The answer is complete."""
        exchange = self._exchange
        try:
            if self._gathered is not None:
                self._gather(b"", True)
                return
            assert self._relay is not None
            exchange.client.write(self._relay.end())
        except YettError as error:
            self._withhold(error)
            return
        exchange.finished()

    def on_failure(self, error: UpstreamFailed, *, answered: bool) -> None:
        """The upstream broke before the end."""
        self._exchange.client.drop_upstream()
        if answered or not self._departure.repeat():
            self._exchange.fail(error)

    def on_pressure(self, full: bool) -> None:
        """The upstream takes no more, or again."""
        if full:
            self._exchange.client.pause_reading()
        else:
            self._exchange.client.resume_reading()

    def _begin(self, head: ResponseHead) -> Relay:
        """How this answer is relayed: cleaned from a governed host, its body scrubbed where a credential may be."""
        exchange = self._exchange
        room, method = exchange.room, exchange.head.method
        if room is None:
            relay = Relay(head, head.headers, method, None)
        else:
            client = exchange.client
            scrubber = client.floors.broker.scrubber(client.session, room)
            headers = cleaned(head.headers, scrubber)
            relay = Relay(head, headers, method, scrubber if self._must_scrub(room) else None)
            register_redirect(client.floors.broker.capabilities, client.session.id, self._judged.leaving, head)
        self._relay = relay
        return relay

    def _must_scrub(self, room: Room) -> bool:
        """Every body from a governed host, but for a registry's public files."""
        return room.wire is not Wire.REGISTRY or self._judged.lease is not None

    # -- answers that are read whole

    def _must_gather(self, head: ResponseHead) -> bool:
        if self._exchange.room is None or head.length == 0:
            return False
        return self._judged.minted is not None or is_lfs(head)

    def _gather(self, payload: bytes, ended: bool) -> None:
        gathered, exchange = self._gathered, self._exchange
        assert gathered is not None
        gathered.more(payload)
        if ended:
            exchange.work(self._deliver(gathered))

    async def _deliver(self, gathered: Gathered) -> None:
        """Seal what was minted, or register what was handed out; then write the answer whole."""
        exchange, head = self._exchange, gathered.head
        client, room, judged = exchange.client, exchange.room, self._judged
        assert room is not None
        broker, body = client.floors.broker, gathered.whole()
        scrubber = broker.scrubber(client.session, room)
        if judged.minted is None:
            register_lfs(broker.capabilities, client.session.id, body)
            body = scrubber.feed(body) + scrubber.finish()
        else:
            endpoint = room.token_endpoint(judged.leaving.host, judged.leaving.path)
            body = await broker.seal(client.session, room, judged.minted, body, head.status, endpoint)
        headers = without_coding(cleaned(head.headers, scrubber))
        exchange.begin_relaying()
        client.write(response_head(head.status, headers, len(body), closes=exchange.closes) + body)
        exchange.finished()

    def _withhold(self, error: YettError) -> None:
        """The answer cannot be shown. The act is done; only its answer is refused."""
        if isinstance(error, Malformed) and not isinstance(error, TooLarge):
            error = UpstreamFailed(f"The answer cannot be read: {error.what}", "It was withheld.")
        self._exchange.fail(error)

    # -- WebSocket

    def _switch(self, head: ResponseHead, payload: bytes) -> None:
        """Bytes both ways from here on: the agent's through `Frames`, the upstream's as they come."""
        exchange = self._exchange
        exchange.begin_relaying()
        headers = tuple(field for field in head.headers if field[0] != "sec-websocket-extensions")
        exchange.client.write(response_head(101, _WEBSOCKET + headers, None) + payload)
        self._relay = Relay(head, (), "GET", None)
        self._departure.begin_frames()


def cleaned(headers: Headers, scrubber: Scrubber) -> Headers:
    """The fields without credentials and cookies. One search over all values; field by field only if it finds one."""
    values = "\0".join([value for _, value in headers])
    if not values.isascii() or any(name in _COOKIES for name, _ in headers):
        return scrubber.clean_headers(headers)
    encoded = values.encode()
    return headers if scrubber.clean(encoded) == encoded else scrubber.clean_headers(headers)


_COOKIES = frozenset({"set-cookie", "set-cookie2"})


def _outcome(status: int) -> str:
    """What is known of an act from its answer: a server's error may come after the deed."""
    if status < 400:
        return "done"
    return "refused" if status < 500 else "unknown"
