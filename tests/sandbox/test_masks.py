"""A masked file inside: editors save it however they like, the secret stays outside, the edit arrives."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from sandbox.conftest import Guarded

pytestmark = pytest.mark.sandbox

SECRET = "sk-live-51-the-real-secret"
PLACEHOLDER = "yett_ph_000000000000000001"


@pytest.fixture
def dotenv(guarded: Guarded) -> Path:
    """A real .env in the workspace, its masked copy, and a daemon that translates back."""
    return mask(guarded, guarded.workspace / ".env")


def mask(guarded: Guarded, real: Path) -> Path:
    real.parent.mkdir(parents=True, exist_ok=True)
    real.write_text(f"PORT=3000\nTOKEN={SECRET}\n")
    copies = guarded.plane.home / "masked"
    copies.mkdir(exist_ok=True)
    copy = copies / str(len(guarded.plane.masks))
    copy.write_text(real.read_text().replace(SECRET, PLACEHOLDER))
    guarded.plane.masks.append({"path": str(real), "masked": str(copy)})

    def translate(path: str, descriptor: int) -> None:
        (source,) = [entry["masked"] for entry in guarded.plane.masks if entry["path"] == path]
        with open(descriptor if descriptor >= 0 else path, "w") as real:
            real.truncate()
            real.write(Path(source).read_text().replace(PLACEHOLDER, SECRET))

    guarded.plane.on_unmask = translate
    return real


def test_inside_the_placeholder_is_read(guarded: Guarded, dotenv: Path) -> None:
    assert guarded.run("cat", ".env").stdout == f"PORT=3000\nTOKEN={PLACEHOLDER}\n"
    assert dotenv.read_text() == f"PORT=3000\nTOKEN={SECRET}\n"


SAVES = {
    "append": "echo A=1 >> .env",
    "truncate and write": "sed s/3000/4000/ .env > /tmp/x && cat /tmp/x > .env",
    "sed -i": "sed -i s/3000/4000/ .env",
    "rename from the same folder": "sed s/3000/4000/ .env > .env.tmp && mv .env.tmp .env",
    "rename from below": "mkdir d && sed s/3000/4000/ .env > d/x && mv d/x .env",
    "copy from another file system": "sed s/3000/4000/ .env > /tmp/x && mv /tmp/x .env",
    "python os.replace": "python3 -c \"import os; t=open('.env').read(); open('n','w').write(t.replace('3000','4000'));"
    "os.replace('n','.env')\"",
    "absolute path": "sed s/3000/4000/ .env > n && mv $PWD/n $PWD/.env",
    "through a link to the folder": "ln -s . here && sed s/3000/4000/ .env > n && mv n here/.env",
    "vim": "vim -es -u NONE -c '%s/3000/4000/' -c 'wq' .env",
    "vim with a backup by rename": "vim -es -u NONE -c 'set backup backupcopy=no' -c '%s/3000/4000/' -c 'wq' .env;"
    "rm -f .env~",
    "node writeFile and rename": "node -e \"const f=require('fs');f.writeFileSync('n',f.readFileSync('.env','utf8')"
    ".replace('3000','4000'));f.renameSync('n','.env')\"",
}


@pytest.mark.parametrize("way", SAVES)
def test_every_way_of_saving_works_and_arrives(guarded: Guarded, dotenv: Path, way: str) -> None:
    done = guarded.shell(SAVES[way] + "; cat .env")
    assert done.stderr == ""
    assert done.returncode == 0
    assert PLACEHOLDER in done.stdout
    assert SECRET not in done.stdout
    expected = "PORT=3000\nTOKEN={}\nA=1\n" if way == "append" else "PORT=4000\nTOKEN={}\n"
    assert dotenv.read_text() == expected.format(SECRET)
    assert sorted(path.name for path in guarded.workspace.iterdir() if path.is_file()) == [".env"]


def test_an_edit_arrives_while_the_run_goes_on(guarded: Guarded, dotenv: Path) -> None:
    running = guarded.start("bash", "-c", "sed s/3000/4000/ .env > n && mv n .env; echo saved; sleep 30")
    assert running.stdout is not None
    running.stdout.readline()
    for _ in range(100):
        if "4000" in dotenv.read_text():
            break
        time.sleep(0.05)
    assert dotenv.read_text() == f"PORT=4000\nTOKEN={SECRET}\n"
    running.terminate()
    running.wait(20)


def test_a_removed_file_is_gone_and_comes_back_with_its_secret(guarded: Guarded, dotenv: Path) -> None:
    done = guarded.shell("cp .env keep; rm .env; test ! -e .env && echo gone; mv keep .env; cat .env")
    assert done.stderr == ""
    assert done.stdout == f"gone\nPORT=3000\nTOKEN={PLACEHOLDER}\n"
    assert dotenv.read_text() == f"PORT=3000\nTOKEN={SECRET}\n"


def test_a_file_removed_for_good_is_removed_outside(guarded: Guarded, dotenv: Path) -> None:
    assert guarded.run("rm", ".env").returncode == 0
    assert not dotenv.exists()


def test_moved_to_another_name_it_stays_masked(guarded: Guarded, dotenv: Path) -> None:
    done = guarded.shell("mv .env other; cat other; ls -A")
    assert PLACEHOLDER in done.stdout
    assert done.stdout.endswith("other\n")
    assert PLACEHOLDER in (guarded.workspace / "other").read_text()
    assert not dotenv.exists()


def test_no_descriptor_held_inside_ever_reads_the_secret(guarded: Guarded, dotenv: Path) -> None:
    """The attack: keep a file open, make it the masked file, wait for the secret to be written below."""
    done = guarded.python(
        "import os, time\n"
        "f = open('bait', 'w+'); f.write(open('.env').read()); f.flush()\n"
        "os.replace('bait', '.env'); time.sleep(0.5)\n"
        "f.seek(0); print(f.read())\n"
        "os.unlink('.env'); g = open('.env', 'w+'); g.write('TOKEN=" + PLACEHOLDER + "'); g.flush(); time.sleep(0.5)\n"
        "g.seek(0); print(g.read())\n"
    )
    assert done.returncode == 0
    assert SECRET not in done.stdout
    assert done.stdout.count(PLACEHOLDER) == 2


@pytest.mark.parametrize("way", ["rename", "remove and create"])
def test_a_person_who_replaces_the_file_outside_does_not_uncover_it_inside(
    guarded: Guarded, dotenv: Path, way: str
) -> None:
    """An editor outside saves by rename, git outside checks out: both lift the mount inside."""
    running = guarded.start(
        "bash", "-c", "echo up; read x; cat .env; echo MINE=1 >> .env; echo up; read x; cat .env", stdin=subprocess.PIPE
    )
    assert running.stdin is not None
    assert running.stdout is not None
    assert running.stderr is not None
    assert running.stdout.readline() == "up\n"
    fresh = guarded.workspace / "fresh"
    if way == "remove and create":
        dotenv.unlink()
        fresh = dotenv
    fresh.write_text(f"NEW=1\nTOKEN={SECRET}\n")
    if way == "rename":
        fresh.rename(dotenv)
    assert "was replaced outside" in running.stderr.readline()
    running.stdin.write("go\n")
    running.stdin.flush()
    out, _ = running.communicate("go\n", timeout=20)
    assert SECRET not in out
    assert PLACEHOLDER in out
    assert out.endswith("MINE=1\n")
    assert dotenv.read_text() == f"NEW=1\nTOKEN={SECRET}\n"


def test_git_replaces_a_masked_tracked_file_on_checkout(guarded: Guarded, dotenv: Path) -> None:
    git(guarded.workspace, "init", "-q", "-b", "main")
    git(guarded.workspace, "add", ".env")
    git(guarded.workspace, "commit", "-q", "-m", "one")
    git(guarded.workspace, "checkout", "-q", "-b", "other")
    dotenv.write_text("PORT=9\n")
    git(guarded.workspace, "commit", "-q", "-a", "-m", "two")
    git(guarded.workspace, "checkout", "-q", "main")
    done = guarded.shell("git checkout -q -f other && cat .env && git status --porcelain")
    assert (done.stdout, done.stderr) == ("PORT=9\n", "")
    assert dotenv.read_text() == "PORT=9\n"


def test_two_masked_files_in_different_folders(guarded: Guarded, dotenv: Path) -> None:
    other = mask(guarded, guarded.workspace / "config" / "domains.yaml")
    done = guarded.shell("sed -i s/3000/1/ .env config/domains.yaml && cat .env config/domains.yaml")
    assert SECRET not in done.stdout
    assert dotenv.read_text() == other.read_text() == f"PORT=1\nTOKEN={SECRET}\n"


def test_a_masked_file_of_the_home_is_shown_but_the_agent_cannot_change_the_persons(guarded: Guarded) -> None:
    real = mask(guarded, guarded.home / ".aws" / "credentials")
    before = real.read_text()
    done = guarded.shell("cat ~/.aws/credentials; echo x >> ~/.aws/credentials; rm -f ~/.aws/credentials")
    assert PLACEHOLDER in done.stdout
    assert real.read_text() == before


def test_a_clients_login_can_be_renewed(guarded: Guarded) -> None:
    real = mask(guarded, guarded.home / ".codex" / "auth.json")
    done = guarded.shell("cd ~/.codex && sed s/3000/4000/ auth.json > t && mv t auth.json")
    assert done.returncode == 0
    assert real.read_text() == f"PORT=4000\nTOKEN={SECRET}\n"


def test_a_tree_of_other_files_is_removed_and_renamed_as_ever(guarded: Guarded, dotenv: Path) -> None:
    done = guarded.shell("mkdir t && for i in $(seq 300); do echo $i > t/$i; mv t/$i t/x$i; done; rm -r t; ls")
    assert (done.stdout, done.stderr) == ("", "")


def git(directory: Path, *words: str) -> None:
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    subprocess.run(["git", *identity, *words], cwd=directory, check=True, capture_output=True)
