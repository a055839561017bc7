"""What is asked of a database's own catalog: who is behind a name, and what runs when it is used.

Everything that the server stores as an expression (view, rule, default, check, policy, index, BEGIN ATOMIC body) is
known by its `Uses`: the object ids in the server's own parsed tree (`pg_node_tree`). Nothing is parsed twice, and no
search_path, shadowing or pretty-printer stands between what the server will run and what is judged here.

Implementations answer from memory. `snapshot.py` is the plain one, `queries.py` the SQL that fills it.
"""

from __future__ import annotations

import weakref
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol

FIRST_NORMAL_OID = 16384
"""FirstNormalObjectId (access/transam.h): below it an object came with initdb."""


@dataclass(frozen=True, slots=True)
class Uses:
    """Object ids in stored expressions.

    `commands`: kinds of Query in them, of "select" "insert" "update" "delete" "other". `locks`: one of them locks rows.
    """

    functions: frozenset[int] = frozenset()
    operators: frozenset[int] = frozenset()
    relations: frozenset[int] = frozenset()
    types: frozenset[int] = frozenset()
    commands: frozenset[str] = frozenset()
    locks: bool = False

    def __or__(self, other: Uses) -> Uses:
        if other is NOTHING:
            return self
        if self is NOTHING:
            return other
        return Uses(
            self.functions | other.functions,
            self.operators | other.operators,
            self.relations | other.relations,
            self.types | other.types,
            self.commands | other.commands,
            self.locks or other.locks,
        )


NOTHING = Uses()


@dataclass(frozen=True, slots=True)
class Trigger:
    """A trigger that is not internal and not disabled. `events`: "insert", "update", "delete", "truncate"."""

    name: str
    function: int
    events: frozenset[str]
    when: Uses = NOTHING
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """A rewrite rule ON INSERT, UPDATE or DELETE."""

    name: str
    event: str
    does: Uses
    instead: bool = False


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key of `child` onto the relation that holds this. Actions as in pg_constraint: a, r, c, n, d."""

    child: int
    on_delete: str
    on_update: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A row of pg_class with all that runs when it is read or written.

    `kind` is relkind: r p v m f S t (i and I are left out). `view`: the tree of a view or materialised view.
    `on_read`: row security policies and virtual generated columns. `on_write`: defaults, checks, generated columns,
    index and partition expressions. `on_build`: of these what building its indexes and statistics anew runs.
    `indexes`: their names. `types`: types of columns that are not built in. `children`: partitions and heirs.
    """

    oid: int
    schema: str
    name: str
    kind: str
    owner: str = ""
    persistence: str = "p"
    row_security: bool = False
    view: Uses = NOTHING
    on_read: Uses = NOTHING
    on_write: Uses = NOTHING
    on_build: Uses = NOTHING
    indexes: frozenset[str] = frozenset()
    types: frozenset[int] = frozenset()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[Rule, ...] = ()
    references: tuple[Reference, ...] = ()
    children: tuple[int, ...] = ()

    @property
    def builtin(self) -> bool:
        return self.oid < FIRST_NORMAL_OID


@dataclass(frozen=True, slots=True)
class Function:
    """A row of pg_proc. `kind` is prokind (f p a w), `volatility` provolatile (i s v).

    `body` is prosrc, empty for C and built-in ones; `atomic` the tree of a BEGIN ATOMIC body; `definition` what
    pg_get_functiondef answers, for plpgsql. `defaults`: expressions of arguments that a call may leave out. `parts`:
    the functions of an aggregate. `types`: types of arguments and result that are not built in. `settings`: proconfig.
    `fewest` and `most` count arguments (`most` -1: variadic). `extension` it belongs to, or "".
    """

    oid: int
    schema: str
    name: str
    kind: str = "f"
    language: str = "internal"
    volatility: str = "v"
    secdef: bool = False
    owner: str = ""
    extension: str = ""
    fewest: int = 0
    most: int = 0
    returns_trigger: bool = False
    body: str = ""
    definition: str = ""
    atomic: Uses | None = None
    defaults: Uses = NOTHING
    parts: frozenset[int] = frozenset()
    types: frozenset[int] = frozenset()
    settings: tuple[str, ...] = ()

    @property
    def builtin(self) -> bool:
        return self.oid < FIRST_NORMAL_OID


