"""A folder is a provider: found, read whole or refused, its code loaded when it is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from yett.model.effects import Effect, Recovery
from yett.model.errors import ConfigurationError
from yett.providers.book import ProviderBook
from yett.providers.room import Side, Wire

PROVIDER = """title = "Stones"
wire = "rest"
hosts = ["api.stones.example.com", "login.stones.example.com"]
positions = ["header:authorization"]
refusal_status = 400
can = ["detect"]

[[credential]]
id = "key"
title = "key"
value = "stn_[a-z]{20}"
distinctive = true
names = ["STONES_KEY"]
files = [{ path = "~/.stones", format = "json", at = "key" }]

[[token_endpoint]]
host = "login.stones.example.com"
path = "/token"
request = ["refresh_token"]
answer = ["access_token"]

[[side_call]]
methods = ["POST"]
host = "api.stones.example.com"
path = "/telemetry/{rest...}"
do = "answer"
status = 403
"""
OPERATIONS = """
[[route]]
methods = ["DELETE"]
path = "/v1/stones/{stone}"
action = "stoneDelete"
effect = "delete"
recovery = "none"
on = ["stone:stone"]
"""


def folder(root: Path, name: str = "stones", provider: str = PROVIDER, operations: str = OPERATIONS) -> Path:
    made = root / name
    made.mkdir()
    (made / "provider.toml").write_text(provider)
    (made / "operations.toml").write_text(operations)
    return made


def test_adding_a_folder_is_adding_a_provider(tmp_path: Path) -> None:
    folder(tmp_path)
    room = ProviderBook.load(tmp_path).room("api.stones.example.com")
    assert room is not None
    assert (room.name, room.title, room.wire, room.refusal_status) == ("stones", "Stones", Wire.REST, 400)
    assert room.actions.routes[0].match("DELETE", "api.stones.example.com", "/v1/stones/s") == {"stone": "s"}
    assert room.credentials[0].files[0].at == "key"


def test_a_host_that_no_folder_names_is_ungoverned(tmp_path: Path) -> None:
    folder(tmp_path)
    book = ProviderBook.load(tmp_path)
    for host in ("stones.example.com", "x.api.stones.example.com", "API.stones.example.com", ""):
        assert book.room(host) is None


def test_a_folder_without_a_provider_toml_is_no_room(tmp_path: Path) -> None:
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "undo.py").write_text("raise RuntimeError")
    assert ProviderBook.load(tmp_path).rooms == ()


def test_a_host_in_two_rooms_is_refused(tmp_path: Path) -> None:
    folder(tmp_path)
    folder(tmp_path, "pebbles")
    with pytest.raises(ConfigurationError, match=r"api\.stones\.example\.com is governed by both pebbles and stones"):
        ProviderBook.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('title = "Stones"', 'title = "Stones"\nhopsts = []'), r"stones/provider\.toml: unknown key hopsts"),
        (('title = "Stones"\n', ""), r"stones/provider\.toml: title is missing"),
        (('"rest"', '"soap"'), r"wire is 'soap', not one of graphql, rest, model, registry"),
        (('"rest"', '"graphql"'), "names the paths"),
        (("refusal_status = 400", 'refusal_status = "400"'), "refusal_status is not"),
        (("refusal_status = 400", "refusal_status = true"), "refusal_status is not"),
        (('["header:authorization"]', '["Header: Authorization"]'), "is not header:NAME"),
        (('"api.stones', '"API.stones'), "not a lower-case host name"),
        (('"api.stones.example.com", ', '"https://api.stones.example.com", '), "not a lower-case host name"),
        (('value = "stn_[a-z]{20}"', 'value = "stn_[a-z"'), "no regular expression"),
        (('value = "stn_[a-z]{20}"\n', ""), "value is missing"),
        (("distinctive = true", "distinct = true"), r"credential\[0\]: unknown key distinct"),
        (
            ('host = "login.stones.example.com"', 'host = "elsewhere.example.com"'),
            "elsewhere.example.com is not one of",
        ),
        (("status = 403", ""), "has a status"),
        (('do = "answer"', 'do = "ignore"'), "do is 'ignore'"),
        (("[[side_call]]", "[side_call]"), "side_call is not a list"),
        (('hosts = ["api', 'hosts = [1, "api'), "hosts is not a list of strings"),
        (("title", "= title"), "cannot be read"),
    ],
)
def test_a_provider_toml_that_cannot_be_read_whole_is_refused(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    assert change[0] in PROVIDER
    folder(tmp_path, provider=PROVIDER.replace(*change, 1))
    with pytest.raises(ConfigurationError, match=said):
        ProviderBook.load(tmp_path)


@pytest.mark.parametrize(
    ("operations", "said"),
    [
        ('[mutation]\nx = { recovery = "none" }', r"operations\.toml: mutation: x: effect is missing"),
        ('[mutation]\nx = { effect = "delete" }', "recovery is missing"),
        ('[mutation]\nx = { effect = "destroy", recovery = "none" }', "effect is 'destroy'"),
        ('[mutation]\nx = { effect = "delete", recovery = "none", of = [] }', "mutation: x: unknown key of"),
        ('[mutation]\nx = { effect = "delete", recovery = "none", on = ["volume"] }', "is not kind:argument"),
        ('[mutation]\nx = { effect = "delete", recovery = "unknown" }', "known recovery"),
        ('[mutation]\nx = { effect = "write", recovery = "none", returns_secret = true }', "has the effect admin"),
        ('[mutation]\nx = { effect = "write", recovery = "none", placeless = true, on = ["a:b"] }', "not placeless"),
        ('[query]\nx = { worse = [{ argument = "a", effect = "admin", matches = "nothing" }] }', "none of"),
        ('[query]\nx = { worse = [{ argument = "a", effect = "admin", recovery = "gone" }] }', "recovery is 'gone'"),
        ("[mutations]\nx = {}", "unknown key mutations"),
        ("hidden = 1", "hidden is not"),
        ("[patterns]\na = '('", "no regular expression"),
        ('[[route]]\nmethods = ["GET"]\npath = "/"\naction = "x"', "effect is missing"),
        ('[[secret_field]]\nfield = "a"\nleaves = true', "unknown key leaves"),
    ],
)
def test_an_operations_toml_that_cannot_be_read_whole_is_refused(tmp_path: Path, operations: str, said: str) -> None:
    folder(tmp_path, operations=operations)
    with pytest.raises(ConfigurationError, match=said):
        ProviderBook.load(tmp_path)


def test_a_room_without_its_operations_is_refused(tmp_path: Path) -> None:
    (folder(tmp_path) / "operations.toml").unlink()
    with pytest.raises(ConfigurationError, match=r"stones/operations\.toml cannot be read"):
        ProviderBook.load(tmp_path)


def test_code_is_loaded_when_it_is_asked_for_and_only_then(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "authority.py").write_text("class StonesInspector:\n    name = 'eyes'\n")
    (made / "undo.py").write_text("raise RuntimeError('loaded')\n")
    room = ProviderBook.load(tmp_path).room("api.stones.example.com")
    assert room is not None
    assert room.inspector().name == "eyes"  # type: ignore[union-attr]  # the test's own class
    with pytest.raises(RuntimeError, match="loaded"):
        room.undoer()


def test_a_room_without_code_has_neither_eyes_nor_undo(tmp_path: Path) -> None:
    folder(tmp_path)
    room = ProviderBook.load(tmp_path).room("api.stones.example.com")
    assert room is not None
    assert room.inspector() is None
    assert room.undoer() is None


def test_code_that_holds_no_class_or_two_is_refused(tmp_path: Path) -> None:
    made = folder(tmp_path)
    (made / "authority.py").write_text("class A: pass\n")
    (made / "undo.py").write_text("class AUndoer: pass\nclass BUndoer: pass\n")
    room = ProviderBook.load(tmp_path).room("api.stones.example.com")
    assert room is not None
    with pytest.raises(ConfigurationError, match="holds 0 classes"):
        room.inspector()
    with pytest.raises(ConfigurationError, match="holds 2 classes"):
        room.undoer()


def test_a_side_call_is_found_by_method_host_and_path(tmp_path: Path) -> None:
    folder(tmp_path)
    room = ProviderBook.load(tmp_path).room("api.stones.example.com")
    assert room is not None
    found = room.side_call("POST", "api.stones.example.com", "/telemetry/v2/batch")
    assert found is not None
    assert (found.do, found.status) == (Side.ANSWER, 403)
    for method, host, path in (
        ("GET", "api.stones.example.com", "/telemetry/v2/batch"),
        ("POST", "login.stones.example.com", "/telemetry/v2/batch"),
        ("POST", "api.stones.example.com", "/telemetry/../v1/stones"),
        ("POST", "api.stones.example.com", "/v1/stones"),
    ):
        assert room.side_call(method, host, path) is None


def test_a_token_endpoint_is_found_by_host_and_path(tmp_path: Path) -> None:
    folder(tmp_path)
    room = ProviderBook.load(tmp_path).room("login.stones.example.com")
    assert room is not None
    endpoint = room.token_endpoint("login.stones.example.com", "/token")
    assert endpoint is not None
    assert (endpoint.request, endpoint.answer) == (("refresh_token",), ("access_token",))
    assert room.token_endpoint("api.stones.example.com", "/token") is None


def test_the_shipped_book_loads_and_knows_its_rooms(book: ProviderBook) -> None:
    assert {"railway", "anthropic", "openai"} <= {room.name for room in book.rooms}
    assert book.named("railway") is book.room("backboard.railway.app") is book.room("backboard.railway.com")
    railway = book.named("railway")
    assert railway is not None
    assert type(railway.inspector()).__name__ == "RailwayInspector"
    assert type(railway.undoer()).__name__ == "RailwayUndoer"


def test_every_shipped_route_is_harmless_only_where_it_says_so(book: ProviderBook) -> None:
    for room in book.rooms:
        for route in room.actions.routes:
            if {"PUT", "PATCH", "DELETE"} & route.methods:
                assert route.action.effect is not Effect.READ, (room.name, route.action.name)
            if route.action.effect is Effect.READ:
                assert route.action.recovery is Recovery.AUTOMATIC
