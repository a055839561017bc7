"""The Messages API without a model: it plays the script that stands in the prompt to whoever has the key."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.lab.conftest import JSON, Hands

from yett.lab.messages import next_step

API = "https://api.anthropic.com"
TOOLS = [{"name": "Bash", "input_schema": {"type": "object"}}]
STEPS = [{"tool": "Bash", "input": {"command": "git status"}}, {"text": "All of it is done, and nothing was lost."}]
ASKED = {"role": "user", "content": [{"type": "text", "text": f"Please <play>{json.dumps(STEPS)}</play>"}]}
USED = {"role": "assistant", "content": [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "clean"}]}


def body(*messages: Any, **more: object) -> str:
    return json.dumps({"model": "some", "max_tokens": 9, "tools": TOOLS, "messages": list(messages), **more})


def key(hands: Hands) -> str:
    return f"x-api-key: {hands.lab.handed_out['model_key']}"


def call(hands: Hands, header: str, text: str, path: str = "/v1/messages") -> Any:
    return hands.answer("-H", header, *JSON, "-d", text, url=API + path)


def events(hands: Hands, text: str) -> list[dict[str, Any]]:
    """The data of each event of a streamed answer."""
    done = hands.curl("-N", "-H", key(hands), *JSON, "-d", text, f"{API}/v1/messages?beta=true")
    return [json.loads(line[6:]) for line in done.stdout.splitlines() if line.startswith(b"data: ")]


def test_the_script_is_played_step_by_step(hands: Hands) -> None:
    first = call(hands, key(hands), body(ASKED))
    assert first["stop_reason"] == "tool_use"
    assert first["content"][0]["input"] == STEPS[0]["input"]
    second = call(hands, key(hands), body(ASKED, USED, RESULT))
    assert (second["stop_reason"], second["content"]) == ("end_turn", [{"type": "text", **STEPS[1]}])


@pytest.mark.parametrize(
    ("messages", "step"),
    [
        ([ASKED, USED, RESULT, USED, RESULT], {"text": "Nothing is left to do."}),
        ([{"role": "user", "content": "hello"}], {"text": "Nothing is left to do."}),
        ([ASKED, USED, RESULT, ASKED], STEPS[0]),
        ([{"role": "user", "content": f"<play>{json.dumps(STEPS)}</play>"}], STEPS[0]),
    ],
    ids=["played to its end", "no script", "a new script begins anew", "a message of plain text"],
)
def test_the_newest_script_decides(messages: list[dict[str, Any]], step: dict[str, Any]) -> None:
    assert next_step({"messages": messages, "tools": TOOLS}) == step


def test_a_call_without_tools_plays_nothing() -> None:
    assert next_step({"messages": [ASKED]}) == {"text": "Nothing is left to do."}


def test_a_tool_call_is_streamed_in_pieces(hands: Hands) -> None:
    seen = events(hands, body(ASKED, stream=True))
    assert [event["type"] for event in seen if event["type"] != "content_block_delta"] == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    pieces = [event["delta"]["partial_json"] for event in seen if event["type"] == "content_block_delta"]
    assert len(pieces) > 1
    assert json.loads("".join(pieces)) == STEPS[0]["input"]
    assert seen[-2]["delta"]["stop_reason"] == "tool_use"


def test_a_text_is_streamed_in_pieces(hands: Hands) -> None:
    seen = events(hands, body(ASKED, USED, RESULT, stream=True))
    pieces = [event["delta"]["text"] for event in seen if event["type"] == "content_block_delta"]
    assert len(pieces) > 1
    assert "".join(pieces) == STEPS[1]["text"]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["x-api-key: sk-ant-api03-other"],
        ["authorization: Bearer yes"],
        ["authorization: Bearer {}"],
        ["authorization: Bearer yes", "x-api-key: {}"],
    ],
    ids=["none", "another key", "another bearer", "the key as a bearer", "the key and something else"],
)
def test_without_the_key_alone_nothing_is_answered(hands: Hands, headers: list[str]) -> None:
    heard = len(Path(hands.lab.announced["heard"]).read_text())
    given = [part for h in headers for part in ("-H", h.format(hands.lab.handed_out["model_key"]))]
    answer = hands.answer(*given, *JSON, "-d", body(ASKED), url=f"{API}/v1/messages")
    assert answer["error"]["type"] == "authentication_error"
    assert hands.lab.arrivals()[-1]["token"] == ("unknown" if headers else "none")
    assert len(Path(hands.lab.announced["heard"]).read_text()) == heard


def test_a_login_is_as_good_as_a_key(hands: Hands) -> None:
    answer = call(hands, f"Authorization: Bearer {hands.lab.handed_out['model_login']}", body(ASKED))
    assert answer["type"] == "message"
    assert hands.lab.arrivals()[-1]["token"] == "model-login"


def test_a_call_that_says_no_model_is_refused(hands: Hands) -> None:
    answer = call(hands, key(hands), json.dumps({"messages": []}))
    assert answer["error"]["type"] == "invalid_request_error"
    assert call(hands, key(hands), "no json")["error"]["type"] == "invalid_request_error"


def test_tokens_are_counted_and_the_rest_is_not_found(hands: Hands) -> None:
    assert call(hands, key(hands), body(ASKED), "/v1/messages/count_tokens") == {"input_tokens": 10}
    assert hands.curl("-I", API).stdout.startswith(b"HTTP/1.1 200")
    assert call(hands, key(hands), "{}", "/api/event_logging/batch")["error"]["type"] == "not_found_error"


def test_what_the_model_was_told_is_kept_and_its_key_is_not_in_the_journal(hands: Hands) -> None:
    call(hands, key(hands), body(ASKED, USED, RESULT))
    kept = json.loads(Path(hands.lab.announced["heard"]).read_text().splitlines()[-1])
    assert kept["messages"] == [ASKED, USED, RESULT]
    arrival = hands.lab.arrivals()[-1]
    assert (arrival["token"], arrival["done"], arrival["carried"]) == ("model-key", ["model call"], ["x-api-key"])
    assert hands.lab.handed_out["model_key"] not in Path(hands.lab.announced["journal"]).read_text()
