"""Policy decisions, cold and cached, with up to a thousand organisation policies; and whether fast and plain way agree.

python -m bench.policy            numbers for bench/results-policy.md
"""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import yaml

from yett.model.effects import Effect
from yett.model.operation import Amount
from yett.policy.engine import Policies
from yett.policy.layers import Layer, default_layers
from yett.policy.question import Context, Question, TaskState
from yett.policy.reference import PlainPolicies
from yett.policy.short_form import compile_short

TEAMS = [f"team{i}" for i in range(20)]
AGENTS = [f"agent{i}" for i in range(200)]
ENVIRONMENTS = [f"env{i}" for i in range(10)]
PROVIDERS = ["railway", "aws", "postgres", "github", "kubernetes"]
EFFECTS = ["read"] * 6 + ["write"] * 3 + ["delete"] + ["admin"]
NOW = 1_795_000_000


def organisation(rules: int, seed: int, *, broad: bool = False) -> Layer:
    """A narrow layer of that many rules. `broad`: for every agent, cut by environment or provider only."""
    rnd = random.Random(seed)
    text = yaml.safe_dump({"layer": "narrow", "rules": [_rule(i, rnd, broad) for i in range(rules)]})
    kind, cedar = compile_short(text)
    return Layer("org", kind, cedar)


def _rule(number: int, rnd: random.Random, broad: bool) -> dict[str, object]:
    where = rnd.choice([{"environment": rnd.choice(ENVIRONMENTS)}, {"provider": rnd.choice(PROVIDERS)}])
    effects = rnd.sample([effect.value for effect in Effect], 2)
    rule: dict[str, object] = {"rule": f"n{number}", "effects": effects, "where": where}
    if not broad:
        rule["who"] = {"team": rnd.choice(TEAMS)}
    if rnd.random() < 0.6:
        rule["when"] = {rnd.choice(["rows_over", "deletes_over", "task_deletes_over"]): rnd.choice([10, 1000])}
    if rnd.random() < 0.7:
        return rule | {"verdict": rnd.choice(["deny", "hold"]), "why": f"rule number {number}"}
    return rule | {"oblige": [rnd.choice(["snapshot", "alarm", "sign:2", "delay:30"])]}


def questions(count: int, seed: int) -> list[Question]:
    """Everyday work of 200 agents in 20 teams on a thousand resources, every fact varied."""
    rnd = random.Random(seed)
    return [_question(rnd) for _ in range(count)]


def _question(rnd: random.Random) -> Question:
    kind = rnd.choice(["Resource"] * 8 + ["Host", "Ref"])
    place = ("Place", rnd.choice(["task", "task", "production", "elsewhere"]))
    parents = {
        "Resource": (place, ("Environment", rnd.choice(ENVIRONMENTS)), ("Provider", rnd.choice(PROVIDERS))),
        "Ref": (place,),
        "Host": (),
    }[kind]
    names = {"Resource": (), "Host": ("opaque",), "Ref": ("own", "protected", "triggers")}[kind]
    return Question(
        agent=rnd.choice(AGENTS),
        teams=tuple(rnd.sample(TEAMS, rnd.choice([1, 1, 1, 2]))),
        effect=Effect(rnd.choice(EFFECTS)),
        kind=kind,
        id=f"r{rnd.randrange(1000)}",
        parents=parents,
        attributes=tuple((name, rnd.random() < 0.3) for name in names),
        context=_context(rnd),
    )


def _context(rnd: random.Random) -> Context:
    return Context(
        action=rnd.choice(["sql:SELECT", "sql:DELETE", "railway:volumeDelete", "git:push", "http:POST"]),
        wire=rnd.choice(["http", "graphql", "sql", "git"]),
        irreversible=rnd.random() < 0.2,
        undo=rnd.choice(["none", "possible", "verified"]),
        asked=rnd.random() < 0.2,
        granted=rnd.random() < 0.2,
        remembered=rnd.random() < 0.3,
        team=rnd.random() < 0.7,
        task=TaskState(live=rnd.random() < 0.97, named=rnd.random() < 0.9),
        spent=Amount(rnd.randrange(100), rnd.randrange(10_000), rnd.randrange(10**9)),
        cost=Amount(rnd.choice([0, 1, 11, 10**15]), rnd.choice([0, 1, 150, 2000]), rnd.randrange(10**6)),
        limit=Amount(100, 10_000, 10**9),
        change=rnd.choice(["", "create", "fast-forward", "force", "tag"]),
        workflow=rnd.random() < 0.2,
        source=f"10.0.{rnd.randrange(4)}.{rnd.randrange(250)}",
        now=NOW + rnd.randrange(10**6),
    )