@dataclass(frozen=True, slots=True)
class Type:
    """A row of pg_type. `kind` is typtype (b c d e p r m).

    `parts`: base, element, subtype or column types. `checks`: constraints and default of a domain.
    """

    oid: int
    schema: str
    name: str
    kind: str = "b"
    parts: frozenset[int] = frozenset()
    checks: Uses = NOTHING
    casts: frozenset[int] = frozenset()
    """Functions of casts onto this type."""
    compared: frozenset[int] = frozenset()
    """Functions of its operator classes: what runs unnamed where its values are sorted, grouped, joined."""

    @property
    def builtin(self) -> bool:
        return self.oid < FIRST_NORMAL_OID


class Catalog(Protocol):
    """One database as one role sees it, at one moment. Equal versions answer equally.

    Instances are hashable by identity and can be weakly referenced.
    """

    @property
    def version(self) -> Hashable: ...

    @property
    def search_path(self) -> tuple[str, ...]:
        """What the gateway pinned, "$user" resolved, pg_catalog and pg_temp left out."""
        ...

    @property
    def longest_ms(self) -> int:
        """The largest statement_timeout that a session may set; 0: any."""
        ...

    @property
    def is_utf8(self) -> bool:
        """Whether the server reads names in UTF-8, as Yett does: see `lexer.is_certain`."""
        ...

    @property
    def implicit_casts(self) -> frozenset[int]:
        """Functions that are not built in and run unnamed: of IMPLICIT and ASSIGNMENT casts, and of operator classes
        that compare built-in types."""
        ...

    @property
    def event_triggers(self) -> frozenset[int]:
        """Functions that run at every CREATE, a temporary table's too."""
        ...

    def relation(self, oid: int) -> Relation | None: ...

    def relation_named(self, schema: str, name: str) -> Relation | None: ...

    def relations_in(self, schema: str) -> tuple[Relation, ...]: ...

    def relations_with(self, type_: int) -> tuple[Relation, ...]:
        """Relations with a column of this type."""
        ...

    def temporaries(self, name: str) -> tuple[Relation, ...]:
        """Temporary relations of this name in any session: who reads here need not know whose they are."""
        ...

    def temporary(self, name: str) -> bool:
        """Whether this session made a temporary table of this name by a statement that was PASS, and nothing more."""
        ...

    def hides(self, name: str) -> bool:
        """Whether a temporary object of this name would hide a relation or type of any schema from this session."""
        ...

    def function(self, oid: int) -> Function | None: ...

    def has_extension(self, name: str) -> bool:
        """Whether some function belongs to it: one without functions is not known."""
        ...

    def functions_named(self, schema: str, name: str) -> tuple[Function, ...]: ...

    def operator(self, oid: int) -> frozenset[int]:
        """The functions behind an operator, its commutator and its negator, by which the planner may replace it; none:
        no such operator, or a shell."""
        ...

    def operators_named(self, schema: str, name: str) -> tuple[int, ...]:
        """The operators, by id, of any argument types."""
        ...

    def type_(self, oid: int) -> Type | None: ...

    def types_named(self, schema: str, name: str) -> tuple[Type, ...]:
        """One, or in "pg_temp" those of all sessions."""
        ...

    def domains(self) -> tuple[Type, ...]:
        """Domains that are not built in."""
        ...


class OfCatalog:
    """What is remembered of a catalog, and goes when it goes: whoever reads a text holds it meanwhile."""

    def __init__(self, catalog: Catalog) -> None:
        self._held = weakref.ref(catalog)

    @property
    def catalog(self) -> Catalog:
        found = self._held()
        assert found is not None, "a catalog that nobody holds any more"
        return found
