"""Law 5: a real credential never comes back where it can be recognised."""

from __future__ import annotations

import base64
import itertools
import json

import pytest
from encodings_of_secrets import AROUND, ONE_LAYER, VALUES
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from yett.broker.known import first
from yett.broker.needles import Needles
from yett.broker.scrub import Scrubber
from yett.model.secret import Secret

STAND_IN = "yett_ph_abcdefghijklmnopqrstuvwxyz"
SECRET = "sk-live-4f9d1c77aa20b6e8"

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def scrubber(*values: str) -> Scrubber:
    needles = Needles({f"fp{n}": Secret(value) for n, value in enumerate(values)})
    return Scrubber(lambda: needles, lambda fingerprint: STAND_IN, True)


def in_chunks(scrub: Scrubber, body: bytes, cuts: list[int]) -> bytes:
    edges = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    pieces = [scrub.feed(body[start:end]) for start, end in itertools.pairwise(edges)]
    return b"".join(pieces) + scrub.finish()


CUTS = st.lists(st.integers(0, 10_000), max_size=6)


@pytest.mark.parametrize("form", ONE_LAYER)
@quick
@given(value=VALUES, before=AROUND, after=AROUND, cuts=CUTS)
def test_no_form_of_a_secret_comes_out_however_the_body_is_cut(
    form: str, value: str, before: str, after: str, cuts: list[int]
) -> None:
    body = ONE_LAYER[form](before, value, after)
    out = in_chunks(scrubber(value), body, cuts)
    assert value.encode() not in out
    assert out != body
    assert first(Needles({"fp": Secret(value)}), out) is None


@quick
@given(body=st.binary(max_size=400), cuts=CUTS)
@example(body=b"\r\n\r\n%2", cuts=[3])
@example(body=b"a\\", cuts=[])
@example(body=b"&#x0000041;&amp;amp;", cuts=[2, 4, 6])
def test_a_body_without_a_secret_is_unchanged(body: bytes, cuts: list[int]) -> None:
    assert in_chunks(scrubber(SECRET, "another secret/with=odd chars"), body, cuts) == body


@quick
@given(before=AROUND, after=AROUND, cuts=CUTS)
def test_what_is_around_a_secret_is_unchanged(before: str, after: str, cuts: list[int]) -> None:
    body = f"{before} {SECRET} {after}".encode()
    assert in_chunks(scrubber(SECRET), body, cuts) == f"{before} {STAND_IN} {after}".encode()


@quick
@given(values=st.lists(VALUES, min_size=2, max_size=4, unique=True), cuts=CUTS, data=st.data())
def test_secrets_that_overlap_are_all_gone(values: list[str], cuts: list[int], data: st.DataObject) -> None:
    # Each begins with the end of the one before it.
    body = values[0]
    known = [values[0]]
    for value in values[1:]:
        shared = data.draw(st.integers(0, len(body)))
        joined = body[len(body) - shared :] + value
        known.append(joined)
        body += value
    out = in_chunks(scrubber(*known), body.encode(), cuts)
    assert not any(value.encode() in out for value in known)


def test_a_secret_that_begins_another_is_not_taken_too_early() -> None:
    scrub = scrubber(SECRET, SECRET + "-and-more-of-it")
    assert scrub.feed(SECRET.encode()) == b""
    assert scrub.feed(b"-and-more-of-it.") == STAND_IN.encode() + b"."


def test_repeats_of_a_periodic_secret_do_not_pile_up() -> None:
    scrub = scrubber("a" * 20)
    out = b"".join(scrub.feed(b"a" * 1000) for _ in range(50)) + scrub.finish()
    assert b"a" * 20 not in out
    assert len(out) < 50_000


@pytest.mark.parametrize("event", [b'data: {"text":"s"}\n\n', b"data: sk-\n\n", b"data: sk-live\r\n\r\n", b": c2\n\n"])
def test_a_server_sent_event_is_never_delayed(event: bytes) -> None:
    assert scrubber(SECRET).feed(event) == event


def test_only_what_could_become_a_secret_is_held() -> None:
    scrub = scrubber(SECRET)
    assert scrub.feed(b"token: sk-live-4f9") == b"token: "
    assert scrub.feed(b"x") == b"sk-live-4f9x"


def test_a_stand_in_is_written_as_the_secret_was() -> None:
    scrub = scrubber(SECRET)
    assert scrub.clean(SECRET.encode().hex().encode()) == STAND_IN.encode().hex().encode()
    decoded = base64.b64decode(scrub.clean(base64.b64encode(f"ada:{SECRET}:x".encode())))
    assert STAND_IN[1:-1].encode() in decoded
    assert json.loads(scrub.clean(json.dumps({"token": SECRET}).encode())) == {"token": STAND_IN}


def test_headers_are_scrubbed_and_cookies_dropped() -> None:
    headers = (("x-echo", f"Bearer {SECRET}"), ("set-cookie", "login=1"), ("etag", "abc"))
    assert scrubber(SECRET).clean_headers(headers) == (("x-echo", f"Bearer {STAND_IN}"), ("etag", "abc"))


def test_a_github_contents_answer_is_scrubbed() -> None:
    content = base64.encodebytes(b"some: yaml\ntoken: " + SECRET.encode() + b"\nmore: here\n" * 9).decode()
    answer = json.dumps({"encoding": "base64", "content": content}).encode()
    out = json.loads(scrubber(SECRET).clean(answer))["content"]
    assert SECRET.encode() not in base64.b64decode(out)


def test_without_secrets_nothing_is_held() -> None:
    assert scrubber().feed(b"anything \\u00") == b"anything \\u00"


@pytest.mark.parametrize("spelling", ["utf-8", "latin-1"])
def test_a_secret_with_other_than_ascii_letters_leaves_a_header_in_either_reading(spelling: str) -> None:
    said = "pässwörd-länger-als-16".encode(spelling).decode("latin-1")
    assert scrubber("pässwörd-länger-als-16").clean_headers((("x-echo", f"is {said}"),)) == (
        ("x-echo", f"is {STAND_IN}"),
    )
