"""kill -9 of the daemon, or of the database's server, at every step of a write, a definition and an undo.

What is true afterwards: the data is as before or as after, never between; the log says what the server says; an undo
counts if and only if its transaction does, and brings back what was; no role of Yett's is left on the server.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "providers" / "postgres" / "guard"))

from dying_home import ROLES, TABLES, Forks, Home, copied, made_home
from guarded import VERSIONS, Cluster, cluster


def on_servers(names: str, *cases: tuple[object, ...], both: tuple[object, ...] = ()) -> pytest.MarkDecorator:
    """The versions take turns; a case that begins with one of `both` is seen on each."""
    placed = [
        (version, *case)
        for number, case in enumerate(cases)
        for version in (VERSIONS if set(case) & set(both) else VERSIONS[number % 2 :][:1])
    ]
    return pytest.mark.parametrize(f"settled, {names}", placed, indirect=["settled"])


WRITE = "UPDATE orders SET v = 'changed' WHERE id < 20"
DEFINITION = "DROP TABLE old"
LOSSES = (psycopg.OperationalError, psycopg.InterfaceError)
BEFORE_INTENT = ("measured", "rows written", "kept, not recorded", "recorded, no intent", "rights lent", "dumped")
FINAL = ("committed", "outcome")


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.close()


@pytest.fixture(scope="module")
def made(forks: Forks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], tuple[Cluster, Home]]]:
    """A server of a version and a home that knows its database, made once each; tests work on copies of the home, and
    put the database back."""
    with contextlib.ExitStack() as stack:
        found: dict[int, tuple[Cluster, Home]] = {}

        def of(version: int) -> tuple[Cluster, Home]:
            if version not in found:
                server = stack.enter_context(cluster(version, "fsync=on", "wal_writer_delay=10s"))
                database = server.database()
                database.run(TABLES)
                home = stack.enter_context(made_home(tmp_path_factory.mktemp("dying"), forks, database))
                found[version] = server, home
            return found[version]

        yield of


@pytest.fixture
def settled(request: pytest.FixtureRequest, made: Callable[[int], tuple[Cluster, Home]]) -> tuple[Cluster, Home]:
    return made(request.param)


@pytest.fixture
def server(settled: tuple[Cluster, Home]) -> Cluster:
    return settled[0]


@pytest.fixture
def home(settled: tuple[Cluster, Home], tmp_path: Path) -> Iterator[Home]:
    with copied(settled[1], tmp_path) as made:
        yield made


def approved(home: Home, agent: psycopg.Connection[object], statement: str) -> str:
    """What needs a person, with the signature of one; the hold's id."""
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        agent.execute(statement)  # type: ignore[call-overload]
    (hold,) = home.person.holds()
    home.person.approve(str(hold["id"]))
    home.tell("test.minute")
    return str(hold["id"])


def check(home: Home, before: object, *, leases: int = 0) -> bool:
    """After a restart. Whether it was committed; then it is undone, and everything is as it was."""
    assert home.database.ask(ROLES) == [(leases,)], "a role is left on the server"
    took_effect = home.state() != before
    outcomes = set(home.outcomes())
    assert outcomes <= {"done"} if took_effect else outcomes <= {"refused"}, (took_effect, outcomes)
    assert not home.rows("SELECT intent FROM inflight WHERE state IN ('open', 'unknown')")
    consumed = [body["hold"] for body in home.entries("hold") if body["state"] == "consumed"]
    assert len(consumed) == len(set(consumed))
    undos = home.undos()
    assert all(undo["became"] == "committed" for undo in undos)
    assert bool(undos) is took_effect
    assert all(row["good"] for row in home.verified())
    for undo in reversed(undos):
        applied = home.tell("test.undo", undo=undo["id"])
        assert "said" in applied, applied
    assert home.state() == before
    return took_effect


WRITE_STEPS = (*BEFORE_INTENT[:4], "intent", "commit sent", *FINAL)


@on_servers("step", *[(step,) for step in WRITE_STEPS], both=("commit sent",))
def test_the_daemon_is_killed_in_a_write(home: Home, step: str) -> None:
    before = home.state()
    home.start(step)
    with home.agent() as agent, contextlib.suppress(*LOSSES):
        agent.execute(WRITE)
    assert home.ended() == -9
    home.start()
    took_effect = check(home, before)
    assert took_effect if step in FINAL else step == "commit sent" or not took_effect
    if step in BEFORE_INTENT:
        assert not home.entries("intent")


