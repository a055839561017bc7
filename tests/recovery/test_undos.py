"""Undos as the store knows them: recorded, listed, read again, applied, let go when their time is over."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest
import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import insert, text, update
from typer.testing import CliRunner

from yett.broker.seal import Keys, new_master
from yett.cli import undo
from yett.daemon.verbs import undo as verbs
from yett.ledger.journal import Journal
from yett.ledger.notes import Signer
from yett.model.errors import LedgerUnavailable, YettError
from yett.model.resource import ResourceRef
from yett.model.undo import UndoRecord
from yett.recovery.keep import AwaitedOpened, Budget, Damaged, Keep, Limits, Made
from yett.recovery.keep.budget import DAY_NS
from yett.recovery.keep.folder import Folder, open_folder
from yett.recovery.kept import OPEN_HOLDS, stored_by_task
from yett.recovery.undos import Begun, Undos
from yett.store import Store, tables

T = TypeVar("T")
USERS = b"1\tAda\n2\tGrace\n" * 500


class World:
    """A store, a keep in a folder, and a clock for the keep."""

    def __init__(self, store: Store, journal: Journal, root: Path) -> None:
        self.store, self.journal = store, journal
        self.folder = open_folder(root / "keep", leave_free_bytes=0)
        self.keys = Keys(new_master())
        self.ago = 0
        self.restored: list[tuple[str, bytes]] = []
        self.dies_at_commit = False
        self.keep = self.new_keep()
        self.undos = Undos(store, journal, root / "undo", None, lambda _: None, lambda: self.keep, self.restore_of)

    def new_keep(self) -> Keep:
        budget = Budget(Limits(), self.store.read(stored_by_task))
        return Keep(self.folder, self.keys, budget, clock=self.clock)

    def clock(self) -> int:
        return time.time_ns() - self.ago

    def restore_of(self, provider: str) -> Any:
        return self.restore if provider == "postgres" else None

    async def restore(self, record: UndoRecord, opened: AwaitedOpened, begun: Begun) -> AsyncIterator[str]:
        yield "reading"
        for name in opened.names:
            self.restored.append((name, b"".join([piece async for piece in opened.read(name)])))
        await begun("postgres:1/2:3")
        if self.dies_at_commit:
            raise YettError("the connection was lost")
        yield f"{record.resource.id} is as it was"

    def make(self, hold: str = "", *, days_ago: int = 0, provider: str = "postgres") -> Made:
        self.ago = days_ago * DAY_NS
        try:
            return asyncio.run(self._make(hold, provider))
        finally:
            self.ago = 0

    async def _make(self, hold: str, provider: str) -> Made:
        async with await self.undos.begin("t-1") as making:
            async with making.file("public.users") as file:
                await file.write(USERS)
            made = await making.finish({"rows": 2})
        await self.undos.record_kept(record_of(made, provider), made, hold, "DELETE on public.users")
        return made

    def ids(self) -> list[str]:
        return [undo.record.id for undo in self.undos.all()]

    def states(self) -> list[tuple[str, str]]:
        self.journal.checkpoint()
        rows = self.store.read(lambda c: c.execute(tables.ledger_entry.select().order_by("idx")).all())
        said = [json.loads(bytes(row.data)) for row in rows]
        return [(entry["body"]["id"], entry["body"]["state"]) for entry in said if entry["kind"] == "undo"]


def record_of(made: Made, provider: str = "postgres") -> UndoRecord:
    resource = ResourceRef(provider, "table", "public.users")
    return UndoRecord(made.id, provider, resource, "pre-image", "", {"rows": 2}, ("triggers",))


def do(work: Any) -> Any:
    return asyncio.run(work)


async def lines(work: AsyncIterator[str]) -> list[str]:
    return [line async for line in work]


@pytest.fixture
def world(store: Store, tmp_path: Path) -> Iterator[World]:
    journal = Journal(store, Signer("yett/test", Ed25519PrivateKey.generate()))
    yield World(store, journal, tmp_path)
    journal.close()


def a_hold(world: World, name: str, state: str) -> str:
    texts = ("agent", "request_digest", "summary", "reason_by_agent", "checkpoint", "ended", "digest")
    numbers = ("created_at", "expires_at", "approve_after", "quorum")
    jsons = ("operation", "obligations", "decision", "impact", "undo")
    values = dict.fromkeys(texts, "") | dict.fromkeys(numbers, 0) | {key: {} for key in jsons}
    values |= {"id": name, "session": "s-1", "nonce": name, "state": state}
    world.journal.commit(lambda tx: tx.execute(insert(tables.holds).values(**values))).result()
    return name


def a_session(world: World) -> None:
    values = {
        "id": "s-1", "agent": "a", "owner": "ada", "client": "c", "teams": [], "workspace": "/w", "observe": False,
        "task": "t-1", "purpose": "tidy up users", "production": False, "started_at": 1, "expires_at": 2,
    }  # fmt: skip
    world.journal.commit(lambda tx: tx.execute(insert(tables.sessions).values(**values))).result()


def test_what_is_recorded_is_listed(world: World) -> None:
    a_session(world)
    made = world.make(a_hold(world, "h-1", "released"))
    (found,) = world.undos.all()
    assert found.record == record_of(made)
    assert (found.task, found.purpose, found.what) == ("t-1", "tidy up users", "DELETE on public.users")
    assert (found.hold, found.hold_state) == ("h-1", "released")
    assert (found.store, found.stored) == (f"folder:{world.folder.root}", made.stored)
    assert found.expires == made.made + 30 * DAY_NS
    assert found.verified is not None
    assert found.checked is None
    assert world.states() == [(made.id, "verified")]


def test_what_is_not_recorded_does_not_exist(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise LedgerUnavailable("the log is full", "")

    monkeypatch.setattr("yett.recovery.kept.write_kept", full)
    with pytest.raises(LedgerUnavailable):
        world.make()
    assert world.ids() == []
    assert list(world.folder.root.iterdir()) == []
    assert world.keep.budget.total == 0


def test_it_is_brought_back_from_what_was_checked(world: World) -> None:
    made = world.make()
    assert do(lines(world.undos.apply(made.id, "ada"))) == ["reading", "public.users is as it was"]
    assert world.restored == [("public.users", USERS)]
    states = ["verified", "applying", "committing", "applied"]
    assert world.states() == [(made.id, state) for state in states]
    assert world.undos.all()[0].applied is not None
    assert world.undos.all()[0].applying == ""


@pytest.mark.parametrize(
    ("became", "state"),
    [("committed", "applied"), ("aborted", "not applied"), ("unknown", "unknown whether applied")],
)
def test_what_was_lost_while_it_was_brought_back_is_known_later(world: World, became: str, state: str) -> None:
    made = world.make()
    do(world.undos.committed([made.id]))
    assert world.undos.unsettled("postgres") == []
    world.dies_at_commit = True
    with pytest.raises(YettError, match="the connection was lost"):
        do(lines(world.undos.apply(made.id, "ada")))
    (found,) = world.undos.unsettled("postgres")
    assert (found.applying, found.applied) == ("postgres:1/2:3", None)
    do(world.undos.settle_applying(made.id, became, "the server says so"))
    assert world.undos.unsettled("postgres") == []
    assert world.states()[-1] == (made.id, state)
    assert (world.undos.all()[0].applied is not None) is (became == "committed")


def test_an_undo_whose_act_nobody_knows_is_asked_about_until_it_is_known(world: World) -> None:
    made, other = world.make(), world.make()
    assert [undo.record.id for undo in world.undos.unsettled("postgres")] == [made.id, other.id]
    assert world.undos.unsettled("railway") == []
    do(world.undos.committed([made.id]))
    do(world.undos.unknown_for_ever(other.id))
    assert world.undos.unsettled("postgres") == []
    assert [undo.became for undo in world.undos.all()] == ["committed", "unknown"]


def test_what_is_damaged_is_never_given_to_the_restore(world: World) -> None:
    made = world.make()
    damage(world.folder, made)
    with pytest.raises(Damaged):
        do(lines(world.undos.apply(made.id, "ada")))
    assert world.restored == []
    assert (made.id, "applying") not in world.states()


def test_checking_reads_everything_and_says_so(world: World) -> None:
    made = world.make()
    assert do(world.undos.check(made.id)) == len(USERS)
    assert world.undos.all()[0].checked is not None
    damage(world.folder, made)
    with pytest.raises(Damaged):
        do(world.undos.check(made.id))
    assert world.states() == [(made.id, "verified"), (made.id, "checked"), (made.id, "damaged")]


def damage(folder: Folder, made: Made) -> None:
    path = folder.root / made.id / "00000"
    path.write_bytes(path.read_bytes()[:-1])


def test_an_undo_whose_act_was_rolled_back_is_forgotten(world: World) -> None:
    made = world.make()
    do(world.undos.discard(made.id, "rolled back"))
    assert world.ids() == []
    assert list(world.folder.root.iterdir()) == []
    assert world.keep.budget.total == 0
    with pytest.raises(YettError, match="there is no undo"):
        world.undos.record(made.id)


def test_only_what_is_over_its_time_is_let_go(world: World) -> None:
    over, young = world.make(days_ago=31), world.make(days_ago=29)
    pruned = do(world.undos.prune())
    assert (pruned.removed, pruned.needed, pruned.failed) == ((over.id,), (), ())
    assert world.ids() == [young.id]
    assert list(world.folder.undos()) == [young.id]
    assert world.keep.budget.total == young.stored
    assert world.states()[-1] == (over.id, "removed")
    assert do(world.undos.prune()).removed == ()


@pytest.mark.parametrize("state", tables.HOLD_STATES)
def test_an_open_hold_keeps_its_undo_beyond_its_time(world: World, state: str) -> None:
    made = world.make(a_hold(world, "h-1", state), days_ago=31)
    pruned = do(world.undos.prune())
    if state not in OPEN_HOLDS:
        assert pruned.removed == (made.id,)
        return
    assert (pruned.removed, pruned.needed) == ((), (made.id,))
    assert do(world.undos.check(made.id)) == len(USERS)
    closed = update(tables.holds).values(state="released")
    world.journal.commit(lambda tx: tx.execute(closed)).result()
    assert do(world.undos.prune()).removed == (made.id,)


def test_every_state_of_a_hold_is_open_or_over() -> None:
    assert set(OPEN_HOLDS) == set(tables.HOLD_STATES) - {"released", "denied", "expired", "cancelled"}


def test_what_cannot_be_removed_stays_listed_and_is_said(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = world.make(days_ago=31)

    def denied(self: Folder, undo: str) -> None:
        raise Damaged("AccessDenied", "")

    monkeypatch.setattr(Folder, "remove", denied)
    pruned = do(world.undos.prune())
    assert pruned.failed == ((made.id, "AccessDenied"),)
    assert world.ids() == [made.id]
    assert world.keep.budget.total == made.stored


def test_strays_go_when_their_time_is_over_and_others_stay(world: World) -> None:
    """A crash between the manifest and the record, or a store from before: what is young may be all there is left."""

    def stray(days_ago: int) -> str:
        world.ago = days_ago * DAY_NS
        with world.keep.begin("t-1") as making:
            made = making.finish({})
        world.ago = 0
        return made.id

    old, young = stray(31), stray(29)
    foreign = Keep(world.folder, Keys(new_master()), Budget(Limits(days=0)))
    with foreign.begin("t-1") as making:
        theirs = making.finish({}).id
    assert do(world.undos.prune()).swept == 1
    assert set(world.folder.undos()) == {young, theirs}
    assert old not in world.folder.undos()


def test_a_new_daemon_knows_what_is_stored(world: World) -> None:
    one, other = world.make(), world.make()
    do(world.undos.discard(one.id, "rolled back"))
    assert world.new_keep().budget.total == other.stored


def test_a_keep_that_moved_is_said_so(world: World, tmp_path: Path) -> None:
    made = world.make()
    world.keep = Keep(open_folder(tmp_path / "elsewhere"), world.keys, Budget(Limits()))
    with pytest.raises(YettError, match=f"lies in folder:{world.folder.root}, which is not set up"):
        do(world.undos.check(made.id))
    assert do(world.undos.prune()).removed == ()


def test_without_a_keep_nothing_is_kept(world: World, tmp_path: Path) -> None:
    undos = Undos(world.store, world.journal, tmp_path, None, lambda _: None)
    with pytest.raises(YettError, match="no place to keep undos"):
        do(undos.begin("t-1"))


def test_what_nobody_can_bring_back_is_not_begun(world: World) -> None:
    made = world.make(provider="redis")
    with pytest.raises(YettError, match="no way to bring back redis"):
        do(lines(world.undos.apply(made.id, "ada")))
    assert (made.id, "applying") not in world.states()


def test_an_undo_of_before_this_schema_is_listed_and_never_expires(world: World) -> None:
    """A plain folder, as a provider's code makes it: the new columns have what the migration gives them."""
    old = "INSERT INTO undos (id, hold, provider, resource_kind, resource_id, how, folder, facts, gaps, made_at)"
    values = "('u-old', 'h-9', 'railway', 'volume', 'v1', 'dump', '/home/ada/undo/u-old', '{}', '[]', 1)"
    world.journal.commit(lambda tx: tx.execute(text(f"{old} VALUES {values}"))).result()
    (found,) = world.undos.all()
    assert (found.store, found.task, found.what, found.stored, found.expires) == ("", "", "", 0, None)
    assert do(world.undos.prune()).removed == ()
    assert world.ids() == ["u-old"]
    with pytest.raises(YettError, match="plain dump"):
        do(world.undos.check("u-old"))


