"""What the scan is measured with: a gigabyte of other people's packages, a history, fifty staged files. Cached.

Packages come from the indexes that pip and npm are set up with, at these versions, and are only unpacked, never run.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bench import history_repo

PYTHON = (
    *("ansible==10.7.0", "apache-airflow==2.10.4", "awscli==1.37.0", "azure-mgmt-compute==33.1.0", "botocore==1.36.0"),
    *(
        "checkov==3.2.350",
        "django==5.1.4",
        "google-api-python-client==2.160.0",
        "jupyterlab==4.3.4",
        "kubernetes==31.0.0",
    ),
    *("litellm==1.57.0", "mlflow==2.19.0", "moto==5.0.26", "pandas==2.2.3", "scikit-learn==1.6.0"),
    *("streamlit==1.41.1", "sympy==1.13.3", "transformers==4.47.1", "twisted==24.11.0"),
)
NPM = ("aws-sdk@2.1692.0", "firebase@11.1.0", "typescript@5.7.2", "three@0.172.0", "@octokit/openapi-types@22.2.0")


def cache() -> Path:
    """Below the user's own cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(base) / "yett-bench"


def tree() -> Path:
    """The unpacked packages, each in a folder of its name."""
    folder = cache() / "tree-1"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [*PYTHON, *(NPM if shutil.which("npm") else ())]
    for number, name in enumerate(wanted, 1):
        place = folder / name.replace("==", "-").replace("@", "-").replace("/", "-").strip("-")
        if not place.exists():
            print(f"  {number} of {len(wanted)}: {name}", file=sys.stderr, flush=True)
            _unpacked(name, place)
    return folder


def _unpacked(name: str, place: Path) -> None:
    half, fetched = place.with_name(f".{place.name}"), cache() / "fetched"
    shutil.rmtree(half, ignore_errors=True)
    shutil.rmtree(fetched, ignore_errors=True)
    fetched.mkdir(parents=True)
    half.mkdir()
    if "==" in name:
        words = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--only-binary", ":all:", name]
    else:
        words = ["npm", "pack", "--silent", name]
    subprocess.run(words, cwd=fetched, check=True, stdout=subprocess.DEVNULL)
    (archive,) = fetched.iterdir()
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as opened:
            opened.extractall(half)
    else:
        with tarfile.open(archive) as opened_tar:
            opened_tar.extractall(half, filter="data")
    half.rename(place)


def history() -> Path:
    """A repository without a work tree, so that every scanner reads its objects and nothing else."""
    bare = history_repo.build(cache() / "history", lambda line: print(f"  {line}", file=sys.stderr, flush=True))
    folder = cache() / "history" / "repository"
    if not folder.exists():
        folder.mkdir()
        subprocess.run(["cp", "-a", str(bare), str(folder / ".git")], check=True)
        subprocess.run(["git", "config", "core.bare", "false"], cwd=folder, check=True)
    return folder


def staged(folder: Path, count: int) -> Path:
    """A fresh repository with that many files of real packages staged, none of which holds a credential."""
    files = list(_sources(tree() / "django-5.1.4"))[: count * 4]
    random.Random(7).shuffle(files)
    repository = folder / f"staged-{count}"
    repository.mkdir()
    _git(repository, "init", "-q", "-b", "main")
    _git(repository, "-c", "user.name=b", "-c", "user.email=b@example.com", "commit", "-q", "--allow-empty", "-m", "b")
    for number, path in enumerate(files[:count]):
        shutil.copy(path, repository / f"{number}_{path.name}")
    _git(repository, "add", "-A")
    return repository


def _sources(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")) if path.stat().st_size > 4000)


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
