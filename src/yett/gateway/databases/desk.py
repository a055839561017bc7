"""The statements of one agent connection, decided: what each would do, whether it may, and what it did."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from functools import partial

from yett.gateway.databases.allowed.masks import Veil, judge, refusal
from yett.gateway.databases.allowed.scopes import scope_from
from yett.gateway.databases.guarded.transaction import GuardedTransaction
from yett.gateway.databases.guarded.uncommitted import Uncommitted
from yett.gateway.databases.outside.alone import LentOnce, relations
from yett.gateway.databases.place import Known, Place
from yett.gateway.databases.shown.showing import shown
from yett.gateway.databases.statements.attempts import Ran, planned, reading
from yett.gateway.databases.statements.seen import Seen, behind
from yett.gateway.databases.telling import told
from yett.gateway.databases.undos.definitions import undo_of
from yett.gateway.postgres.catalog_inside import Batching
from yett.gateway.postgres.desk import Alone, Look, Masking, Metered, Stopped, Told, Transaction
from yett.model.decision import Refused
from yett.model.effects import Verdict
from yett.model.errors import CredentialRefused, Unreadable, YettError
from yett.model.operation import Attempt
from yett.operations.sql.cache import without_numbers
from yett.operations.sql.catalog import Catalog
from yett.operations.sql.statement import Control, Statement, Way
from yett.operations.sql.worker import WouldWait, not_waiting
from yett.providers.postgres.guard.guard import Guard

_log = logging.getLogger("yett.gateway")

_NO_SECRETS = "Real secrets never pass the gate: bind the placeholder that this session was given, or nothing."
MOST_LOOKS = 5
MOST_REMEMBERED, LONGEST_REMEMBERED = 4096, 16_384
"""Texts of proven reads that one connection may repeat without a look, and bytes of one: a longer one is decided each
time."""


class StatementDesk:
    """Implements `gateway.postgres.desk.Desk` over the checkpoint."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._veil: Veil | None = None
        self._uncommitted = Uncommitted(place.catalogs)

    @property
    def uncommitted(self) -> bool:
        return self._uncommitted.some

    async def _catalog(self) -> Catalog:
        """The one that the next statement is read against. Raises YettError."""
        return await (self._uncommitted.now() if self._uncommitted.some else self._place.catalogs.now())

    def passes_now(self, sql: bytes) -> bool:
        place = self._place
        known = place.reads.get(sql)
        if known is None or self._uncommitted.some or not place.allowance.open or known.standing is None:
            return False
        standing = place.standing()
        if standing is None or standing[0] is not known.standing[0]:
            return False  # another catalog: what was a read may be none
        if self._veil is not None and (place.masks is None or place.masks.mark(standing[0]) is not self._veil.masks):
            return False  # another connection of the session has looked; this one's answers are not masked by it
        try:
            if standing == known.standing:
                place.checkpoint.again(place.session, known.attempt.request_digest)
                return True
            if place.checkpoint.pass_now(known.attempt) is None:
                return False
        except YettError:
            return False  # the slow way says why
        known.standing = standing
        return True

    def alike_now(self, sql: bytes) -> bool:
        place = self._place
        known = place.shapes.get(without_numbers(sql))
        if known is None or self._veil is not None or self._uncommitted.some or not place.allowance.open:
            return False
        standing = place.standing()
        if standing is None or known.standing is None or standing[0] is not known.standing[0]:
            return False
        try:
            if standing != known.standing:
                return False
            place.watch(sql)
            place.checkpoint.alike(place.session, known.attempt.request_digest, sql)
        except YettError:
            return False  # the slow way says why
        return True

    def read_now(self, sql: bytes) -> Look | None:
        place = self._place
        catalog, standing = place.catalogs.mark(), place.standing()
        if self._uncommitted.some:
            return None
        if catalog is None or standing is None or standing[0] is not catalog or not place.allowance.open:
            return None
        try:
            place.watch(sql)
            with not_waiting():
                view = place.cache.view(catalog)
                statements = view.classify(sql, {})
                look = Look(sql, statements, Way.PASS)
                if any(one.way is not Way.PASS for one in statements) or not _repeatable(look):
                    return None
                if self._veil is not None and not self._shows_nothing(self._veil, sql, catalog, statements):
                    return None
            attempt = reading(place.session, place.database, sql, statements, place.lease)
            if place.checkpoint.pass_now(attempt) is None:
                return None
        except (YettError, WouldWait):
            return None  # the slow way says why
        self._remember(sql, attempt, standing)
        if view.is_shape(shape := without_numbers(sql)):
            _put(place.shapes, shape, Known(attempt, standing))
        return look

    def _remember(self, sql: bytes, attempt: Attempt, standing: tuple[object, ...] | None) -> None:
        _put(self._place.reads, sql, Known(attempt, standing))

    def clean(self, message: bytes) -> bool:
        return not self._place.holds_secret(message)

    def watch(self, message: bytes) -> None:
        place = self._place
        try:
            place.watch(message)
            if place.holds_secret(message):
                raise CredentialRefused("A secret that Yett knows stands in what is bound.", _NO_SECRETS)
        except CredentialRefused as error:
            raise self._leaking(error, "a bound value") from None

    async def look(self, sql: bytes, prepared: Mapping[str, Statement]) -> Look:
        try:
            self._place.watch(sql)
            catalog, statements = await self._read_against(sql, prepared)
            refused = await self._noted(sql, catalog, statements, prepared)
        except Unreadable as error:
            raise self._stopped(Told(f"yett: {error}", "write it in a plainer form, or in pieces", "42601")) from None
        except CredentialRefused as error:
            raise self._leaking(error, "a statement") from None
        except YettError as error:
            raise self._stopped(told(error)) from None
        if refused is None and not self._place.allowance.open and any(map(_brings, statements)):
            refused = self._place.allowance.told()
        if refused is not None:
            raise self._stopped(refused)
        way = max((statement.way for statement in statements), key=_ORDER.index, default=Way.PASS)
        if way is Way.REFUSE:
            why = next((why for one in statements if one.way is Way.REFUSE for why in one.reasons), "it never passes")
            raise self._stopped(Told(f"yett: {why}", "this cannot be approved; do it in another way"))
        return Seen(sql, tuple(statements), way, catalog, behind(statements, prepared))

    async def _read_against(
        self, sql: bytes, prepared: Mapping[str, Statement]
    ) -> tuple[Catalog, tuple[Statement, ...]]:
        """Reading a long text takes its time, in which the catalog may have changed. Raises YettError."""
        cache = self._uncommitted.cache if self._uncommitted.some else self._place.cache
        catalog = await self._catalog()
        for _ in range(MOST_LOOKS):
            statements = await cache.classify(sql, catalog, prepared, self._place.turns.run)
            before, catalog = catalog, await self._catalog()
            if catalog is before:
                return catalog, statements
        raise YettError("the database's definitions change faster than this can be read", "send it again later")

    async def _still(self, look: Look) -> None:
        """A read may have waited for its turn since it was looked at. Raises Stopped: it is another statement now."""
        try:
            if isinstance(look, Seen) and await self._catalog() is look.catalog:
                return
        except YettError as error:
            raise Stopped(told(error)) from None
        if (await self.look(look.sql, {})).statements != look.statements:
            raise Stopped(Told("yett: the database's definitions have changed meanwhile", "send it again", "40001"))

    async def read(self, look: Look) -> None:
        attempt, standing = await self._passed(look)
        if _repeatable(look) and not self._uncommitted.some:
            self._remember(look.sql, attempt, standing)

    async def skip(self, look: Look) -> None:
        self._place.catalogs.defined()  # a client is told what is there now, not a second ago
        await self._passed(look)

    async def _passed(self, look: Look) -> tuple[Attempt, tuple[object, ...] | None]:
        """As a read, noted. Raises Stopped."""
        place = self._place
        await self._still(look)
        attempt = reading(place.session, place.database, look.sql, look.statements, place.lease)
        try:
            standing = place.standing()
            if place.checkpoint.pass_now(attempt) is None:
                await place.checkpoint.pass_(attempt)
        except YettError as error:
            raise Stopped(told(error)) from None
        return attempt, standing

    def transaction(self, agent: Batching) -> Transaction:
        return GuardedTransaction(self._place, agent, Guard(agent, self._place.own), self._uncommitted)

    async def alone(self, look: Look) -> Alone:
        place, (statement,) = self._place, look.statements
        if not scope_from(place.database.scope).writes:
            raise self._stopped(Told("yett: this task may only read this database", "", "25006"))
        undo = undo_of(place, statement)
        known = await shown(place, relations(statement), count=False)
        attempt = planned(place.session, place.database, [Ran(statement)], place.lease, undo, known)
        try:
            granted = await place.checkpoint.pass_(attempt)
        except YettError as error:
            raise Stopped(told(error)) from None
        return LentOnce(place, granted, statement, undo)

    def masking(self) -> Masking | None:
        """Made once, when the masks have been read (`Seat.open`)."""
        place = self._place
        if place.masks is not None:
            self._veil = Veil(place.masks.last, self._classified, self._withheld)
        return self._veil

    def _shows_nothing(self, veil: Veil, sql: bytes, catalog: Catalog, statements: tuple[Statement, ...]) -> bool:
        """Whether it is not refused for what it would show. Raises WouldWait."""
        assert self._place.masks is not None
        masks = self._place.masks.mark(catalog)
        if masks is None:
            return False
        judged = judge(masks, sql, catalog, statements)
        if judged.carries is None and judged.copies is None:
            veil.note(sql, statements, masks, judged)
            return True
        return False

    async def _noted(
        self, sql: bytes, catalog: Catalog, statements: tuple[Statement, ...], prepared: Mapping[str, Statement]
    ) -> Told | None:
        """Why it is refused for what it would show or carry, whoever would sign it. Raises YettError."""
        live, veil = self._place.masks, self._veil
        if live is None or veil is None:
            return None
        masks = await live.now(catalog)
        judging = partial(judge, masks, sql, catalog, statements, prepared, inside=self._uncommitted.renames)
        try:
            with not_waiting():
                judged = judging()
        except WouldWait:
            judged = await self._place.turns.run(judging)
        veil.note(sql, statements, masks, judged)
        return refusal(live.name, judged)

    def _classified(self, sql: bytes) -> tuple[Catalog, tuple[Statement, ...]] | None:
        catalog = self._place.catalogs.mark()
        if catalog is None:
            return None
        try:
            with not_waiting():
                return catalog, self._place.cache.view(catalog).classify(sql, {})
        except (YettError, WouldWait):
            return None

    def _withheld(self, statements: Sequence[Statement]) -> str:
        masks = self._place.masks
        columns = masks.withheld(statements) if masks is not None else ()
        return self._place.may_show(columns) if columns else ""

    def allowance(self) -> Metered:
        return self._place.allowance

    def defined(self) -> None:
        self._place.reads.clear()
        self._place.shapes.clear()
        self._place.catalogs.defined()

    def refused(self, told: Told, what: str) -> None:
        place = self._place
        error = Refused(Verdict.DENY, told.message, told.hint, code="wire")
        summary = f"{place.database.name}: {what}"
        try:
            place.checkpoint.note_refusal(place.session, summary, error, alarm=False)
        except YettError as failure:
            _log.error("a refusal was not recorded: %s", failure.what)

    def _leaking(self, error: CredentialRefused, what: str) -> Stopped:
        """A real secret in what the agent sends: an alarm (law 3)."""
        place = self._place
        place.checkpoint.note_refusal(place.session, f"{place.database.name}: {what}", error, alarm=True)
        return Stopped(told(error))

    def _stopped(self, told: Told) -> Stopped:
        self.refused(told, "a statement")
        return Stopped(told)


_ORDER = (Way.PASS, Way.GUARD, Way.ASK, Way.DUMP, Way.ALONE, Way.REFUSE)


def _put(known: dict[bytes, Known], text: bytes, one: Known) -> None:
    if len(text) > LONGEST_REMEMBERED:
        return
    if len(known) >= MOST_REMEMBERED:
        known.clear()
    known[text] = one


def _brings(statement: Statement) -> bool:
    """Whether it may have an answer of any size."""
    return statement.control is Control.NONE and not statement.deallocates


def _repeatable(look: Look) -> bool:
    """Whether the same text is the same read next time: not where it runs what was prepared under a name."""
    return not any(one.executes or one.prepares or one.deallocates for one in look.statements)