# ---- the verbs and the command


class Plane:
    """As much of the daemon's plane as these verbs use."""

    def __init__(self, undos: Undos) -> None:
        self.undos = undos
        self.databases = SimpleNamespace(all=())


@pytest.fixture
def command(world: World, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """`yett undo`, whose socket is the verbs themselves."""

    def call(verb: str, **words: object) -> dict[str, Any]:
        async def said() -> list[dict[str, Any]]:
            return [message async for message in verbs.PROGRESS[verb](Plane(world.undos), words)]

        return json.loads(json.dumps(asyncio.run(said())[-1]))

    monkeypatch.setattr("yett.cli.undo.call", call)
    return CliRunner()


def run(runner: CliRunner, *words: str, status: int = 0) -> str:
    app = typer.Typer()
    undo.register(app)
    done = runner.invoke(app, words)
    assert done.exit_code == status, done.output
    return done.output


def test_list_says_age_task_what_size_where_verified_and_expiry(world: World, command: CliRunner) -> None:
    a_session(world)
    made = world.make(days_ago=2)
    head, row = run(command, "list").splitlines()
    words = ["UNDO", "AGE", "TASK", "WHAT", "RESOURCE", "SIZE", "WHERE", "ACT", "VERIFIED", "EXPIRES"]
    assert head.split() == words
    for word in (
        made.id,
        "not known yet",
        " 2 d ",
        "tidy up users",
        "DELETE on public.users",
        f"{made.stored} B",
        " yes ",
        "in 27 d",
    ):
        assert word in row
    (as_json,) = json.loads(run(command, "list", "--json"))
    assert as_json["store"] == f"folder:{world.folder.root}"
    assert as_json["expires_at"] == made.expires
    assert as_json["size"] == made.stored


def test_list_says_what_is_known_of_the_act(world: World, command: CliRunner) -> None:
    made = world.make()
    do(world.undos.committed([made.id]))
    assert " done " in run(command, "list")
    do(world.undos.unknown_for_ever(made.id))
    assert " UNKNOWN: look in the database whether it took effect " in run(command, "list")
    do(world.undos.applying(made.id, "ada", "postgres:1/2:3"))
    assert " undone? the database is being asked " in run(command, "list")
    do(world.undos.settle_applying(made.id, "committed", "the server says so"))
    assert " undone " in run(command, "list")


def test_show_says_what_it_does_not_cover(world: World, command: CliRunner) -> None:
    made = world.make()
    said = run(command, "show", made.id)
    assert "does not cover  triggers" in said
    assert "checked" in said
    assert json.loads(run(command, "show", made.id, "--json"))["facts"] == {"rows": 2}


def test_verify_fails_where_one_is_damaged_and_says_which(world: World, command: CliRunner) -> None:
    good, bad = world.make(), world.make()
    assert "True" in run(command, "verify")
    damage(world.folder, bad)
    rows = {row["id"]: row["good"] for row in json.loads(run(command, "verify", "--json", status=1))}
    assert rows == {good.id: True, bad.id: False}
    assert run(command, "verify", good.id)
    run(command, "verify", bad.id, status=1)


def test_prune_says_what_went_and_what_stays(world: World, command: CliRunner) -> None:
    gone, needed = world.make(days_ago=31), world.make(a_hold(world, "h-1", "unknown"), days_ago=31)
    said = run(command, "prune")
    assert f"{gone.id} is gone" in said
    assert f"{needed.id} stays: its hold is still open" in said
    assert "1 removed, 0 leftovers swept." in said
    assert json.loads(run(command, "prune", "--json"))["needed"] == [needed.id]
