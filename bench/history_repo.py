"""A large repository to measure the scan of history with: successive releases of real packages, a commit each.

    python -m bench.history_repo FOLDER

Wheels are archives of the same source, and taking them apart runs no code of theirs. What was made once stays in the
folder; versions are pinned, so every machine measures the same texts.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

VERSIONS = {
    "ansible-core": (
        "2.13.0 2.13.2 2.13.4 2.13.6 2.13.8 2.13.10 2.13.13 2.14.0 2.14.1 2.14.2 2.14.3 2.14.4 2.14.5 2.14.6 2.14.8 "
        "2.14.10 2.14.12 2.14.14 2.14.16 2.14.18 2.15.0 2.15.1 2.15.2 2.15.3 2.15.4 2.15.5 2.15.6 2.15.8 2.15.10 "
        "2.15.12 2.16.0 2.16.1 2.16.2 2.16.4 2.16.6 2.16.8 2.16.10 2.16.12 2.17.0 2.17.2 2.17.4 2.17.6"
    ),
    "django": (
        "1.11 1.11.10 1.11.20 1.11.29 2.0 2.0.5 2.0.13 2.1 2.1.8 2.1.15 2.2 2.2.10 2.2.20 2.2.28 3.0 3.0.7 3.0.14 3.1 "
        "3.1.7 3.1.14 3.2 3.2.5 3.2.10 3.2.15 3.2.20 3.2.25 4.0 4.0.5 4.0.10 4.1 4.1.6 4.1.13 4.2 4.2.5 4.2.10 4.2.16 "
        "5.0 5.0.4 5.0.9 5.1"
    ),
    "botocore": " ".join(
        [f"1.29.{patch}" for patch in range(0, 166, 5)] + [f"1.31.{patch}" for patch in range(0, 86, 5)]
    ),
    "sqlalchemy": (
        "2.0.0 2.0.1 2.0.2 2.0.3 2.0.4 2.0.5 2.0.6 2.0.7 2.0.8 2.0.9 2.0.10 2.0.12 2.0.14 2.0.16 2.0.18 2.0.20 2.0.22 "
        "2.0.24 2.0.26 2.0.28 2.0.30 2.0.32 2.0.34 2.0.36"
    ),
}
_MARK = "complete-2"
_AT_ONCE = 4
_LARGEST = 8 << 20


def build(folder: Path, say: Callable[[str], None] = print) -> Path:
    """Make the repository, or find it made. Its path; a few minutes and a gigabyte the first time."""
    repository = folder / "history.git"
    if (folder / _MARK).exists():
        return repository
    began = time.perf_counter()
    shutil.rmtree(repository, ignore_errors=True)
    repository.mkdir(parents=True)
    git(repository, "init", "-q", "--bare", "-b", "main", ".")
    releases = [(name, version) for name, versions in VERSIONS.items() for version in versions.split()]
    wheels = fetched(releases, folder / "wheels", say)
    say("writing one commit a release")
    written(repository, wheels)
    say("packing")
    git(repository, "repack", "-adfq", "--depth=50", "--window=10")
    shutil.rmtree(folder / "wheels")
    (folder / _MARK).write_text("")
    say(f"{repository}: made in {time.perf_counter() - began:.0f} s")
    return repository


def fetched(releases: list[tuple[str, str]], folder: Path, say: Callable[[str], None]) -> list[tuple[str, str, Path]]:
    """(package, version, wheel) of every release, downloaded from the index that pip is set up with."""
    done: list[tuple[str, str, Path]] = []
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for name, version, wheel in pool.map(lambda release: (*release, _download(*release, folder)), releases):
            done.append((name, version, wheel))
            if len(done) % 20 == 0:
                say(f"{len(done)} of {len(releases)} releases fetched")
    return done


def _download(name: str, version: str, folder: Path) -> Path:
    place = folder / f"{name}-{version}"
    found = list(place.glob("*.whl"))
    if found:
        return found[0]
    words = ["--no-deps", "--only-binary", ":all:", "--implementation", "py", "--abi", "none", "--platform", "any"]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check", *words, "-d", str(place),
         f"{name}=={version}"],
        check=True,
    )  # fmt: skip
    return next(place.glob("*.whl"))


def written(repository: Path, wheels: list[tuple[str, str, Path]]) -> None:
    """A commit a release: only files that differ from the release before are told to git."""
    process = subprocess.Popen(["git", "fast-import", "--quiet"], cwd=repository, stdin=subprocess.PIPE)
    assert process.stdin is not None
    known: dict[str, dict[str, bytes]] = {}
    with process.stdin as feed:
        for number, (name, version, wheel) in enumerate(wheels):
            message = f"{name} {version}".encode()
            feed.write(
                b"commit refs/heads/main\ncommitter Bench <bench@example.com> %d +0000\n" % (10**9 + number * 3600)
            )
            feed.write(b"data %d\n%s\n" % (len(message), message))
            before, now = known.get(name, {}), {}
            for path, content in texts(wheel, name):
                now[path] = hashlib.sha256(content).digest()
                if before.get(path) != now[path]:
                    feed.write(b'M 100644 inline "%s"\ndata %d\n%s\n' % (path.encode(), len(content), content))
            for path in before.keys() - now.keys():
                feed.write(b'D "%s"\n' % path.encode())
            known[name] = now
    if process.wait():
        raise RuntimeError("git fast-import failed")


def texts(wheel: Path, name: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            plain = not any(letter in entry.filename for letter in '"\\\n')
            if plain and not entry.is_dir() and entry.file_size <= _LARGEST and ".dist-info/" not in entry.filename:
                yield f"{name}/{entry.filename}", archive.read(entry)


def git(repository: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=repository, check=True)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    build(arguments.parse_args().folder)
