"""A GraphQL document: every root field that could run, and the same document printed anew.

Spec: GraphQL, October 2021. What could run is more than what would: `@skip` and `@include` are not looked at, fragments
count on whatever type they are, and without an operation name every operation counts (section 6.1: a server that is not
told which one must refuse, so none is trusted to). With a name, the others are cut out of what leaves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from graphql import GraphQLError, parse, print_ast
from graphql.language import (
    ArgumentNode,
    BooleanValueNode,
    DefinitionNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    StringValueNode,
    ValueNode,
    Visitor,
    visit,
)

from yett.model.errors import Unreadable
from yett.providers.actions import SecretField

MAX_TOKENS = 5000
"""Of all documents of a request. graphql-core needs 48 ms for as many; 400 kB without a limit take 5.6 s."""

MAX_TEXT = 64 << 10
"""Characters of a document: a comment of a megabyte is one token, and takes 157 ms."""

MAX_FIELDS = 10_000
"""Fields looked at after fragments are expanded: a few of them can multiply to millions."""

MAX_ROOT_FIELDS = 100
MAX_NAME = 200
_CACHED_LENGTH = 16 << 10

# An answer in parts has its secrets elsewhere than where they are sealed.
_INCREMENTAL = frozenset({"defer", "stream"})


@dataclass(frozen=True, slots=True)
class RootField:
    """One root field. `key` is its name in the answer; `secrets` are the paths below it where secrets are asked for."""

    kind: str
    name: str
    key: str
    arguments: Mapping[str, ValueNode]
    defaults: Mapping[str, ValueNode]
    secrets: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says. `text` is the only form of it that may leave."""

    text: str
    fields: tuple[RootField, ...]


def read(
    text: str, operation_name: str, secret_fields: tuple[SecretField, ...], max_tokens: int = MAX_TOKENS
) -> Document:
    """Parse a text. `operation_name` is "" when the request names none.

    Raises:
        Unreadable: no valid document, more than a server would take, or one that servers read differently.
    """
    if len(text) > MAX_TEXT:
        raise Unreadable(f"The document is longer than {MAX_TEXT} characters", "Send long values as variables.")
    if len(text) <= _CACHED_LENGTH:
        return _cached(text, operation_name, secret_fields, max_tokens)
    return _read(text, operation_name, secret_fields, max_tokens)


def _read(text: str, operation_name: str, secret_fields: tuple[SecretField, ...], max_tokens: int) -> Document:
    try:
        document = parse(text, max_tokens=max_tokens, no_location=True)
        chosen = _chosen(document, operation_name)
        reader = _Reader(chosen, secret_fields)
        fields = tuple(field for node in chosen for field in reader.root_fields(node))
        if not fields:
            raise Unreadable("The document has no operation", "Send a query or a mutation.")
        if len(fields) > MAX_ROOT_FIELDS:
            raise Unreadable(f"The document has {len(fields)} root fields", f"Send at most {MAX_ROOT_FIELDS}.")
        return Document(print_ast(_plain(DocumentNode(definitions=chosen), text)), fields)
    except GraphQLError as error:
        raise Unreadable(f"The GraphQL document is not valid: {error.message[:120]}", "Send valid GraphQL.") from None
    except RecursionError:
        raise Unreadable("The GraphQL document is nested too deeply", "Send a flatter one.") from None


_cached = lru_cache(maxsize=512)(_read)


