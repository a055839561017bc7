"""Whatever arrives is read or refused; what is read prints back to the same; no spelling hides a root field."""

from __future__ import annotations

import json
import string

from graphql import GraphQLSyntaxError, parse, print_ast
from graphql.language import FieldNode, OperationDefinitionNode
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from yett.model.canonical import canonical
from yett.model.errors import Unreadable
from yett.model.operation import Governed
from yett.operations import document
from yett.operations.classify import classify
from yett.providers.book import ProviderBook

from .conftest import SESSION, request

BOOK = ProviderBook.load()
NAMES = st.sampled_from(["volumeDelete", "projectDelete", "me", "variables", "a", "volumeObliterate"])
BLANKS = st.text(" \t\n\r,", min_size=1, max_size=4) | st.text(string.ascii_letters + '{}()"', max_size=9).map(
    lambda words: f"#{words}\n"
)
LIMITS = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def hidden_roots(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A mutation whose root fields lie behind aliases, fragments, directives and odd blanks, and their names."""
    names = draw(st.lists(NAMES, min_size=1, max_size=5))
    fragments: list[str] = []
    parts = []
    for number, name in enumerate(names):
        gap = draw(BLANKS)
        field = f"a{number}{gap}:{gap}{name}{gap}(volumeId:{gap}{json.dumps(str(number))})"
        match draw(st.integers(0, 4)):
            case 1:
                field = f"...{gap}on Mutation{gap}{{{field}{gap}}}"
            case 2:
                fragments.append(f"fragment F{number} on X {{{gap}{field}}}")
                field = f"...F{number}"
            case 3:
                field = f"{field} @skip(if:{gap}true)"
            case 4:
                field = f"...{{...{{{field}}}}}"
        parts.append(field)
    text = f"mutation {{{draw(BLANKS).join(parts)}}}"
    return draw(BLANKS).join(draw(st.permutations([text, *fragments]))), names


@LIMITS
@given(hidden_roots())
def test_no_spelling_hides_a_root_field(made: tuple[str, list[str]]) -> None:
    text, names = made
    found = classify(request(body=json.dumps({"query": text}).encode()), BOOK, SESSION)
    assert sorted(operation.action for operation in found.operations) == sorted(f"railway:{name}" for name in names)
    deleted = {ref.id for op in found.operations if isinstance(op.target, Governed) for ref in op.target.resources}
    assert deleted >= {str(number) for number, name in enumerate(names) if name == "volumeDelete"}


@LIMITS
@given(hidden_roots())
def test_the_printed_document_has_the_same_root_fields(made: tuple[str, list[str]]) -> None:
    first = document.read(made[0], "", ())
    again = document.read(first.text, "", ())
    assert again.text == first.text
    assert [(f.kind, f.name, f.key) for f in again.fields] == [(f.kind, f.name, f.key) for f in first.fields]


STRINGS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@LIMITS
@given(STRINGS, st.booleans())
def test_a_string_means_the_same_printed_anew(value: str, block: bool) -> None:
    """Whatever is in it: quotes, newlines, control characters, a mutation; and it ends where it ended."""
    literal = '"""' + value.replace('"""', '\\"""') + '"""' if block else json.dumps(value)
    text = f"query {{ template(code: {literal}) {{ id }} }}"
    try:
        before = print_ast(parse(text, no_location=True))
    except GraphQLSyntaxError:
        assume(False)
    leaves = document.read(text, "", ()).text
    assert not leaves.startswith('query {\n  template(code: """')
    assert _argument(leaves) == _argument(before)


def _argument(text: str) -> object:
    (definition,) = parse(text, no_location=True).definitions
    assert isinstance(definition, OperationDefinitionNode)
    (field,) = definition.selection_set.selections
    assert isinstance(field, FieldNode)
    assert field.arguments
    return field.arguments[0].value.value  # type: ignore[attr-defined]  # it is a string


@LIMITS
@given(st.binary(max_size=120))
def test_any_body_is_read_or_refused(data: bytes) -> None:
    try:
        found = classify(request(body=data), BOOK, SESSION)
    except Unreadable:
        return
    assert found.operations
    canonical([operation.as_json() for operation in found.operations])


@LIMITS
@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_read_or_refused(text: str, name: str) -> None:
    body = json.dumps({"query": text, "operationName": name}).encode()
    try:
        found = classify(request(body=body), BOOK, SESSION)
    except Unreadable:
        return
    assert found.operations
    canonical([operation.as_json() for operation in found.operations])


@LIMITS
@given(
    st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD"]),
    st.sampled_from(["backboard.railway.app", "api.anthropic.com", "files.example.com"]),
    st.from_regex(r"/[!-~]{0,60}", fullmatch=True),
    st.from_regex(r"[!-~]{0,40}", fullmatch=True),
)
def test_any_head_is_read_or_refused(method: str, host: str, path: str, query: str) -> None:
    try:
        found = classify(request(method, host, path.replace("?", "/"), query, (), b""), BOOK, SESSION)
    except Unreadable:
        return
    assert found.operations
    canonical([operation.as_json() for operation in found.operations])
    assert found.summary.isprintable()
    assert "\n" not in found.summary
