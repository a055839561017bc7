"""Bodies of functions and of DO: PL/pgSQL and SQL text -> what their statements do.

PL/pgSQL is parsed in the worker only, for its parser can abort a process. Its static parts (`PLpgSQL_expr`) are SQL and
are read as any other; a part made at run time (EXECUTE) is an unknown effect, and so is what this reader does not know.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from yett.operations.sql import builtins
from yett.operations.sql.catalog import Function
from yett.operations.sql.declared import simplified
from yett.operations.sql.facts import Known, Ref, unknown
from yett.operations.sql.found import Node
from yett.operations.sql.grammar import GrammarError
from yett.operations.sql.lexer import ODD_NAME, Kind, Token, is_certain, tokens
from yett.operations.sql.names import Names
from yett.operations.sql.reach import Reach
from yett.operations.sql.reader import Reader
from yett.operations.sql.statement import Control, Verb
from yett.operations.sql.trees import trees
from yett.operations.sql.worker import worker
from yett.providers.postgres.identifiers import fold, unquoted

_DYNAMIC = frozenset({"PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors"})
_CONTROL = frozenset({"PLpgSQL_stmt_commit", "PLpgSQL_stmt_rollback"})
_LOOPS = frozenset(
    {
        "PLpgSQL_stmt_forc",
        "PLpgSQL_stmt_foreach_a",
        "PLpgSQL_stmt_fori",
        "PLpgSQL_stmt_fors",
        "PLpgSQL_stmt_loop",
        "PLpgSQL_stmt_while",
    }
)
_STATIC = frozenset(
    {
        "PLpgSQL_case_when",
        "PLpgSQL_condition",
        "PLpgSQL_diag_item",
        "PLpgSQL_exception",
        "PLpgSQL_exception_block",
        "PLpgSQL_expr",
        "PLpgSQL_function",
        "PLpgSQL_if_elsif",
        "PLpgSQL_raise_option",
        "PLpgSQL_rec",
        "PLpgSQL_recfield",
        "PLpgSQL_row",
        "PLpgSQL_type",
        "PLpgSQL_var",
        "PLpgSQL_stmt_assert",
        "PLpgSQL_stmt_assign",
        "PLpgSQL_stmt_block",
        "PLpgSQL_stmt_call",
        "PLpgSQL_stmt_case",
        "PLpgSQL_stmt_close",
        "PLpgSQL_stmt_execsql",
        "PLpgSQL_stmt_exit",
        "PLpgSQL_stmt_fetch",
        "PLpgSQL_stmt_forc",
        "PLpgSQL_stmt_foreach_a",
        "PLpgSQL_stmt_fori",
        "PLpgSQL_stmt_fors",
        "PLpgSQL_stmt_getdiag",
        "PLpgSQL_stmt_if",
        "PLpgSQL_stmt_loop",
        "PLpgSQL_stmt_open",
        "PLpgSQL_stmt_perform",
        "PLpgSQL_stmt_raise",
        "PLpgSQL_stmt_return",
        "PLpgSQL_stmt_return_next",
        "PLpgSQL_stmt_return_query",
        "PLpgSQL_stmt_while",
    }
)
_LOST = re.compile(
    r'^(\[\s*\{"PLpgSQL_function":\{(?:"\w+":\d+,)*"datums":\['
    r'(?:\{"PLpgSQL_rec":\{"refname":"(?:new|old)"(?:,"dno":\d+)?\}\},)*)((?:\{\}\},)+)'
)
"""Trigger functions: libpg_query prints tg_name and its kin as `{}}`."""


def read_body(reach: Reach, function: Function, names: Names, trigger: bool, read: Any) -> Known:
    """What running `function` does by itself. `read`: reads a statement node into a Reader."""
    name = f"{function.schema}.{function.name}"
    reader = Reader(reach, names, {}, read)
    if function.language == "plpgsql":
        read_block(reader, function.definition, f"calls {name}", keep=True)
    else:
        _read_sql(reader, function.body, f"calls {name}")
    reader.done()
    if not reader.once or reader.loops:
        reader.fact(builtins.REPEATS)
    return Known(tuple(reader.facts), frozenset(reader.refs), tuple(reader.touched))


def do_block(body: str) -> str:
    """A DO statement around a body."""
    tag = "$yett$"
    while tag in body:
        tag = f"${tag.strip('$')}x$"
    return f"DO {tag}{body}{tag}"


def _read_sql(reader: Reader, body: str, who: str) -> None:
    _look_at_names(reader, body, who)
    try:
        parsed = trees(body.encode())
    except GrammarError:
        reader.fact(unknown(f"{who}, whose body cannot be read"))
        return
    for tree in parsed:
        _statement(reader, tree.node, who)


def _look_at_names(reader: Reader, text: str, who: str) -> None:
    if not reader.catalog.is_utf8 and not is_certain(text):
        reader.fact(unknown(f"{who}, which {ODD_NAME}"))


def read_block(reader: Reader, definition: str, who: str, keep: bool = False) -> None:
    """Read the PL/pgSQL of a CREATE FUNCTION or a DO. `keep`: it is a function's, and will be asked for again."""
    try:
        block, simpler = _parsed_or_simpler(reader, definition, _kept if keep else _block)
    except (GrammarError, ValueError, RecursionError):
        reader.fact(unknown(f"{who}, whose body cannot be read"))
        return
    for kind, node in _nodes(block):
        if kind in _DYNAMIC or "dynquery" in node:
            reader.fact(unknown(f"{who}, which makes SQL at run time"))
        elif kind in _CONTROL:
            reader.fact(unknown(f"{who}, which ends transactions by itself"))
        elif kind not in _STATIC:
            reader.fact(unknown(f"{who}, which has a part that Yett does not know"))
        elif kind == "PLpgSQL_expr":
            _expression(reader, node, who)
        reader.loops |= kind in _LOOPS
    if simpler or any(_hides_something(reader, kind, node) for kind, node in _nodes(block)):
        _harvest(reader, definition)


