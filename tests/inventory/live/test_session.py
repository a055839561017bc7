"""No issuer is asked from inside a session, and none without a person's word."""

from __future__ import annotations

import importlib.util
import shlex
import shutil
from pathlib import Path

import pytest

from inventory.live.made import finding, outcome, value_of
from sandbox.conftest import Guarded, guarded, plane  # noqa: F401  # fixtures
from yett.inventory import live
from yett.inventory.live import Plan, ask_all, refuse_inside
from yett.model.errors import ConfigurationError

NEEDED = ("yett", "typer", "rich", "shellingham", "annotated_doc", "pygments", "ahocorasick_rs")
"""What the command imports, put where a session can read it: the environment of these tests is out of its sight."""
SCAN = """
import sys
from pathlib import Path
sys.path.insert(0, "../code")
from yett.cli.scan import scan
from yett.model.errors import YettError
try:
    scan([Path()], live=True, yes=True)
except YettError as error:
    sys.exit(error.diagnostics())
"""


@pytest.fixture
def inside(guarded: Guarded) -> Guarded:  # noqa: F811
    for name in NEEDED:
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.origin is not None:
            shutil.copytree(Path(spec.origin).parent, guarded.workspace / "code" / name)
    (guarded.workspace / "shop").mkdir()
    (guarded.workspace / "shop" / "deploy.sh").write_text(f"export A_TOKEN={value_of('digitalocean-token')}\n")
    return guarded


@pytest.mark.sandbox
def test_inside_a_real_session_nobody_is_asked(inside: Guarded) -> None:
    done = inside.shell(f"cd shop && exec python3 -c {shlex.quote(SCAN)}")
    assert done.stderr.startswith("Issuers are not asked from inside a session of yett run\n")
    assert (done.returncode, done.stdout) == (1, "")


def test_outside_nothing_is_refused(tmp_path: Path) -> None:
    refuse_inside()
    refuse_inside(tmp_path / "absent")
    (tmp_path / "yett").symlink_to(tmp_path / "nothing")
    with pytest.raises(ConfigurationError, match="inside a session"):
        refuse_inside(tmp_path / "yett")


def test_ask_all_looks_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def inside() -> None:
        raise ConfigurationError("inside")

    def never(_: Plan) -> bool:
        raise AssertionError("asked")

    monkeypatch.setattr(live, "refuse_inside", inside)
    with pytest.raises(ConfigurationError, match="inside"):
        ask_all(outcome(finding("figma-token", value_of("figma-token"))), lambda _: None, never)
