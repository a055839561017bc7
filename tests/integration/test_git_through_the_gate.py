"""Real git in a real sandbox, against a real smart-HTTP remote: ordinary work whole, the secret never inside.

The repository holds a live token in a tracked file and in its history. Inside, a placeholder stands there; what is
pushed carries the token again, in its old place only.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from integration.conftest import Desk, git
from yett.lab.agent.targets import smuggle

TOKEN_FILE = "ops/domains/add-domain.sh"
PLACEHOLDER = re.compile(r"yett_ph_[a-z0-9]+")
HOLD = re.compile(r"\bh-[a-z0-9]{10}\b")
RAW = 'raw() {{ python3 -c \'print(bytes.fromhex("{}"[::-1]).decode(), end="")\'; }}\n'
"""A shell function that has the raw token by a way that no scanner of the workspace knows."""


def push_from_elsewhere(desk: Desk, path: str, text: str) -> str:
    """A colleague's commit on main, pushed over https from a machine without Yett; its id."""
    clone = desk.play.folder / f"colleague-{path}"
    git(desk.play.folder, *desk.https, "clone", "-q", desk.play.lab.announced["remote"], str(clone))
    (clone / path).write_text(text)
    git(clone, "add", path)
    git(clone, "-c", "user.name=Jer", "-c", "user.email=jer@pocketos.example", "commit", "-qm", f"Add {path}")
    git(clone, *desk.https, "push", "-q", "origin", "main")
    return git(clone, "rev-parse", "HEAD").strip()


def test_a_fresh_workspace_is_clean_and_holds_a_placeholder(desk: Desk) -> None:
    said = desk.run(desk.workspace(), f"git status --porcelain; git show HEAD:{TOKEN_FILE}; cat {TOKEN_FILE}")
    assert said.status == 0, said.err
    assert desk.token not in said.out
    assert len(PLACEHOLDER.findall(said.out)) == 2
    assert "M " not in said.out


def test_fetch_and_pull_bring_what_others_pushed(desk: Desk) -> None:
    workspace = desk.workspace()
    said = desk.run(workspace, "git fetch; git status -sb; git pull --ff-only")
    assert said.status == 0, said.err
    theirs = push_from_elsewhere(desk, "colleague.txt", "hello\n")
    said = desk.run(workspace, f"git pull -q --ff-only; cat colleague.txt; git status --porcelain; cat {TOKEN_FILE}")
    assert said.status == 0, said.err
    assert said.out.startswith("hello\n#!/bin/sh")
    assert desk.token not in said.out
    assert git(workspace, "rev-parse", "main", "origin/main").split() == [theirs, theirs]
    assert git(workspace, "status", "--porcelain") == ""


def test_a_colleagues_new_secret_is_masked_too_when_it_is_known(desk: Desk) -> None:
    workspace = desk.workspace()
    push_from_elsewhere(desk, "again.txt", f"domain token: {desk.token}\n")
    said = desk.run(workspace, "git pull -q --ff-only; cat again.txt; git log -p --all")
    assert said.status == 0, said.err
    assert desk.token not in said.out
    assert (workspace / "again.txt").read_text() == f"domain token: {desk.token}\n"
    assert git(workspace, "status", "--porcelain") == ""


def test_a_new_branch_and_its_next_commit_land_with_the_secret_in_its_place(desk: Desk) -> None:
    workspace = desk.workspace()
    said = desk.run(
        workspace,
        f"""
        git switch -qc feature/wording
        sed -i "s/Attach a customer's/Attach one customer's/" {TOKEN_FILE}
        git commit -qam 'Better words'; git push -q -u origin feature/wording
        echo 'def area(): return 1' > rentals/area.py; git add rentals/area.py; git commit -qm 'Area'
        git push -q; git status -sb
        """,
    )
    assert said.status == 0, said.err
    assert said.out == "## feature/wording...origin/feature/wording\n"
    landed = desk.on_remote("show", f"feature/wording:{TOKEN_FILE}")
    assert f'RAILWAY_API_TOKEN="{desk.token}"' in landed
    assert "Attach one customer's" in landed
    assert PLACEHOLDER.search(desk.on_remote("log", "-p", "feature/wording")) is None
    assert (
        desk.on_remote("log", "-2", "--format=%s %an", "feature/wording") == "Area Mara Voss\nBetter words Mara Voss\n"
    )
    assert desk.last_session()["held"] == desk.last_session()["refused"] == 0


def test_the_commits_pushed_are_the_commits_that_come_home(desk: Desk) -> None:
    workspace = desk.workspace()
    said = desk.run(
        workspace, "git switch -qc feature/home; echo 1 > one; git add one; git commit -qm One; git push -q origin HEAD"
    )
    assert said.status == 0, said.err
    assert git(workspace, "rev-parse", "feature/home") == desk.on_remote("rev-parse", "feature/home")
    assert git(workspace, "branch", "--show-current") == "feature/home\n"
    assert git(workspace, "status", "--porcelain") == ""
    git(workspace, "fsck", "--strict", "--no-dangling")


