"""What has been found of one statement so far: facts, what its names lead to, and what only the whole tells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from yett.model.effects import Effect, Recovery
from yett.operations.sql import builtins
from yett.operations.sql.facts import Fact, Ref, ask, dump, refused, unknown
from yett.operations.sql.names import Names, Refs
from yett.operations.sql.reach import Reach
from yett.operations.sql.statement import Control, Statement, Touched, Verb, Way

Node = Mapping[str, Any]
"""A node's fields. Any: JSON."""


class Found:
    """Made for a statement, filled by its `Reader`, thrown away.

    `lenient`: nodes that are not known are gone through, not reported; for statements that a person is asked about
    whatever is in them.
    """

    def __init__(self, reach: Reach, names: Names, prepared: Mapping[str, Statement]) -> None:
        self.reach = reach
        self.names = names
        self.catalog = reach.catalog
        self.prepared = prepared
        self.tag = ""
        self.floor = Way.PASS
        self.facts: list[Fact] = []
        self.refs: set[Ref] = set()
        self.touched: list[Touched] = []
        self.control = Control.NONE
        self.chain = False
        self.savepoint = ""
        self.prepares = self.executes = self.deallocates = self.copies = ""
        self.unbounded = False
        self.schemas: list[str] = []
        self.planning = False
        """The statement is planned and not run (EXPLAIN)."""
        self.evaluated: set[Ref] = set()
        """What runs all the same: the parameters of an EXECUTE."""
        self.defers = False
        """What it reads runs later, at a FETCH that nobody decides on."""
        self.keeps = False
        """It makes a temporary table of what it reads."""
        self.plants = False
        """It stores expressions that others will run."""
        self.adds_to: frozenset[int] | None = None
        """As in `Statement`, whatever else it does."""
        self.lenient = False
        self.loops = False
        """It is a body with a loop."""
        self.made: set[str] = set()
        """Temporary tables that earlier statements of the same body make."""
        self._queries = 0
        self._sequences = False
        self._plain = True
        self._once = True
        self._rows = True
        self._reads = False
        self._chosen: dict[int, str] = {}

    def fact(self, fact: Fact | None) -> None:
        if fact is not None:
            self.facts.append(fact)

    def reached(self, refs: Refs | None, otherwise: str) -> None:
        """Take in what a name leads to; None: the catalog does not know it."""
        if refs is None:
            self.fact(unknown(otherwise))
        elif refs:
            self.refs |= refs

    def target(self, range_var: Node, verb: Verb) -> None:
        """A relation that is written, locked or defined: never a CTE."""
        schema, name = range_var.get("schemaname", ""), range_var["relname"]
        if self.names.is_own_temporary(schema, name):
            self.refs.update(Ref("own", relation.oid) for relation in self.catalog.temporaries(name))
            return
        found = self.names.relations(schema, name)
        if not found and (schema or name not in self.made):
            self.touched.append(Touched(0, schema, name, verb))
            self.fact(unknown(f"names {dotted(schema, name)}, which the catalog does not know"))
        self.refs.update(Ref(verb, relation.oid) for relation in found)

    def mentioned(self, range_var: Node) -> None:
        """A relation that is looked up and not opened: no row of it, or of what stands behind it, is read."""
        schema, name = range_var.get("schemaname", ""), range_var["relname"]
        found = self.names.relations(schema, name)
        if not found:
            self.fact(unknown(f"names {dotted(schema, name)}, which the catalog does not know"))
        self.touched += [Touched(one.oid, one.schema, one.name, Verb.READ) for one in found]

    def done(self) -> None:
        """Judge what only the whole tells: sequences, casts, and what a definition plants."""
        if self.keeps:
            self._keep_types()
        if self.plants:
            self.fact(self._planted())
        if self._sequences and not self.planning and not (self._plain and self._queries <= 1):
            reason = "may take any number of numbers of a sequence, which nothing gives back"
            self.fact(ask(Effect.WRITE, Recovery.AUTOMATIC, reason))
        if self._reads and self.catalog.implicit_casts:
            self.refs.add(Ref("casts", 0))
        if any(fact.way is Way.ALONE for fact in self.facts):
            self.fact(self._unguarded())

    def _unguarded(self) -> Fact | None:
        """Outside of a transaction nothing is measured and nothing taken back, so nobody is asked whether it may run
        what is not known to change nothing."""
        known = self.reach.close(frozenset(self.refs))
        for fact in (*self.facts, *known.facts):
            if fact.way in (Way.GUARD, Way.ASK):
                return refused(f"{fact.reason}; outside of a transaction nothing could take that back", Effect.UNKNOWN)
        return None

    def _keep_types(self) -> None:
        """A table made of what is read has its types, and a domain's check will run at each row put in later."""
        read = self.reach.close(frozenset(self.refs)).touched
        relations = (self.catalog.relation(touched.oid) for touched in read)
        self.refs.update(Ref("type", type_) for relation in relations if relation for type_ in relation.types)

    def _planted(self) -> Fact | None:
        """What would run on use, beyond reading and numbering, makes a definition a matter of authority."""
        known = self.reach.close(frozenset(self.refs))
        facts = (fact for fact in (*known.facts, *self.facts) if fact.way in (Way.GUARD, Way.ASK))
        if all(fact == builtins.NUMBERS for fact in facts):
            return None
        return dump(Effect.ADMIN, Recovery.AUTOMATIC, "plants what will later run when others use it")


def dotted(schema: str, name: str) -> str:
    return f"{schema}.{name}" if schema else name
