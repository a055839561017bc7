"""From what a statement names to all that it reaches: views, policies, rules, triggers, foreign keys, function bodies.

Each thing in the catalog says what it does by itself and what it leads to (`Known`); the reach of a statement is the
closure over that, so that functions may call each other in circles, and nothing is judged by half.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import chain
from typing import NamedTuple

from yett.model.effects import Effect, Recovery
from yett.operations.sql import builtins, settings
from yett.operations.sql.catalog import NOTHING, Catalog, Function, OfCatalog, Relation, Uses
from yett.operations.sql.facts import HARMLESS, Fact, Known, Ref, ask, dump, guard, refused, unknown
from yett.operations.sql.names import Names, Refs, function_refs
from yett.operations.sql.statement import Touched, Verb
from yett.providers.postgres.identifiers import fold

ReadBody = Callable[["Reach", Function, Names, bool], Known]
"""Reads a body in SQL or PL/pgSQL; the last argument: as a trigger."""

WRITES = frozenset({Verb.INSERT, Verb.UPDATE, Verb.DELETE})
_SECRETS = frozenset({"pg_authid", "pg_shadow", "pg_user_mapping", "pg_user_mappings"})
_FILES = frozenset({"pg_hba_file_rules", "pg_ident_file_mappings", "pg_file_settings"})
_FACTS = {
    Verb.LOCK: (Effect.WRITE, Recovery.AUTOMATIC, "locks rows of"),
    Verb.INSERT: (Effect.WRITE, Recovery.AUTOMATIC, "adds rows to"),
    Verb.UPDATE: (Effect.WRITE, Recovery.FROM_BACKUP, "changes rows of"),
    Verb.DELETE: (Effect.DELETE, Recovery.FROM_BACKUP, "deletes rows of"),
}


Path = tuple[str, ...]
_PLANNED = frozenset({"planned", "planned write", "called"})
FUNCTIONS = frozenset({"function", "operator", "trigger"})
"""Kinds of Ref that run."""
_OWN_PATH = re.compile(r"\b(?:reset|search_path)\b", re.IGNORECASE)


class Step(NamedTuple):
    """Something that is reached: whether it is only planned, and under which search_path."""

    ref: Ref
    planning: bool
    path: Path


class Reach(OfCatalog):
    """One version of one catalog; remembers what it worked out."""

    def __init__(self, catalog: Catalog, read_body: ReadBody) -> None:
        super().__init__(catalog)
        self.names = Names(catalog, catalog.search_path)
        self._read_body = read_body
        self._names: dict[Path, Names] = {catalog.search_path: self.names}
        self._known: dict[tuple[Ref, Path], Known] = {}
        self._closed: dict[tuple[Refs, bool], Known] = {}

    def names_in(self, path: Path) -> Names:
        """Names as another search_path has them."""
        return self._names.setdefault(path, Names(self.catalog, path))

    def close(self, refs: Refs, planning: bool = False) -> Known:
        """All facts and relations that `refs` lead to. `planning`: what the planner alone may run (EXPLAIN)."""
        key = (refs, planning)
        if key not in self._closed:
            if len(self._closed) > 4096:
                self._closed.clear()
            self._closed[key] = self._close(refs, planning)
        return self._closed[key]

    def _close(self, refs: Refs, planning: bool) -> Known:
        facts: dict[Fact, None] = {}
        touched: dict[Touched, None] = {}
        seen: set[Step] = set()
        waiting = [Step(ref, planning, self.catalog.search_path) for ref in refs]
        while waiting:
            step = self._planned(waiting.pop())
            if step is None or step in seen:
                continue
            seen.add(step)
            path = self._path_in(step)
            known = self.known(step.ref, path)
            facts.update(dict.fromkeys(known.facts))
            touched.update(dict.fromkeys(known.touched))
            waiting.extend(Step(further, step.planning, path) for further in known.refs)
        return Known(tuple(facts), frozenset(), tuple(touched))

    def _planned(self, step: Step) -> Step | None:
        """The planner opens relations and writes nothing; to fold what is constant it runs what is not volatile, and
        operators to estimate with. It reads literals, fills in defaults and takes bodies in SQL apart."""
        ref, planning, path = step
        if ref.kind in _PLANNED:
            return Step(ref, True, path)
        if not planning:
            return step
        if ref.kind in _FACTS:
            return Step(Ref("planned write", ref.oid), True, path)
        if ref.kind in ("type", "compared", "casts"):
            return Step(ref, False, path)
        function = self.catalog.function(ref.oid) if ref.kind in FUNCTIONS else None
        if function is None or function.volatility != "v":
            return Step(ref, planning and ref.kind not in FUNCTIONS, path)
        if function.builtin:
            return None
        if ref.kind == "operator":
            return Step(ref, False, path)
        return step if function.language == "sql" else Step(Ref("called", ref.oid), True, path)

    def _path_in(self, step: Step) -> Path:
        """A function's own search_path holds for all that it calls, and that calls."""
        function = self.catalog.function(step.ref.oid) if step.ref.kind in FUNCTIONS else None
        for setting in () if function is None else function.settings:
            name, _, value = setting.partition("=")
            if fold(name) == "search_path":
                return settings.path_of(value, self.catalog.search_path)
        return step.path

    def known(self, ref: Ref, path: Path | None = None) -> Known:
        """What one thing does by itself, and leads to, in a search_path; None: the session's."""
        key = (ref, self.catalog.search_path if path is None else path)
        if key not in self._known:
            self._known[key] = self._look(*key)
        return self._known[key]

    def _look(self, ref: Ref, path: Path) -> Known:
        if ref.kind in FUNCTIONS:
            return self._function(ref.oid, ref.kind == "trigger", self.names_in(path))
        look = _LOOKS.get(ref.kind)
        return self._relation(ref.oid, Verb(ref.kind)) if look is None else look(self, ref.oid)

    # -- functions and types

    def _function(self, oid: int, trigger: bool, names: Names) -> Known:
        function = self.catalog.function(oid)
        if function is None:
            return Known((unknown("runs a function that the catalog does not know"),))
        own = self._own(function, trigger, names)
        return Known(own.facts, own.refs | self._called(oid).refs, own.touched)

    def _called(self, oid: int) -> Known:
        """What a call runs beside the function: its defaults, and what makes values of its types."""
        function = self.catalog.function(oid)
        if function is None:
            return HARMLESS
        return Known((), self.refs(function.defaults) | frozenset(Ref("type", type_) for type_ in function.types))

    def _own(self, function: Function, trigger: bool, names: Names) -> Known:
        name = f"{function.schema}.{function.name}"
        if not function.builtin and function.kind == "a":
            return Known((), frozenset(Ref("function", part) for part in function.parts))
        if function.builtin or function.language in ("c", "internal"):
            fact = builtins.judge(function, trigger)
            by_name = function.name in builtins.BY_TYPE_NAME
            domains = frozenset(Ref("type", t.oid) for t in self.catalog.domains()) if by_name else frozenset()
            return Known((fact,) if fact else (), domains)
        if any(settings.pinned(setting) for setting in function.settings):
            return Known((unknown(f"calls {name}, which changes a setting that Yett pins"),))
        if function.secdef and not trigger:
            return Known((unknown(f"calls {name}, which runs with the rights of {function.owner or 'its owner'}"),))
        if function.atomic is not None:
            return self.tree(function.atomic, f"calls {name}, whose body does more than queries")
        if function.language in ("sql", "plpgsql"):
            if _changes_its_path(function):
                return Known((unknown(f"calls {name}, which changes its own search_path"),))
            return self._read_body(self, function, names, trigger)
        return Known((unknown(f"calls {name}, whose language {function.language} Yett does not read"),))

    def _type(self, oid: int) -> Known:
        type_ = self.catalog.type_(oid)
        if type_ is None:
            return Known((unknown("makes a value of a type that the catalog does not know"),))
        casts = (self.catalog.function(cast) for cast in type_.casts)
        parts = frozenset(Ref("type", part) for part in type_.parts)
        unnamed = function_refs(f for f in casts if f is not None) | self._compared(oid).refs
        return Known((), self.refs(type_.checks) | parts | unnamed)

    def _compared(self, oid: int) -> Known:
        """What ORDER BY, DISTINCT, GROUP BY, UNION or a join run with values that are there already."""
        type_ = self.catalog.type_(oid)
        if type_ is None:
            return Known((unknown("compares values of a type that the catalog does not know"),))
        functions = (self.catalog.function(one) for one in type_.compared)
        parts = frozenset(Ref("compared", part) for part in type_.parts)
        return Known((), parts | function_refs(f for f in functions if f is not None))

    def _casts(self, _oid: int) -> Known:
        """What casts do that no text spells out: they hide wherever a column is read."""
        functions = (self.catalog.function(oid) for oid in self.catalog.implicit_casts)
        return Known((), function_refs(f for f in functions if f is not None))

    # -- stored trees

    def refs(self, uses: Uses) -> Refs:
        """What evaluating a stored expression runs and reads."""
        if uses == NOTHING:
            return frozenset()
        operators = [self.catalog.operator(oid) for oid in uses.operators]
        called = self._runs(uses.functions, "function")
        operated = self._runs(chain(*operators, () if all(operators) else (0,)), "operator")
        relations = (Ref(Verb.READ, oid) for oid in uses.relations)
        locked = (Ref(Verb.LOCK, oid) for oid in uses.relations if uses.locks)
        types = (Ref("type", oid) for oid in uses.types)
        return called | operated | frozenset(chain(relations, locked, types))

    def _runs(self, oids: Iterable[int], kind: str) -> Refs:
        functions = {oid: self.catalog.function(oid) for oid in oids}
        missing = frozenset(Ref(kind, oid) for oid, function in functions.items() if function is None)
        return missing | function_refs((one for one in functions.values() if one is not None), kind)

    def tree(self, uses: Uses, otherwise: str) -> Known:
        """What running stored queries does: every relation in them may be the one that is written."""
        facts = (unknown(otherwise),) if "other" in uses.commands else ()
        verbs = [verb for verb in WRITES if verb in uses.commands]
        written = frozenset(Ref(verb, oid) for verb in verbs for oid in uses.relations)
        return Known(facts, self.refs(uses) | written)

    # -- relations

    def _relation(self, oid: int, verb: Verb) -> Known:
        relation = self.catalog.relation(oid)
        if relation is None:
            return Known((unknown("reaches a relation that the catalog does not know"),))
        if relation.builtin:
            return self._builtin(relation, verb)
        name = f"{relation.schema}.{relation.name}"
        if relation.kind == "f":
            return Known((unknown(f"reaches {name}, which is on another server"),), frozenset(), _touch(relation, verb))
        facts: tuple[Fact, ...] = ()
        if verb in _FACTS:
            effect, recovery, does = _FACTS[verb]
            facts = (guard(effect, recovery, f"{does} {name}"),)
        if verb is Verb.TRUNCATE:
            facts = (dump(Effect.DELETE, Recovery.FROM_BACKUP, f"empties {name}"),)
        odd = (rule.name for rule in relation.rules if rule.event == verb and "other" in rule.does.commands)
        facts += tuple(unknown(f"fires rule {rule} of {name}, which does more than queries") for rule in odd)
        return Known(facts, self._behind(relation, verb), _touch(relation, verb))

    def _builtin(self, relation: Relation, verb: Verb) -> Known:
        touched = _touch(relation, verb)
        if verb is Verb.READ:
            facts: tuple[Fact, ...] = ()
            if relation.name in _SECRETS and relation.schema == "pg_catalog":
                facts = (ask(Effect.ADMIN, Recovery.NONE, f"reads {relation.name}, where the server keeps passwords"),)
            elif relation.name in _FILES and relation.schema == "pg_catalog":
                facts = (ask(Effect.ADMIN, Recovery.NONE, f"reads {relation.name}: the files of the server itself"),)
            return Known(facts, frozenset(), touched)
        if relation.name == "pg_settings":
            return Known((refused("changes settings through pg_settings"),), frozenset(), touched)
        if verb is Verb.LOCK:
            return Known(
                (ask(Effect.WRITE, Recovery.AUTOMATIC, f"locks rows of {relation.name}"),), frozenset(), touched
            )
        return Known((ask(Effect.ADMIN, Recovery.NONE, f"changes the catalog {relation.name}"),), frozenset(), touched)

    def _behind(self, relation: Relation, verb: Verb) -> Refs:
        refs = set(self.refs(relation.on_read))
        refs.update(Ref(verb, child) for child in relation.children)
        if relation.kind == "v":
            refs |= self.refs(relation.view) - {Ref(Verb.READ, relation.oid), Ref(Verb.LOCK, relation.oid)}
        if verb in (Verb.INSERT, Verb.UPDATE):
            refs |= self.refs(relation.on_write)
            refs.update(Ref("type", type_) for type_ in relation.types)
        if verb in (Verb.READ, Verb.DELETE):  # a constant beside a column becomes one of its type
            refs.update(Ref(kind, type_) for kind in ("type", "compared") for type_ in relation.types)
            if relation.on_write != NOTHING:
                refs.add(Ref("planned", relation.oid))
        if verb in WRITES or verb is Verb.TRUNCATE:
            refs |= self._fired(relation, verb)
            refs |= _cascades(relation, verb)
        if verb is Verb.LOCK and relation.kind == "v":
            refs.update(Ref(Verb.LOCK, oid) for oid in relation.view.relations if oid != relation.oid)
        return frozenset(refs)

    def _fired(self, relation: Relation, verb: Verb) -> Refs:
        refs: set[Ref] = set()
        instead = False
        for trigger in relation.triggers:
            if verb in trigger.events:
                refs.add(Ref("trigger", trigger.function))
                refs |= self.refs(trigger.when)
                instead = instead or trigger.instead
        for rule in relation.rules:
            if rule.event == verb:
                refs |= self.tree(rule.does, "").refs
        if relation.kind == "v" and not instead and verb in WRITES:
            refs.update(Ref(verb, oid) for oid in relation.view.relations if oid != relation.oid)
        return frozenset(refs)

    def _folded(self, oid: int) -> Known:
        """The planner folds what is constant in a relation's checks, index, statistics and partition expressions, which
        it reads for any query."""
        relation = self.catalog.relation(oid)
        return HARMLESS if relation is None else Known((), self.refs(relation.on_write))

    def _planned_write(self, oid: int) -> Known:
        """A write that is planned and not run: its defaults and rules are part of the plan, its triggers are not."""
        relation = self.catalog.relation(oid)
        if relation is None or relation.builtin:
            return self.known(Ref(Verb.READ, oid))
        ruled = (self.tree(rule.does, "").refs for rule in relation.rules)
        refs = self.refs(relation.on_write).union({Ref(Verb.READ, oid)}, *ruled)
        written = (Ref("planned write", one) for one in relation.view.relations if relation.kind == "v" and one != oid)
        return Known((), refs.union(written))

    def _copy(self, oid: int) -> Known:
        """LIKE .. INCLUDING: a new table runs this one's expressions."""
        relation = self.catalog.relation(oid)
        if relation is None:
            return Known((unknown("copies a relation that the catalog does not know"),))
        types = frozenset(Ref("type", type_) for type_ in relation.types)
        return Known((), self.refs(relation.on_write) | self.refs(relation.on_read) | types)

    def _built(self, oid: int) -> Known:
        """Indexes and statistics of a relation, and of its partitions, computed from its rows once more."""
        relation = self.catalog.relation(oid)
        if relation is None:
            return Known((unknown("builds what belongs to a relation that the catalog does not know"),))
        compared = frozenset(Ref("compared", type_) for type_ in relation.types)
        return Known((), self.refs(relation.on_build) | compared | {Ref("built", child) for child in relation.children})

    def _temporary(self, oid: int) -> Known:
        """A session's own temporary table: what is in it is nobody's loss, what runs beside it counts."""
        relation = self.catalog.relation(oid)
        if relation is None:
            return HARMLESS
        fired = frozenset(ref for verb in WRITES for ref in self._fired(relation, verb))
        return Known((), self._copy(oid).refs | fired)

    def _moved(self, oid: int) -> Known:
        """A partition that rows leave or enter: its triggers fire, for what is one UPDATE to the counters above."""
        relation = self.catalog.relation(oid)
        if relation is None:
            return HARMLESS
        fired = self._fired(relation, Verb.INSERT) | self._fired(relation, Verb.DELETE)
        return Known((), fired | frozenset(Ref("moved", child) for child in relation.children))