def measure(decide: Callable[[Question], object], asked: Sequence[Question], seconds: float) -> str:
    """Rate over CPU time, and wall-clock percentiles of single calls."""
    laps: list[tuple[float, float]] = []
    end, i = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        q = asked[i % len(asked)]
        i += 1
        start, busy = time.perf_counter(), time.thread_time()
        decide(q)
        laps.append((time.perf_counter() - start, time.thread_time() - busy))
    wall, cpu = (sorted(column) for column in zip(*laps, strict=True))
    p50, p99, own = (column[int(len(laps) * share)] * 1e6 for column, share in ((wall, 0.5), (wall, 0.99), (cpu, 0.99)))
    return f"{len(laps) / sum(cpu):9,.0f}/s a core, p50 {p50:6.1f} us, p99 {p99:7.1f} us (of CPU {own:6.1f} us)"


def rate(decide: Callable[[Question], object], asked: Sequence[Question], rounds: int) -> str:
    """CPU time of a call without the cost of looking at the clock: for calls below a microsecond."""
    for q in asked:
        decide(q)
    cpu = time.process_time()
    for _ in range(rounds):
        for q in asked:
            decide(q)
    each = (time.process_time() - cpu) / (rounds * len(asked))
    return f"{1 / each:9,.0f}/s a core, {each * 1e6:.2f} us"


def equality(layers: Sequence[Layer], asked: Sequence[Question]) -> int:
    """How many answers differ from the plain way's; each question is put to the cache twice."""
    fast, plain = Policies(layers), PlainPolicies(layers)
    return sum(not (fast.decide(q) == fast.decide(q) == plain.decide(q)) for q in asked)


def scenario(name: str, layers: Sequence[Layer], asked: Sequence[Question]) -> None:
    start = time.perf_counter()
    cold = Policies(layers, cached=False)
    load = time.perf_counter() - start
    warm = Policies(layers)
    print(f"\n{name}: loaded in {load * 1e3:.0f} ms")
    start = time.perf_counter()
    for q in asked:
        cold.decide(q)
    first = (time.perf_counter() - start) / len(asked)
    print(f"  first sight of {len(asked)} questions, slices made on the way: {first * 1e6:.0f} us each")
    print("  cold, nothing cached but parsed slices:", measure(cold.decide, asked, 3))
    print("  cached, 500 questions recurring:       ", rate(warm.decide, asked[:500], 200))
    rest = [replace(q, id=f"new{i}", context=replace(q.context, now=i)) for i, q in enumerate(asked[:500])]
    start = time.process_time()
    for q in rest:
        warm.decide(q)
    print(f"  cached, resource never seen before:      {(time.process_time() - start) / len(rest) * 1e6:.1f} us")
    print("  plain way, for comparison:             ", measure(PlainPolicies(layers).decide, asked, 1))


def main() -> int:
    """The number of answers that differ from the plain way's."""
    asked = questions(3000, seed=3)
    for rules in (0, 10, 100, 1000):
        extra = [organisation(rules, seed=rules)] if rules else []
        scenario(f"{rules} organisation policies by team", [*default_layers(), *extra], asked)
    scenario("1000 policies for everybody", [*default_layers(), organisation(1000, seed=5, broad=True)], asked)
    differing = 0
    for broad in (False, True):
        layers = [*default_layers(), organisation(1000, seed=9, broad=broad)]
        print(f"\ndisagreements with the plain way, 10,000 random questions, broad={broad}:", end=" ", flush=True)
        differ = equality(layers, questions(10_000, seed=11))
        differing += differ
        print(differ)
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    return differing


if __name__ == "__main__":
    sys.exit(min(main(), 1))
