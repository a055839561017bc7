"""The GitHub action and the GitLab job, run as their runners run them: the scripts for real, in a real repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from repositories import Repository, token

ROOT = Path(__file__).resolve().parents[2]
YETT = Path(sys.executable).with_name("yett")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())


@dataclass(frozen=True)
class Job:
    status: int
    said: str
    summary: str
    outputs: dict[str, str]

    @property
    def sarif(self) -> list[str]:
        """Paths in the report."""
        results = json.loads(Path(self.outputs["sarif"]).read_text())["runs"][0]["results"]
        return [at["physicalLocation"]["artifactLocation"]["uri"] for each in results for at in each["locations"]]


def run(repository: Repository, tmp_path: Path, **told: str) -> Job:
    summary, outputs = tmp_path / "summary.md", tmp_path / "output"
    for path in (summary, outputs):
        path.write_text("")
    github = {
        "GITHUB_WORKSPACE": str(repository.top), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_OUTPUT": str(outputs),
        "RUNNER_TEMP": str(tmp_path), "YETT": str(YETT),
    }  # fmt: skip
    done = subprocess.run(
        ["bash", str(ROOT / "ci/action.sh")], cwd=tmp_path, env={**os.environ, **github, **told}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    rows = dict(line.split("=", 1) for line in outputs.read_text().splitlines())
    return Job(done.returncode, done.stdout, summary.read_text(), rows)


@pytest.fixture
def pull_request(repository: Repository) -> Repository:
    """A branch on a main that holds an old token."""
    repository.commit("old.env", token())
    repository.git("checkout", "-qb", "branch")
    return repository


def base(repository: Repository) -> str:
    return repository.git("rev-parse", "main").strip()


def test_a_pull_request_with_a_token_fails_with_annotation_summary_and_sarif(
    pull_request: Repository, tmp_path: Path
) -> None:
    secret = token()
    pull_request.commit("src/new.env", f"A=1\n{secret}")
    job = run(pull_request, tmp_path, BASE=base(pull_request))
    assert job.status == 1, job.said
    assert "::error title=Yett%3A high,file=src/new.env,line=2::" in job.said
    assert job.sarif == ["src/new.env"]
    assert job.outputs["findings"] == "1"
    assert "src/new.env:2" in job.summary
    for shown in (job.said, job.summary, Path(job.outputs["sarif"]).read_text()):
        assert secret.strip().partition("=")[2] not in shown


def test_a_clean_pull_request_passes_though_main_holds_a_token(pull_request: Repository, tmp_path: Path) -> None:
    pull_request.commit("a.py", "print(1)\n")
    job = run(pull_request, tmp_path, BASE=base(pull_request))
    assert job.status == 0, job.said
    assert job.sarif == []
    assert job.outputs["findings"] == "0"


def test_without_a_pull_request_the_whole_repository_is_scanned(pull_request: Repository, tmp_path: Path) -> None:
    job = run(pull_request, tmp_path, BASE="")
    assert job.status == 1
    assert set(job.sarif) == {"old.env"}


def test_inputs_decide(pull_request: Repository, tmp_path: Path) -> None:
    pull_request.commit("one/new.env", token())
    here = {"BASE": base(pull_request)}
    assert run(pull_request, tmp_path, **here, INPUT_FAIL_ON="never").status == 0
    assert run(pull_request, tmp_path, **here, INPUT_PATH="one").status == 1
    pull_request.put("two/a.py", "1\n")
    assert run(pull_request, tmp_path, **here, INPUT_PATH="two").status == 0
    assert run(pull_request, tmp_path, **here, INPUT_SINCE="HEAD").status == 0
    assert set(run(pull_request, tmp_path, **here, INPUT_SINCE="all").sarif) == {"old.env", "one/new.env"}
    accepted = tmp_path / "accepted.json"
    words = ("baseline", "add", "one", "--reason", "x", "--baseline", str(accepted))
    subprocess.run([YETT, *words], cwd=pull_request.top, check=True, capture_output=True)
    job = run(pull_request, tmp_path, **here, INPUT_BASELINE=str(accepted))
    assert (job.status, job.outputs["findings"]) == (0, "0")


def test_a_checkout_of_depth_one_is_completed(pull_request: Repository, tmp_path: Path) -> None:
    pull_request.commit("new.env", token())
    pull_request.commit("new.env", "A=1\n")
    clone = tmp_path / "clone"
    words = ("clone", "-q", "--depth=1", "--branch", "branch", f"file://{pull_request.top}", str(clone))
    subprocess.run(["git", *words], check=True)
    job = run(Repository(clone), tmp_path, BASE=base(pull_request))
    assert job.status == 1, job.said
    assert job.sarif == ["new.env"]


def test_a_scan_that_fails_is_no_clean_scan(pull_request: Repository, tmp_path: Path) -> None:
    job = run(pull_request, tmp_path, BASE="1" * 40)
    assert job.status == 1
    assert "there is no revision" in job.said
    assert "::error title=Yett::the scan failed" in job.said


@pytest.mark.parametrize("name", ["a\n::error file=x::b.env", "$(touch pwned).env", "a,line=9::x.env"])
def test_a_file_name_commands_nobody(pull_request: Repository, tmp_path: Path, name: str) -> None:
    pull_request.commit(name, token())
    job = run(pull_request, tmp_path, BASE=base(pull_request))
    assert job.status == 1
    assert len(re.findall(r"^::error ", job.said, flags=re.MULTILINE)) == 1
    assert not list(tmp_path.rglob("pwned"))


def test_every_input_reaches_the_script_and_every_output_comes_from_it() -> None:
    script = (ROOT / "ci/action.sh").read_text()
    environ = {name: value for step in ACTION["runs"]["steps"] for name, value in step.get("env", {}).items()}
    for name in ACTION["inputs"]:
        variable = f"INPUT_{name.upper().replace('-', '_')}"
        assert environ[variable] == f"${{{{ inputs.{name} }}}}"
        assert variable in script
    assert set(re.findall(r"INPUT_[A-Z_]+", script)) <= set(environ)
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.scan.outputs.{name} }}}}"
        assert f'echo "{name}=' in script


def test_no_text_of_somebody_else_stands_in_a_command_and_actions_are_pinned() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        if "uses" in step:
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", step["uses"])


@pytest.mark.parametrize(("content", "status"), [("A=1\n", 0), ("", 1)])
def test_the_job_for_gitlab(pull_request: Repository, tmp_path: Path, content: str, status: int) -> None:
    pull_request.commit("new.env", content or token())
    job = yaml.safe_load((ROOT / "docs/ci/gitlab.yml").read_text())["yett-scan"]
    told = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base(pull_request), "PATH": f"{YETT.parent}:{os.environ['PATH']}"}
    (line,) = job["script"]
    done = subprocess.run(
        ["bash", "-e", "-c", line],
        cwd=pull_request.top,
        env={**os.environ, **told, "YETT_FAIL_ON": "high"},
        check=False,
    )
    assert done.returncode == status
    issues = json.loads((pull_request.top / job["artifacts"]["reports"]["codequality"]).read_text())
    assert [issue["location"]["path"] for issue in issues] == (["new.env"] if status else [])
    for path in job["artifacts"]["paths"]:
        assert (pull_request.top / path).exists()
