"""A credential in a name, a login or an author must not come out in a report about another, in any format."""

from __future__ import annotations

import base64
import random
import string
import subprocess
import zipfile
from pathlib import Path

import pytest

from yett.inventory.reports import Layout, render
from yett.inventory.reports.render import FORMATS
from yett.inventory.survey import Wanted, survey

RANDOM = random.Random(43)
LETTERS = string.ascii_letters + string.digits


def made(length: int = 40) -> str:
    return "".join(RANDOM.choices(LETTERS, k=length))


def signed() -> str:
    return "glp" + "at-" + made(20)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A workspace, and every value in it."""
    names = {
        place: signed() for place in ("folder", "file", "member", "login", "variable", "author", "branch", "broken")
    }
    values = [*names.values()]

    def own() -> str:
        values.append(made())
        return values[-1]

    workspace = tmp_path_factory.mktemp("leaks") / names["folder"]
    workspace.mkdir()
    (workspace / f"{names['file']}.env").write_text(f"SERVICE_API_KEY={own()}\n")
    twice = own()
    (workspace / f"{twice}.env").write_text(f"SERVICE_API_KEY={twice}\n")
    (workspace / ".netrc").write_text(f"machine git.acme.io login {names['login']} password {own()}\n")
    (workspace / "a.txt").write_text(f"https://{names['login']}:{own()}@git.acme.io/x\n")
    basic = base64.b64encode(f"{names['login']}:{own()}".encode()).decode()
    (workspace / "b.txt").write_text(f"Authorization: Basic {basic}\n")
    values.append(basic)
    (workspace / "c.env").write_text(f"{names['variable']}_API_KEY={own()}\n")
    (workspace / f"{names['broken']}.zip").write_bytes(b"PK\x03\x04\0\0\0 broken")
    with zipfile.ZipFile(workspace / "d.zip", "w") as archive:
        archive.writestr(f"{names['member']}/.env", f"SERVICE_API_KEY={own()}\n")
    git = ["git", "-c", f"user.name={names['author']}", "-c", "user.email=a@b.invalid", "-C", str(workspace)]
    for words in (["init", "-q", "-b", names["branch"]], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    return workspace, values


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("colour", [False, True])
def test_no_report_says_a_value(planted: tuple[Path, list[str]], name: str, colour: bool) -> None:
    workspace, values = planted
    outcome = survey(Wanted((workspace,), workers=1))
    report = render(outcome, name, Layout(workspace, width=10_000, colour=colour))
    assert "[secret]" in report
    joined = report.replace("\n", "").replace(" ", "")
    assert [value for value in values if value in report or value in joined] == []


def test_a_report_names_files_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "config.production.yaml").write_text(f'api_key: "{made()}"\n')
    report = render(survey(Wanted((tmp_path,), workers=1)), "json", Layout(tmp_path))
    assert "config.production.yaml" in report
    assert "[secret]" not in report