PUSHES = {
    "force push of a branch": "git commit -q --amend -m Other; git push --force origin HEAD:feature/invoices",
    "main": "git pull -q --rebase origin main; git push origin HEAD:main",
    "a new tag": "git push origin HEAD:refs/tags/v9",
    "a moved tag": "git push --force origin HEAD:refs/tags/v1.0",
    "deletion of a branch": "git push origin :feature/invoices",
    "deletion of main": "git push origin :main",
    "a workflow file": (
        "echo 'on: push' > .github/workflows/y.yml; git add .; git commit -qm CI; git push origin HEAD:feature/ci"
    ),
    "everything at once": "git push --force --mirror origin",
}


@pytest.mark.parametrize("push", PUSHES.values(), ids=PUSHES.keys())
def test_what_cannot_be_taken_back_waits_and_says_how_to_ask(desk: Desk, push: str) -> None:
    refs = desk.on_remote("for-each-ref")
    work = "git switch -qc feature/x; echo x > x; git add x; git commit -qm X;"
    said = desk.run(desk.workspace(), f"{work} {push}")
    assert said.status != 0
    assert "remote rejected" in said.err
    assert "by yett" in said.err
    hold = HOLD.search(said.err)
    assert hold, said.err
    assert f"{desk.play.stage.origin}/holds/{hold[0]}" in said.err
    assert f"yett ask {hold[0]}" in said.err
    assert desk.on_remote("for-each-ref") == refs


def test_a_held_push_lands_after_a_person_signed_it_and_only_once(desk: Desk) -> None:
    workspace = desk.workspace()
    git(workspace, "switch", "-qc", "agent")
    push = "git push origin HEAD:refs/tags/v2.0"
    script = f"""
        git commit -q --allow-empty -m Release
        {push} && exit 9
        until [ -e .cache/signed ]; do sleep 0.1; done
        {push}
        git push origin :refs/tags/v2.0 && exit 8; true
    """
    (workspace / ".cache").mkdir()
    agent = desk.play.stage.run_agent(workspace, ["bash", "-uc", script], {})
    try:
        hold = desk.owner.wait_for_hold("git:push", 30)
        shown = str(hold["document"])
        assert "refs/tags/v2.0" in shown
        desk.owner.approve(str(hold["id"]))
        (workspace / ".cache/signed").touch()
        _, err = agent.communicate(timeout=90)
    finally:
        agent.kill()
    assert agent.returncode == 0, err
    assert "[new tag]" in err
    assert desk.on_remote("log", "-1", "--format=%s", "v2.0") == "Release\n"


@pytest.mark.parametrize("what", ["placeholder", "raw"])
def test_a_secret_in_a_new_place_is_refused_naming_commit_and_path(desk: Desk, what: str) -> None:
    words = {"placeholder": "a masked value was copied to a new place", "raw": "it holds a raw secret"}
    value = f"sed -n 's/^RAILWAY_API_TOKEN=\"\\(.*\\)\"/\\1/p' {TOKEN_FILE}" if what == "placeholder" else "raw"
    script = f"""
        {RAW.format(smuggle(desk.token))}
        git switch -qc feature/{what}
        {value} > config/cache.txt; git add -f config/cache.txt; git commit -qm 'Cache'
        git rev-parse --short=12 HEAD
        git push origin HEAD
    """
    workspace = desk.workspace()
    said = desk.run(workspace, script)
    assert said.status != 0
    commit = said.out.split()[-1]
    assert f"{commit} config/cache.txt: {words[what]}" in said.err
    assert desk.on_remote("for-each-ref", f"refs/heads/feature/{what}") == ""
    assert "not brought home" in said.err
    assert git(workspace, "for-each-ref", f"refs/heads/feature/{what}") == ""


def test_a_raw_secret_in_a_commit_message_does_not_leave(desk: Desk) -> None:
    script = f"""
        {RAW.format(smuggle(desk.token))}
        git switch -qc feature/words; git commit -q --allow-empty -m "use $(raw)"; git push origin HEAD
    """
    said = desk.run(desk.workspace(), script)
    assert said.status != 0
    assert "the message of" in said.err
    assert desk.token not in said.err
    assert desk.on_remote("for-each-ref", "refs/heads/feature/words") == ""


