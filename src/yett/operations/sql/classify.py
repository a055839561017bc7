"""The one way from a SQL text to its Statements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from weakref import WeakKeyDictionary

from yett.model.effects import Effect, Recovery
from yett.model.errors import Unreadable
from yett.operations.sql import additions, bodies, builtins, set_config
from yett.operations.sql.authority import AUTHORITY
from yett.operations.sql.catalog import Catalog, Function
from yett.operations.sql.definitions import DEFINITIONS, ROWS
from yett.operations.sql.facts import (
    ABSENT,
    Fact,
    Known,
    Ref,
    ask,
    effect_of,
    reasons_of,
    recovery_of,
    refused,
    unknown,
    way_of,
)
from yett.operations.sql.found import Node
from yett.operations.sql.grammar import LARGEST, GrammarError
from yett.operations.sql.lexer import ODD_NAME, is_certain
from yett.operations.sql.names import Names
from yett.operations.sql.parameters import declared, with_declared
from yett.operations.sql.reach import Reach
from yett.operations.sql.reader import Reader
from yett.operations.sql.redact import redact
from yett.operations.sql.session import SESSION, limited
from yett.operations.sql.skipping import skipped
from yett.operations.sql.statement import Control, Statement, Verb, Way
from yett.operations.sql.trees import Tree, trees

HANDLERS: Mapping[str, Callable[[Reader, Node], None]] = {**ROWS, **SESSION, **DEFINITIONS, **AUTHORITY}
MOST_STATEMENTS = 2000
"""In one text: each costs a tenth of a millisecond, and someone may have to read them."""

_MANY_LOCKS = "may take any number of advisory locks, and all sessions share the memory for them"
_ROWS_UNSEEN = "what a COPY sets off there is not known, and nobody could sign its rows before: send them as INSERT"
_WALKABLE = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt"})
_ANALYSED = _WALKABLE | {"CallStmt", "CreateTableAsStmt", "DeclareCursorStmt", "ExplainStmt"}
"""What is more than a name to the server before it runs."""
_WRITING = frozenset({Verb.INSERT, Verb.UPDATE, Verb.DELETE})
_VERBS = frozenset(verb.value for verb in Verb)
_reaches: WeakKeyDictionary[Catalog, tuple[object, Reach]] = WeakKeyDictionary()


def classify(sql: bytes, catalog: Catalog, prepared: Mapping[str, Statement]) -> tuple[Statement, ...]:
    """Every statement of `sql`, in order, and the most that each can do; () for text without one.

    `prepared`: what the session prepared and did not deallocate, by name, whether by PREPARE or by the protocol. May
    block for seconds on text over 16 KB and on PL/pgSQL: call it from a thread if that matters.

    Raises:
        Unreadable: what PostgreSQL's grammar does not accept, or nothing can read safely; on a wire that is a refusal.
    """
    if len(sql) > LARGEST:
        raise Unreadable(f"The SQL text is longer than {LARGEST} bytes", "Send less at once.")
    if b"\0" in sql:
        raise Unreadable("The SQL text holds a NUL byte", "Send text.")
    try:
        sql.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The SQL text is not UTF-8", "Send SQL in UTF-8.") from None
    try:
        parsed = trees(sql)
    except GrammarError as error:
        raise Unreadable(
            f"The SQL text cannot be read: {error}", "Send SQL that PostgreSQL's grammar accepts."
        ) from None
    if len(parsed) > MOST_STATEMENTS:
        raise Unreadable(f"The SQL text holds more than {MOST_STATEMENTS} statements", "Send fewer at once.")
    reach, types = _reach(catalog), declared(sql)
    if types and not parsed:
        raise Unreadable("An empty text has parameters", "Send a statement.")
    return tuple(_statement(tree, reach, prepared, types) for tree in parsed)


def behind_calls(sql: bytes, catalog: Catalog) -> frozenset[int]:
    """Relations that functions, operators, casts and types of a text lead to, whatever the text names itself.

    0 among them: one that is not known. Raises Unreadable, GrammarError: as `classify` does, which comes first.
    """
    reach, found = _reach(catalog), set[int]()
    for tree in trees(sql):
        if tree.node is None:
            return frozenset((0,))
        reader = Reader(reach, reach.names, {}, read)
        try:
            read(reader, tree.node)
            reader.done()
        except (RecursionError, LookupError, TypeError, ValueError, AttributeError):
            return frozenset((0,))
        calls = frozenset(ref for ref in reader.refs if ref.kind not in _VERBS)
        calls |= {Ref("type", oid) for oid in declared(sql)}
        found.update(touched.oid for touched in reach.close(calls).touched)
    return frozenset(found)


def read(reader: Reader, node: Node) -> None:
    """Read one wrapped statement node into `reader`."""
    ((kind, fields),) = node.items()
    handler = HANDLERS.get(kind)
    if handler is None:
        reader.tag = kind.removesuffix("Stmt").upper()
        reader.fact(unknown(f"is a statement that Yett does not know ({reader.tag.lower()})"))
        return
    handler(reader, fields)


def _reach(catalog: Catalog) -> Reach:
    known = _reaches.get(catalog)
    if known is None or known[0] != catalog.version:
        known = _reaches[catalog] = (catalog.version, Reach(catalog, _read_body))
    return known[1]


def _read_body(reach: Reach, function: Function, names: Names, trigger: bool) -> Known:
    return bodies.read_body(reach, function, names, trigger, read)


def _statement(tree: Tree, reach: Reach, prepared: Mapping[str, Statement], types: frozenset[int]) -> Statement:
    reader = Reader(reach, reach.names, prepared, read)
    if tree.node is None:
        _unread(reader, tree.kind, "nests too deep")
    else:
        try:
            read(reader, tree.node)
            reader.done()
        except (RecursionError, LookupError, TypeError, ValueError, AttributeError) as error:
            reader = Reader(reach, reach.names, prepared, read)
            _unread(reader, tree.kind, "nests too deep" if isinstance(error, RecursionError) else "has a shape too odd")
    catalog = reader.catalog
    if not catalog.is_utf8 and not is_certain(tree.text.decode("utf-8")):
        reader.fact(unknown(ODD_NAME) if reader.control is Control.NONE else refused(ODD_NAME, Effect.UNKNOWN))
    reader.refs.update(Ref("type", oid) for oid in types)
    found = _composed(with_declared(tree.text, types - declared(tree.text)).decode("utf-8"), tree, reader)
    if tree.node is None:
        return found
    if found.way is Way.REFUSE and (instead := limited(tree.node, catalog)):
        return _instead(found, instead)
    if found.way is not Way.DUMP:
        return found
    return replace(found, skipped=skipped(tree.node, catalog, reach.names))


def _instead(found: Statement, sent: str) -> Statement:
    why = f"no statement of this session runs longer: {sent}"
    harmless = replace(found, way=Way.DUMP, effect=Effect.READ, recovery=Recovery.AUTOMATIC, reasons=(why,))
    return replace(harmless, skipped=(("00000", f"yett: {why}"),), instead=sent)


def _unread(reader: Reader, kind: str, why: str) -> None:
    """Rows can be asked for; what else might hide in a tree that nobody walked must not run."""
    reader.tag = kind.removesuffix("Stmt").upper()
    if kind in _WALKABLE:
        reader.fact(unknown(f"{why} to be read"))
    else:
        reader.fact(refused(f"{why} to be read", Effect.UNKNOWN))


def _composed(text: str, tree: Tree, reader: Reader) -> Statement:
    known = reader.reach.close(frozenset(reader.refs), reader.planning)
    facts: list[Fact] = [*reader.facts, *known.facts]
    if reader.planning and reader.evaluated:
        facts += reader.reach.close(frozenset(reader.evaluated)).facts
    if reader.defers and _does_more_than_lock(reader):
        facts.append(refused("would run later, at a FETCH: send the query itself", Effect.UNKNOWN))
    if builtins.ADVISORY in facts and not (reader.once and builtins.REPEATS not in facts) and not reader.planning:
        facts.append(ask(Effect.WRITE, Recovery.AUTOMATIC, _MANY_LOCKS))
    effect = effect_of(facts)
    if reader.copies == "in" and effect.harm >= Effect.UNKNOWN.harm:  # the rows come after the person has signed
        facts.append(refused(_ROWS_UNSEEN, effect))
    way = way_of(facts, reader.floor)
    return Statement(
        text=text,
        tag=reader.tag,
        way=way,
        effect=effect,
        recovery=recovery_of(facts, effect),
        touched=tuple(dict.fromkeys((*reader.touched, *known.touched))),
        reasons=reasons_of(facts),
        redacted=redact(text),
        control=reader.control,
        chain=reader.chain,
        savepoint=reader.savepoint,
        prepares=reader.prepares,
        executes=reader.executes,
        deallocates=reader.deallocates,
        defines=any(fact.defines for fact in facts) and reader.control is Control.NONE,
        copies=reader.copies,
        unbounded=reader.unbounded,
        named=_named(reader),
        schemas=tuple(reader.schemas),
        misnamed=_is_misnamed(reader, facts),
        adds_to=additions.adds_to(reader) if (way, effect) == (Way.DUMP, Effect.WRITE) else None,
        acts_when_read=tree.kind in _ANALYSED and way is not Way.PASS and _acts_when_read(reader),
        lasts=way is Way.ASK and _only_sets(tree, facts, known.facts),
    )


def _only_sets(tree: Tree, facts: Sequence[Fact], reached: Sequence[Fact]) -> bool:
    """What is reached beside it, by a function of its name, may be another tomorrow."""
    if tree.node is None or reached:
        return False
    return set_config.only_sets(tree.node) and all(fact.lasts for fact in facts if fact.way is not Way.PASS)


def _is_misnamed(reader: Reader, facts: Sequence[Fact]) -> bool:
    """Only what the text itself names counts: what lies behind a name that is known must be known to its end."""
    absent = {fact for fact in reader.facts if fact.way is Way.ASK and fact.reason.endswith(ABSENT)}
    rest = (fact for fact in facts if fact not in absent)
    return bool(absent) and way_of(rest, reader.floor) in (Way.PASS, Way.GUARD)


def _acts_when_read(reader: Reader) -> bool:
    """A literal may become a value of any type that the text names, or that a column or parameter in it has."""
    found: set[int] = set()
    for ref in reader.refs:
        if ref.kind == "type":
            found.add(ref.oid)
        elif (named := reader.catalog.relation(ref.oid) or reader.catalog.function(ref.oid)) is not None:
            found.update(named.types)
    return way_of(reader.reach.close(frozenset(Ref("type", oid) for oid in found)).facts) is not Way.PASS


def _named(reader: Reader) -> frozenset[int]:
    """Relations that the text writes, with the partitions and heirs in which their rows lie."""
    found: set[int] = set()
    waiting = [ref.oid for ref in reader.refs if ref.kind in _WRITING]
    while waiting:
        oid = waiting.pop()
        relation = reader.catalog.relation(oid)
        if oid not in found and relation is not None:
            found.add(oid)
            waiting += relation.children
    return frozenset(found)


def _does_more_than_lock(reader: Reader) -> bool:
    refs = frozenset(ref for ref in reader.refs if ref.kind != Verb.LOCK)
    return any(fact.way is not Way.PASS for fact in (*reader.facts, *reader.reach.close(refs).facts))