def _cascades(relation: Relation, verb: Verb) -> Refs:
    refs: set[Ref] = set()
    for reference in relation.references:
        action = {Verb.DELETE: reference.on_delete, Verb.UPDATE: reference.on_update}.get(verb, "")
        if action == "c":
            refs.add(Ref(verb, reference.child))
        elif action in ("n", "d"):
            refs.add(Ref(Verb.UPDATE, reference.child))
    if verb is Verb.UPDATE and relation.kind == "p":
        refs.update(Ref("moved", child) for child in relation.children)
    return frozenset(refs)


def _changes_its_path(function: Function) -> bool:
    """Whether a function that has a search_path of its own may have another before it is done."""
    has_own = any(fold(setting).startswith("search_path=") for setting in function.settings)
    return has_own and _OWN_PATH.search(function.body) is not None


def _touch(relation: Relation, verb: Verb) -> tuple[Touched, ...]:
    return (Touched(relation.oid, relation.schema, relation.name, verb),)


_LOOKS: dict[str, Callable[[Reach, int], Known]] = {
    "built": Reach._built,
    "called": Reach._called,
    "casts": Reach._casts,
    "compared": Reach._compared,
    "copy": Reach._copy,
    "moved": Reach._moved,
    "own": Reach._temporary,
    "planned": Reach._folded,
    "planned write": Reach._planned_write,
    "type": Reach._type,
}
"""What stands behind a Ref of each kind that is neither a verb nor a function."""
