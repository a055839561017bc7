"""What a working day asks of the network, through the real gate: packages, a push, a page; nothing held or refused.

The registries are the real ones, reached as this machine reaches them; the git host and the page are the lab's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from integration.conftest import Desk, Said, opened_desk
from yett.providers.book import ProviderBook

pytestmark = pytest.mark.sandbox

SECONDS = 150


@pytest.fixture(scope="module")
def desk() -> Iterator[Desk]:
    with opened_desk() as one:
        yield one


def work(desk: Desk, script: str, *, workspace: str = "day") -> Said:
    """A piece of the day's work in one session: it succeeds, and Yett neither holds nor refuses anything."""
    place = desk.workspace_named(workspace)
    said = desk.run(place, script, "--task", "an ordinary day", timeout=SECONDS)
    assert said.status == 0, f"{said.out[-800:]}\n{said.err[-2500:]}"
    counts = desk.last_session()
    assert (counts["held"], counts["refused"], counts["alarms"]) == (0, 0, 0), said.err[-2500:]
    return said


def test_pip_installs_into_a_virtual_environment(desk: Desk) -> None:
    said = work(
        desk,
        """
        python3 -m venv .cache/venv
        .cache/venv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check six
        .cache/venv/bin/python -c 'import six; print(six.__name__)'
        """,
    )
    assert said.out.split() == ["six"]
    assert desk.last_session()["passed"] > 0


def test_npm_installs_a_package(desk: Desk) -> None:
    said = work(
        desk,
        """
        mkdir -p .cache/node; cd .cache/node; echo '{"name":"day","version":"1.0.0"}' > package.json
        npm install --silent --no-audit --no-fund ms
        node -e 'console.log(require("ms")("2 days"))'
        """,
    )
    assert said.out.split() == ["172800000"]


def test_python_downloads_without_a_client_of_its_own(desk: Desk) -> None:
    index = ProviderBook.load().named("python-packages").hosts[0]  # type: ignore[union-attr]
    said = work(
        desk,
        f"""
        python3 -c "import urllib.request as u; print(u.urlopen('https://{index}/simple/six/').status)"
        """,
    )
    assert said.out.split() == ["200"]


def test_a_branch_is_pushed_to_the_remote(desk: Desk) -> None:
    said = work(
        desk,
        """
        git switch -qc feature/day; echo day > day.txt; git add day.txt; git commit -qm Day
        git push -q -u origin feature/day; git fetch -q; git status -sb
        """,
    )
    assert said.out == "## feature/day...origin/feature/day\n"
    assert desk.on_remote("show", "feature/day:day.txt") == "day\n"


@pytest.mark.parametrize("way", ["", "--noproxy '*'", "-k --http1.1"], ids=["proxy", "no proxy", "no checks"])
def test_a_page_is_read(desk: Desk, way: str) -> None:
    said = work(desk, f"curl -sS {way} https://echo.rentals.example/hello?day=1")
    assert json.loads(said.out)["target"] == "/hello?day=1"


def test_a_large_download_and_a_stream_arrive_whole(desk: Desk) -> None:
    said = work(
        desk,
        """
        curl -sS https://echo.rentals.example/large?bytes=20000000 | wc -c
        curl -sSN https://echo.rentals.example/sse?count=3 | grep -c '^data:'
        """,
    )
    assert said.out.split() == ["20000000", "3"]


def test_a_second_run_finds_what_the_first_left(desk: Desk) -> None:
    """Files of the workspace, and what clients keep in their HOME: caches, logins."""
    work(desk, "echo first > kept.txt; mkdir -p ~/.cache/day; echo login > ~/.cache/day/state", workspace="twice")
    said = work(desk, "cat kept.txt ~/.cache/day/state", workspace="twice")
    assert said.out == "first\nlogin\n"
