"""Say quickly that no known secret stands in a text. What this cannot say for certain, the full search decides.

Every "nothing" here is the answer that the full search would give: `tests/broker/test_absent.py` compares them.
"""

from __future__ import annotations

from yett.broker.escapes import join_lines
from yett.broker.known import RUN, first, known_secret
from yett.broker.needles import Needle, Needles
from yett.model.http import Headers, HttpRequest
from yett.policy.bounded import Bounded

BLOCKS_KEPT = 512
LONGEST_KEPT = 4096
"""Characters of a header block that is remembered: agents choose them, and could fill the memory."""
SHORT_TARGET = 1024
"""A target of so many characters costs less than `known.SPARE_WORK`, however it is encoded."""


def stands_nowhere(needles: Needles, text: bytes) -> bool:
    """True: no view of the text (escapes.py) holds a needle. False: look with `stream.search`.

    Without the mark of an escape, there is one view: without line breaks.
    """
    if b"%" in text or b"&" in text or b"\\" in text:
        return False
    return needles.find_one(join_lines(text.lower())) is None


class Searcher:
    """`known_secret`, which remembers the header blocks that it found clean: a client sends the same with each request.

    What is remembered holds for one set of needles: another secret, and everything is searched again. The host, path
    and query are searched every time, and a request with a body as a whole.
    """

    def __init__(self) -> None:
        self._clean: tuple[Needles | None, Bounded[Headers, bool]] = (None, Bounded(BLOCKS_KEPT))

    def find(self, needles: Needles, request: HttpRequest) -> tuple[Needle, str] | None:
        """The first known secret in a request, and where. Raises CredentialRefused."""
        if request.body or needles.hold_blank:  # a secret with a blank line could reach over two fields
            return known_secret(needles, request)
        headers, clean = request.headers, self._clean_blocks(needles)
        if clean.get(headers) and _is_clean_target(needles, request):
            return None
        found = known_secret(needles, request)
        if found is None and sum(len(name) + len(value) for name, value in headers) <= LONGEST_KEPT:
            clean.put(headers, True)
        return found

    def _clean_blocks(self, needles: Needles) -> Bounded[Headers, bool]:
        known_for, clean = self._clean
        if known_for is not needles:
            clean = Bounded(BLOCKS_KEPT)
            self._clean = needles, clean
        return clean


def _is_clean_target(needles: Needles, request: HttpRequest) -> bool:
    target = f"{request.host}\0{request.path}\0{request.query}"
    if len(target) > SHORT_TARGET or not target.isascii():
        return False
    text = target.encode()
    if stands_nowhere(needles, text) and RUN.search(text) is None:
        return True  # neither escapes nor base64: there is no layer to take off
    return first(needles, text) is None