def _chosen(document: DocumentNode, operation_name: str) -> tuple[DefinitionNode, ...]:
    """The operations that could run, and the fragments that they reach."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    fragments = [node for node in document.definitions if isinstance(node, FragmentDefinitionNode)]
    if len(operations) + len(fragments) != len(document.definitions):
        raise Unreadable("The document defines types", "Send operations and fragments only.")
    names = [node.name.value for node in operations if node.name]
    if len(set(names)) != len(names) or len({node.name.value for node in fragments}) != len(fragments):
        raise Unreadable("The document defines one name twice", "Give every operation and fragment its own name.")
    if not operation_name:
        return tuple(document.definitions)
    if operation_name not in names:
        raise Unreadable("operationName names no operation of the document", "Name one that is there, or none.")
    named = [node for node in operations if node.name and node.name.value == operation_name]
    reached = _reached(named[0].selection_set, {node.name.value: node for node in fragments})
    return (*named, *(node for node in fragments if node.name.value in reached))


def _reached(start: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        for selection in waiting.pop().selections:
            if isinstance(selection, FragmentSpreadNode):
                fragment = fragments.get(selection.name.value)
                if fragment is not None and selection.name.value not in found:
                    waiting.append(fragment.selection_set)
                found.add(selection.name.value)
            elif isinstance(selection, FieldNode | InlineFragmentNode) and selection.selection_set:
                waiting.append(selection.selection_set)
    return found


class _Reader:
    """Walks one document, and gives up beyond MAX_FIELDS."""

    def __init__(self, definitions: Sequence[DefinitionNode], secret_fields: tuple[SecretField, ...]) -> None:
        self._fragments = {d.name.value: d for d in definitions if isinstance(d, FragmentDefinitionNode)}
        self._secrets = {field.field: field for field in secret_fields}
        self._left = MAX_FIELDS

    def root_fields(self, definition: DefinitionNode) -> Iterator[RootField]:
        if not isinstance(definition, OperationDefinitionNode):
            return
        declared = definition.variable_definitions or ()
        names = [node.variable.name.value for node in declared]
        if len(set(names)) != len(names):
            raise Unreadable("The document declares a variable twice", "Declare every variable once.")
        defaults = {n.variable.name.value: n.default_value for n in declared if n.default_value is not None}
        for node in self._fields(definition.selection_set, frozenset()):
            if max(len(node.name.value), len(_key(node))) > MAX_NAME:
                raise Unreadable("A root field's name is too long", f"Use names of at most {MAX_NAME} characters.")
            yield RootField(
                kind=definition.operation.value,
                name=node.name.value,
                key=_key(node),
                arguments=_arguments(node),
                defaults=defaults,
                secrets=tuple(self._secret_paths(node, ())),
            )

    def _fields(self, selections: SelectionSetNode, inside: frozenset[str]) -> Iterator[FieldNode]:
        """Every field of a selection, fragments on any type expanded. `inside` stops fragments that hold themselves."""
        for selection in selections.selections:
            self._left -= 1
            if self._left < 0:
                raise Unreadable("The document expands to too many fields", "Ask for less at once.")
            if any(directive.name.value in _INCREMENTAL for directive in selection.directives or ()):
                raise Unreadable("The document wants its answer in parts", "Leave @defer and @stream out.")
            if isinstance(selection, FieldNode):
                yield selection
            elif isinstance(selection, InlineFragmentNode):
                yield from self._fields(selection.selection_set, inside)
            elif isinstance(selection, FragmentSpreadNode):
                name = selection.name.value
                if name in self._fragments and name not in inside:
                    yield from self._fields(self._fragments[name].selection_set, inside | {name})

    def _secret_paths(self, node: FieldNode, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Paths of response keys below a root field, at which a field that holds secrets is asked for."""
        if node.selection_set is None:
            return
        for field in self._fields(node.selection_set, frozenset()):
            below = (*path, _key(field))
            if self._is_secret(field):
                yield below
            yield from self._secret_paths(field, below)

    def _is_secret(self, node: FieldNode) -> bool:
        secret = self._secrets.get(node.name.value)
        if secret is None or (secret.leaf and node.selection_set is not None):
            return False
        if not secret.argument:
            return True
        value = _arguments(node).get(secret.argument)
        return value is not None and not (isinstance(value, BooleanValueNode) and value.value is False)


def _key(node: FieldNode) -> str:
    return node.alias.value if node.alias else node.name.value


def _arguments(node: FieldNode) -> dict[str, ValueNode]:
    """Arguments by name. One parser takes the first of two equal names, another the last."""
    nodes: tuple[ArgumentNode, ...] = tuple(node.arguments or ())
    found = {argument.name.value: argument.value for argument in nodes}
    if len(found) != len(nodes):
        raise Unreadable(f"{node.name.value} has an argument twice", "Give every argument once.")
    return found


class _Plain(Visitor):
    """Block strings become ordinary ones: their indentation rules are where parsers have differed."""

    def enter_string_value(self, node: StringValueNode, *_: object) -> StringValueNode | None:
        return StringValueNode(value=node.value, block=False) if node.block else None


def _plain(document: DocumentNode, text: str) -> DocumentNode:
    if '"""' not in text:
        return document
    plain: DocumentNode = visit(document, _Plain())
    return plain