def _parsed_or_simpler(reader: Reader, definition: str, parse: Callable[[str], Any]) -> tuple[Any, bool]:
    """The block, and whether types of its declarations had to be put aside for that. Any: JSON. Raises GrammarError."""
    try:
        return parse(definition), False
    except GrammarError:
        simpler = simplified(definition, reader.names.is_row)
        if simpler == definition:
            raise
        return parse(simpler), True


def _hides_something(reader: Reader, kind: str, node: Node) -> bool:
    """A variable whose type, and so its default and the checks of its domain, the parser does not tell."""
    if kind == "PLpgSQL_type":
        return reader.names.type_("", str(node.get("typname", ""))) != frozenset()
    return kind == "PLpgSQL_rec" and "lineno" in node


def _block(definition: str) -> Any:
    """The parsed block. Any: JSON, not to be changed."""
    return _parsed(worker().body(definition.encode()).decode())


_kept = functools.lru_cache(maxsize=512)(_block)
"""For functions only, which outlive a version of the catalog; an agent chooses what stands in a DO."""


def _parsed(text: str) -> Any:
    """The block as data. Any: JSON. ValueError if it is not, or if there is no block in it."""
    if match := _LOST.match(text):
        text = match[1] + "{}," * match[2].count("{}},") + text[match.end() :]
    block = json.loads(text)
    if not block:
        raise ValueError("no PL/pgSQL")
    return block


def _nodes(block: Any) -> Iterator[tuple[str, Node]]:
    waiting = [block]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list):
            waiting.extend(reversed(item))
        elif isinstance(item, dict):
            for key, value in item.items():
                if key.startswith("PLpgSQL_"):
                    yield key, value
            waiting.extend(reversed(item.values()))


def _expression(reader: Reader, node: Node, who: str) -> None:
    text = str(node.get("query", ""))
    _look_at_names(reader, text, who)
    try:
        parsed = trees(text.encode(), int(node.get("parseMode", 0)))
    except (GrammarError, RecursionError):
        reader.fact(unknown(f"{who}, which has a part that cannot be read"))
        return
    for tree in parsed:
        _statement(reader, tree.node, who)


def _statement(reader: Reader, node: Node | None, who: str) -> None:
    if node is None:
        reader.fact(unknown(f"{who}, which nests too deep to be read"))
        return
    if "PLAssignStmt" in node:
        assigned = node["PLAssignStmt"]
        reader.walk(assigned.get("indirection", []))
        reader.nested({"SelectStmt": assigned.get("val", {})})
        return
    made = _temporary_made(node)
    if made:
        reader.made.add(made)
    reader.nested(node)
    if reader.control is not Control.NONE or reader.prepares or reader.executes:
        reader.fact(unknown(f"{who}, which ends transactions or prepares statements"))


def _temporary_made(node: Node) -> str:
    create = node.get("CreateStmt", {}).get("relation") or node.get("CreateTableAsStmt", {}).get("into", {}).get("rel")
    return str(create["relname"]) if create and create.get("relpersistence") == "t" else ""


def _harvest(reader: Reader, definition: str) -> None:
    """Take every word of a body for all that it could mean.

    libpg_query leaves out the default of a variable of type record, or of a type that it does not know, so that
    `r record := wipe()` shows nothing: the text itself has to be looked through.
    """
    for text in _texts(definition):
        words = [token for token in tokens(text) if token.kind not in (Kind.SPACE, Kind.COMMENT)]
        for place, token in enumerate(words):
            if token.kind is Kind.OPERATOR:
                reader.refs |= reader.names.operator("", token.text) or frozenset()
            elif token.kind is Kind.UNFINISHED or token.text.upper().startswith('U&"'):
                reader.fact(unknown("runs a body with names that are spelled out of sight"))
            elif token.kind in (Kind.WORD, Kind.QUOTED):
                _harvest_word(reader, _folded(token), words, place)


def _harvest_word(reader: Reader, word: str, words: list[Token], place: int) -> None:
    schema = _folded(words[place - 2]) if place > 1 and words[place - 1].text == "." else ""
    follows = words[place + 1].text if place + 1 < len(words) else ""
    if follows == "(":
        reader.refs |= reader.names.call(schema, word, -1) or frozenset()
        reader.refs |= reader.names.call("", word, -1) or frozenset()
    if schema:
        reader.refs |= reader.names.attribute(word)
    for relation in (*reader.names.relations(schema, word), *reader.names.relations("", word)):
        reader.refs.add(Ref(Verb.READ, relation.oid))
    reader.refs |= reader.names.type_(schema, word) or frozenset()


def _folded(token: Token) -> str:
    return unquoted(token.text) if token.kind is Kind.QUOTED else fold(token.text)


def _texts(definition: str) -> Iterator[str]:
    """The contents of the literals of a CREATE FUNCTION or DO: the body, and its string constants one level down."""
    for token in tokens(definition):
        if token.kind is Kind.LITERAL:
            text = token.text
            if text.startswith("$"):
                tag = text[: text.index("$", 1) + 1]
                yield text[len(tag) : -len(tag)]
            else:
                yield text[text.index("'") + 1 : -1].replace("''", "'").replace("\\'", "'")