@on_servers("step", ("rows written",), ("recorded, no intent",), ("commit sent",), ("committed",), both=("committed",))
def test_the_daemon_is_killed_in_a_copy(home: Home, step: str) -> None:
    """Whose undo is whole before COMMIT: no key has to be read behind it."""
    before = home.state()
    home.start(step)
    with home.agent() as agent, contextlib.suppress(*LOSSES), agent.cursor().copy("COPY people FROM STDIN") as copy:
        for n in range(1000, 1300):
            copy.write_row((n, f"p{n}"))
    assert home.ended() == -9
    home.start()
    took_effect = check(home, before)
    assert took_effect if step in FINAL else step == "commit sent" or not took_effect


DEFINITION_STEPS = ("rights lent", "dumped", "intent", "defined", "commit sent", "committed")


@on_servers("step", *[(step,) for step in DEFINITION_STEPS], both=("committed",))
def test_the_daemon_is_killed_in_a_definition(home: Home, step: str) -> None:
    before = home.state()
    home.start(step)
    with home.agent() as agent:
        hold = approved(home, agent, DEFINITION)
        with contextlib.suppress(*LOSSES):
            agent.execute(DEFINITION)
    assert home.ended() == -9
    home.start()
    took_effect = check(home, before)
    assert took_effect if step in FINAL else step == "commit sent" or not took_effect
    ((state,),) = home.rows(f"SELECT state FROM holds WHERE id = '{hold}'")
    assert state == ("approved" if step in BEFORE_INTENT else "released"), "an approval is spent by an intent alone"


@on_servers("step", ("recorded, no intent/2",), ("intent/2",), ("commit sent",), ("committed",))
def test_the_daemon_is_killed_in_an_agents_own_transaction_of_two_acts(home: Home, step: str) -> None:
    """A definition that was dumped, with an intent of its own, and rows of another table: one transaction."""
    before = home.state()
    home.start(step)
    with home.agent() as agent:
        agent.execute("BEGIN")
        approved(home, agent, DEFINITION)
        agent.execute("ROLLBACK")
        with contextlib.suppress(*LOSSES):
            agent.execute("BEGIN")
            agent.execute(DEFINITION)
            agent.execute(WRITE)
            agent.execute("COMMIT")
    assert home.ended() == -9
    home.start()
    intents = len(home.entries("intent"))
    took_effect = check(home, before)
    assert took_effect if step in FINAL else step == "commit sent" or not took_effect
    assert intents == (1 if step == "recorded, no intent/2" else 2)


RESTORE_STEPS = {"rows taken back": False, "undo announced": False, "undo committed": True}


@on_servers("act, step", *[(act, step) for step in RESTORE_STEPS for act in (DEFINITION, WRITE)])
def test_the_daemon_is_killed_in_an_undo(home: Home, act: str, step: str) -> None:
    before = home.state()
    home.start(step)
    with home.agent() as agent:
        if act == DEFINITION:
            approved(home, agent, act)
        agent.execute(act)  # type: ignore[call-overload]
    after = home.state()
    (undo,) = home.undos()
    with contextlib.suppress(OSError):
        home.tell("test.undo", undo=undo["id"])
    assert home.ended() == -9
    home.start()
    (undo,) = home.undos()
    if RESTORE_STEPS[step]:
        assert home.state() == before
        assert undo["applied_at"]
        assert home.entries("undo")[-1]["state"] == "applied"
    else:
        assert home.state() == after
        assert not undo["applied_at"]
        assert "said" in home.tell("test.undo", undo=undo["id"])
        assert home.state() == before
    assert not undo["applying"]
    assert home.database.ask(ROLES) == [(0,)]


@on_servers("step", *[(step,) for step in RESTORE_STEPS], both=("undo announced",))
def test_the_daemon_is_killed_in_the_first_of_two_steps_back(home: Home, step: str) -> None:
    """Which transaction brought rows back is on disk before it can be: the older step goes back all the same."""
    before = home.state()
    home.start(step)
    with home.agent() as agent:
        agent.execute(WRITE)
        between = home.state()
        agent.execute("UPDATE orders SET v = 'again' WHERE id < 10")
    after = home.state()
    with contextlib.suppress(OSError):
        home.tell("test.undo", undo=home.undos()[-1]["id"])
    assert home.ended() == -9
    home.start()
    older, newer = home.undos()
    if not RESTORE_STEPS[step]:
        assert home.state() == after
        assert "said" not in home.tell("test.undo", undo=older["id"])
        assert "said" in home.tell("test.undo", undo=newer["id"])
    assert home.state() == between
    assert "said" in home.tell("test.undo", undo=older["id"])
    assert home.state() == before