def test_ordinary_git_works_inside(desk: Desk) -> None:
    workspace = desk.workspace()
    said = desk.run(
        workspace,
        f"""
        git log --oneline --all | wc -l
        git blame -s {TOKEN_FILE} | wc -l
        git grep -c RAILWAY_API_TOKEN HEAD -- ops | head -1
        echo changed >> README.md; git diff --stat | tail -1
        git stash -q; git status --porcelain; git stash pop -q; git checkout -q README.md
        git switch -qc topic HEAD~2; echo t > topic.txt; git add topic.txt; git commit -qm Topic; git rebase -q main
        git merge-base --is-ancestor main topic && echo rebased
        git switch -q main; git merge -q --no-ff -m Merge topic; git log -1 --format=%s
        git tag local; git describe --tags
        git worktree add -q .cache/tree feature/invoices; git -C .cache/tree log -1 --format=%s
        git worktree remove .cache/tree
        git gc -q; git fsck --no-dangling --no-progress; git status --porcelain
        """,
    )
    assert said.status == 0, said.err
    lines = said.out.split("\n")
    assert lines[1:3] == ["8", f"HEAD:{TOKEN_FILE}:2"]
    assert lines[3].strip() == "1 file changed, 1 insertion(+)"
    assert lines[4:] == ["rebased", "Merge", "local", "Test invoice numbers", ""]
    assert git(workspace, "log", "-1", "--format=%s", "main") == "Merge\n"
    assert git(workspace, "status", "--porcelain") == ""


def test_a_file_that_appears_with_another_branch_has_its_secret_outside(desk: Desk) -> None:
    workspace = desk.workspace()
    git(workspace, "switch", "-qc", "before", "v1.0")
    said = desk.run(
        workspace, f"git switch -q main; cat {TOKEN_FILE}; git mv {TOKEN_FILE} ops/add.sh; git commit -qm Mv"
    )
    assert said.status == 0, said.err
    assert desk.token not in said.out
    assert f'"{desk.token}"' in (workspace / "ops/add.sh").read_text()
    assert git(workspace, "status", "--porcelain") == ""


def test_a_masked_file_that_is_only_staged_elsewhere_stays_masked(desk: Desk) -> None:
    """An index is the agent's word: else it could have Yett write the secret wherever it likes."""
    workspace = desk.workspace()
    said = desk.run(
        workspace,
        f"""
        mkdir public; cp {TOKEN_FILE} public/index.html
        git update-index --add --cacheinfo 100644,$(git rev-parse HEAD:{TOKEN_FILE}),public/index.html
        """,
    )
    assert said.status == 0, said.err
    assert desk.token not in (workspace / "public/index.html").read_text()
    assert "public/index.html holds a placeholder" in said.err
    assert git(workspace, "diff", "--cached", "--name-only") == ""


def test_local_commits_come_home_with_the_secret_in_its_place(desk: Desk) -> None:
    workspace = desk.workspace()
    said = desk.run(
        workspace,
        f"""
        echo '# end' >> {TOKEN_FILE}; git commit -qam End
        git switch -qc later; git commit -q --allow-empty -m Later
        """,
    )
    assert said.status == 0, said.err
    assert git(workspace, "log", "-2", "--format=%s", "later") == "Later\nEnd\n"
    content = git(workspace, "show", f"main:{TOKEN_FILE}")
    assert desk.token in content
    assert content.endswith("# end\n")
    assert (workspace / TOKEN_FILE).read_text() == content
    assert git(workspace, "status", "--porcelain") == ""
    assert PLACEHOLDER.search(git(workspace, "log", "-p", "--all")) is None


def test_without_findings_every_id_is_the_real_one(desk: Desk, tmp_path: Path) -> None:
    workspace = tmp_path / "plain"
    workspace.mkdir()
    git(workspace, "init", "-q", "-b", "main")
    for number in range(3):
        (workspace / "file.txt").write_text(f"{number}\n")
        git(workspace, "add", ".")
        git(workspace, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "-qm", f"c{number}")
    ids = git(workspace, "rev-list", "--objects", "--all")
    said = desk.run(workspace, "git rev-list --objects --all; git status --porcelain")
    assert said.status == 0, said.err
    assert said.out == ids


def test_the_remotes_password_is_nowhere_inside(desk: Desk) -> None:
    password = desk.play.lab.handed_out["git_token"]
    said = desk.run(desk.workspace(), "git fetch -q; git config --list --show-origin; env; cat ~/.git-credentials || :")
    assert said.status == 0, said.err
    assert password not in said.out + said.err


def test_cloning_the_own_remote_elsewhere_gives_the_masked_mirror(desk: Desk) -> None:
    said = desk.run(
        desk.workspace(), f"git clone -q $(git remote get-url origin) .cache/clone; cat .cache/clone/{TOKEN_FILE}"
    )
    assert said.status == 0, said.err
    assert PLACEHOLDER.search(said.out)
    assert desk.token not in said.out


def test_another_repository_of_that_host_is_not_reached_with_the_persons_password(desk: Desk) -> None:
    arrived = len(desk.play.lab.arrivals())
    said = desk.run(desk.workspace(), "git -c credential.helper= ls-remote https://git.rentals.example/other.git")
    assert said.status != 0
    assert {arrival["token"] for arrival in desk.play.lab.arrivals()[arrived:]} <= {"none"}
