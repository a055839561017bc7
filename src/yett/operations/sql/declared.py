"""PL/pgSQL whose declarations libpg_query cannot take: the same block, with types in their place that it knows.

It knows no types but the built-in ones. Any other is a record to it, which cannot be one of several INTO's; an array of
them, or one of a schema that is not public, ends its parse. What the block does is in its statements, which stay as
they are, to the letter; what making values of the left out types runs is for the caller to find out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from yett.operations.sql.lexer import Kind, Token, tokens
from yett.providers.postgres.identifiers import fold, unquoted

IsRow = Callable[[str, str], bool | None]
"""(schema, name) -> True: rows of a table or a composite type; False: some other type that is not built in; None: a
built-in one, or none at all."""

_IGNORED = frozenset({Kind.SPACE, Kind.COMMENT})
_MODES = frozenset({"in", "out", "inout", "variadic"})
_ENDS_A_TYPE = frozenset({"default", "not", "collate"})
_NO_TYPE = frozenset({"alias", "cursor", "scroll", "no"})


def simplified(definition: str, is_row: IsRow) -> str:
    """Of a CREATE FUNCTION as the server gives it, or of a DO: what libpg_query may be able to parse."""
    found = list(tokens(definition))
    at = next((n for n, one in enumerate(found) if one.kind is Kind.LITERAL and one.text.startswith("$")), len(found))
    if at == len(found):
        return definition
    tag = found[at].text[: found[at].text.index("$", 1) + 1]
    body = found[at].text[len(tag) : -len(tag)]
    head = "".join(_head(found[:at], is_row))
    return f"{head}{tag}{''.join(_body(list(tokens(body)), is_row))}{tag}" + "".join(
        one.text for one in found[at + 1 :]
    )


# ---- the head


def _head(head: Sequence[Token], is_row: IsRow) -> Iterator[str]:
    """Arguments and the result; what stands between is kept. A DO has neither."""
    at = _find(head, "(")
    if at is None:
        yield from (one.text for one in head)
        return
    end = _closing(head, at)
    yield from (one.text for one in head[: at + 1])
    yield _arguments(head[at + 1 : end], is_row)
    rest = head[end:]
    returns = _find(rest, "returns")
    if returns is None:
        yield from (one.text for one in rest)
        return
    yield from (one.text for one in rest[: returns + 1])
    result = rest[returns + 1 :]
    language = _find(result, "language")
    yield " " + _result(result[:language], is_row) + " "
    yield from (one.text for one in result[language:] if language is not None)


def _result(result: Sequence[Token], is_row: IsRow) -> str:
    table, at = _find(result, "table"), _find(result, "(")
    if table is not None and at is not None:
        return f"TABLE ({_arguments(result[at + 1 : _closing(result, at)], is_row)})"
    words = _words(result)
    if words and fold(words[0].text) == "setof":
        return "SETOF " + _type(words[1:], is_row)
    return _type(words, is_row)


def _arguments(arguments: Sequence[Token], is_row: IsRow) -> str:
    return ", ".join(_argument(_words(one), is_row) for one in _separated(arguments))


def _argument(words: Sequence[Token], is_row: IsRow) -> str:
    """Without its default, which is the caller's affair."""
    default = next((n for n, one in enumerate(words) if fold(one.text) in ("default", "=")), len(words))
    words, leading = words[:default], 0
    if words and fold(words[0].text) in _MODES:
        leading = 1
    if len(words) > leading + 1 and _is_name(words[leading]) and _is_name(words[leading + 1]):
        leading += 1
    mode = [one.text for one in words[:leading] if fold(one.text) != "variadic"]
    return " ".join((*mode, _type(words[leading:], is_row)))


# ---- the body


def _body(body: Sequence[Token], is_row: IsRow) -> Iterator[str]:
    """Declarations stand where a statement may begin: at the start, behind a semicolon or another block's BEGIN."""
    at, may_begin = 0, True
    while at < len(body):
        one = body[at]
        word = fold(one.text) if one.kind is Kind.WORD else ""
        if may_begin and word == "declare":
            yield one.text
            at, declared = _declarations(body, at + 1, is_row)
            yield declared
            continue
        yield one.text
        at += 1
        if one.kind not in _IGNORED:
            may_begin = one.text == ";" or (may_begin and word == "begin")


def _declarations(body: Sequence[Token], at: int, is_row: IsRow) -> tuple[int, str]:
    """Up to the block's BEGIN, or to what is no declaration."""
    said: list[str] = []
    while at < len(body):
        end = next((n for n in range(at, len(body)) if body[n].text == ";"), len(body))
        words = _words(body[at:end])
        if not words or fold(words[0].text) == "begin" or not _is_name(words[0]) or end == len(body):
            break
        said.append(_declaration(body[at:end], words, is_row) + ";")
        at = end + 1
    return at, " " + "".join(said)


def _declaration(whole: Sequence[Token], words: Sequence[Token], is_row: IsRow) -> str:
    kept = 2 if len(words) > 1 and fold(words[1].text) == "constant" else 1
    if len(words) <= kept or fold(words[kept].text) in _NO_TYPE:
        return "".join(one.text for one in whole)
    end = _end_of_type(words, kept)
    name, type_ = " ".join(one.text for one in words[:kept]), _type(words[kept:end], is_row)
    given = next((n for n, one in enumerate(whole) if end < len(words) and one is words[end]), len(whole))
    return f"{name} {type_} {''.join(one.text for one in whole[given:])}"


def _end_of_type(words: Sequence[Token], start: int) -> int:
    depth = 0
    for n in range(start, len(words)):
        text = fold(words[n].text)
        if depth == 0 and (text in _ENDS_A_TYPE or text in (":", "=")):
            return n
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(text, 0)
    return len(words)


# ---- a type


def _type(words: Sequence[Token], is_row: IsRow) -> str:
    """The same type if it is built in, one that stands for it if not."""
    texts = [fold(one.text) for one in words]
    is_array = any(text in ("[", "array") for text in texts)
    if "%" in texts:
        return "record" if "rowtype" in texts else _some(is_array)
    if is_array:
        return _some(is_array)
    names = [_name(one) for one in words if _is_name(one)]
    dots = texts.count(".")
    if not names or dots > 1 or len(names) != dots + 1:
        return " ".join(one.text for one in words)
    schema = names[0] if dots else ""
    kind = is_row(schema, names[-1])
    if kind is None:
        return " ".join(one.text for one in words)
    return "record" if kind else _some(is_array)


def _some(is_array: bool) -> str:
    return "text[]" if is_array else "text"


# ---- tokens


def _words(found: Sequence[Token]) -> list[Token]:
    return [one for one in found if one.kind not in _IGNORED]


def _is_name(one: Token) -> bool:
    return one.kind in (Kind.WORD, Kind.QUOTED)


def _name(one: Token) -> str:
    return unquoted(one.text) if one.kind is Kind.QUOTED else fold(one.text)


def _find(found: Sequence[Token], text: str) -> int | None:
    return next((n for n, one in enumerate(found) if fold(one.text) == text), None)


def _closing(found: Sequence[Token], at: int) -> int:
    depth = 0
    for n in range(at, len(found)):
        depth += {"(": 1, ")": -1}.get(found[n].text, 0)
        if depth == 0:
            return n
    return len(found)


def _separated(found: Sequence[Token]) -> Iterator[Sequence[Token]]:
    depth, start = 0, 0
    for n, one in enumerate(found):
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(one.text, 0)
        if depth == 0 and one.text == ",":
            yield found[start:n]
            start = n + 1
    if _words(found[start:]):
        yield found[start:]