def killed(server: Cluster, how: str) -> None:
    """As kill -9 of every process of it at once, or as `pg_ctl -m immediate`; and back again."""
    if how == "kill":
        server.crash()
    else:
        server.stop(signal.SIGQUIT)
    server.start()


def settles(home: Home) -> None:
    """By itself, within a moment."""
    end = time.monotonic() + 60
    while home.rows("SELECT intent FROM inflight WHERE state IN ('open', 'unknown')") or any(
        undo["applying"] or not undo["became"] for undo in home.undos()
    ):
        assert time.monotonic() < end, home.log()
        time.sleep(0.05)


def sent(agent: psycopg.Connection[object], statement: str) -> threading.Thread:
    """On its way, whatever becomes of it."""

    def send() -> None:
        with contextlib.suppress(psycopg.Error):
            agent.execute(statement)  # type: ignore[call-overload]

    thread = threading.Thread(target=send)
    thread.start()
    return thread


@on_servers(
    "act, step, how",
    (WRITE, "measured", "immediate"),
    (WRITE, "intent", "kill"),
    (WRITE, "commit sent", "immediate"),
    (WRITE, "committed", "kill"),
    (DEFINITION, "dumped", "kill"),
    (DEFINITION, "defined", "immediate"),
    (DEFINITION, "commit sent", "kill"),
)
def test_the_server_is_killed(server: Cluster, home: Home, act: str, step: str, how: str) -> None:
    before = home.state()
    home.start(step, "wait")
    with contextlib.suppress(*LOSSES), home.agent() as agent:
        if act == DEFINITION:
            approved(home, agent, act)
        sending = sent(agent, act)
        home.comes_to_its_step()
        killed(server, how)
        (home.path / "go").touch()
        sending.join(60)
        assert not sending.is_alive(), "the agent hangs"
    settles(home)
    took_effect = check(home, before, leases=1)
    assert took_effect if step in FINAL else step == "commit sent" or not took_effect


@on_servers("step, how", ("rows taken back", "kill"), ("undo announced", "immediate"), ("undo committed", "kill"))
def test_the_server_is_killed_in_an_undo(server: Cluster, home: Home, step: str, how: str) -> None:
    before = home.state()
    home.start(step, "wait")
    with contextlib.suppress(*LOSSES), home.agent() as agent:
        agent.execute(WRITE)
        after = home.state()
        (undo,) = home.undos()
        applying = threading.Thread(target=lambda: home.tell("test.undo", undo=undo["id"]))
        applying.start()
        home.comes_to_its_step()
        killed(server, how)
        (home.path / "go").touch()
        applying.join(60)
    settles(home)
    (undo,) = home.undos()
    assert bool(undo["applied_at"]) is RESTORE_STEPS[step]
    assert home.state() == (before if RESTORE_STEPS[step] else after)
    if not RESTORE_STEPS[step]:
        assert "said" in home.tell("test.undo", undo=undo["id"])
        assert home.state() == before


@on_servers("how", ("immediate",))
def test_a_database_that_is_away_is_asked_and_swept_when_it_is_back(server: Cluster, home: Home, how: str) -> None:
    before = home.state()
    home.start("committed")
    with home.agent() as agent, contextlib.suppress(*LOSSES):
        agent.execute(WRITE)
    assert home.ended() == -9
    assert home.database.ask(ROLES) == [(1,)]
    server.stop(signal.SIGQUIT)
    home.start()
    assert home.outcomes() == ["unknown"], "and it starts all the same"
    assert [undo["became"] for undo in home.undos()] == [""]
    server.start()
    settles(home)
    end = time.monotonic() + 60
    while home.database.ask(ROLES) != [(0,)]:
        assert time.monotonic() < end, home.log()
        time.sleep(0.05)
    assert check(home, before)
    assert [body["outcome"] for body in home.entries("outcome")] == ["unknown", "done"]
