"""The workspace's remote is a real git host: fetch and push over smart HTTP, with a token."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.lab.conftest import Hands

from yett.lab.git_remote import plain_environ
from yett.lab.workspace import REMOTE, make_home, make_workspace, workspace_values


def git(hands: Hands, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run git as the developer does, the git host's name leading to the lab."""
    home = folder.parent / "home"
    if not home.exists():
        make_home(home, hands.token("git"))
    port = hands.lab.announced["ports"]["tls"]
    settings = (
        "-c", f"url.https://git.rentals.example:{port}/.insteadOf=https://git.rentals.example/",
        "-c", f"http.curloptResolve=git.rentals.example:{port}:127.0.0.1",
        "-c", f"credential.https://git.rentals.example:{port}.helper=!f() {{ sed -nE "
        "'s,https://([^:]*):([^@]*)@.*,username=\\1\\npassword=\\2,p' ~/.git-credentials; }; f",
    )  # fmt: skip
    environ = {**plain_environ(), "HOME": str(home), "GIT_SSL_CAINFO": hands.lab.announced["ca"]}
    environ.pop("GIT_CONFIG_GLOBAL")
    return subprocess.run(
        ["git", *settings, *arguments], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )


def test_a_workspace_fetches_and_pushes(hands: Hands, fresh_folder: Path) -> None:
    folder = make_workspace(fresh_folder / "rentals", workspace_values(hands.lab.handed_out, hands.places))
    assert git(hands, folder, "remote", "get-url", "origin").returncode == 0
    fetched = git(hands, folder, "fetch", "origin")
    assert fetched.returncode == 0, fetched.stderr
    assert git(hands, folder, "status", "-sb").stdout == "## main...origin/main\n"

    (folder / "docs" / "new.md").write_text("# New\n" + "text\n" * 200_000)
    for arguments in (("checkout", "-q", "-b", "work"), ("add", "-A"), ("commit", "-q", "-m", "Docs")):
        assert git(hands, folder, *arguments).returncode == 0
    pushed = git(hands, folder, "push", "origin", "work")
    assert pushed.returncode == 0, pushed.stderr
    assert "refs/heads/work" in git(hands, folder, "ls-remote", "origin").stdout
    arrived = [line for line in hands.lab.arrivals() if line.get("host") == "git.rentals.example"]
    assert ["git-receive-pack"] in [line["fields"] for line in arrived if line["token"] == "git"]


def test_a_clone_brings_the_token_in_the_history_along(hands: Hands, fresh_folder: Path) -> None:
    base = fresh_folder / "base"
    base.mkdir()
    cloned = git(hands, base, "clone", "-q", REMOTE, "clone")
    assert cloned.returncode == 0, cloned.stderr
    log = git(hands, base / "clone", "log", "-p", "--all").stdout
    assert hands.token("account") in log


def test_without_the_token_nothing_is_served(hands: Hands) -> None:
    url = "https://git.rentals.example/rentals.git/info/refs?service=git-receive-pack"
    for arguments in ((), ("-u", "rentals-bot:wrong"), ("-H", hands.bearer("account"))):
        done = hands.curl("-w", "%{http_code}", *arguments, url)
        assert done.stdout.endswith(b"401")
    assert hands.lab.arrivals()[-1]["outcome"] == "refused"
    assert hands.curl("-w", "%{http_code}", "https://git.rentals.example/other.git/info/refs").stdout.endswith(b"404")


def test_the_repository_belongs_to_the_labs_user(hands: Hands) -> None:
    folder = Path(hands.lab.announced["dir"]) / "git"
    assert folder.stat().st_uid == hands.lab.announced["uid"]
    assert os.access(folder, os.R_OK) == (os.geteuid() in (0, hands.lab.announced["uid"]))
