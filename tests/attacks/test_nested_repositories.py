"""Repositories below the workspace: their history is no way around the masks, and looking at them runs nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_workspace import git

from yett.daemon.nested import nested_repositories, refuse_secrets_in_nested
from yett.inventory.fingerprints import temporary
from yett.inventory.sources import paths_of
from yett.model.errors import YettError
from yett.providers.book import ProviderBook
from yett.sandbox.mirror.masks import Masks

LINE = "RAILWAY_API_TOKEN=9d3f6a10-1111-4222-8333-abcdefabcdef\n"


@pytest.fixture(scope="module")
def book() -> ProviderBook:
    return ProviderBook.load()


def _repository(folder: Path, content: str) -> Path:
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    (folder / "settings").write_text(content)
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    (folder / "settings").write_text("nothing\n")
    git(folder, "commit", "-qam", "two")
    return folder


def test_a_credential_in_a_nested_history_stops_the_start(tmp_path: Path, book: ProviderBook) -> None:
    _repository(tmp_path / "vendor/lib", LINE)
    with pytest.raises(YettError, match="vendor/lib"):
        refuse_secrets_in_nested(tmp_path, Masks({}), temporary(), book)


def test_a_bare_repository_is_one_too(tmp_path: Path, book: ProviderBook) -> None:
    made = _repository(tmp_path.parent / f"{tmp_path.name}-elsewhere", LINE)
    git(tmp_path, "clone", "-q", "--bare", str(made), "backup.git")
    with pytest.raises(YettError, match=r"backup\.git"):
        refuse_secrets_in_nested(tmp_path, Masks({}), temporary(), book)


def test_a_value_that_is_known_from_elsewhere_counts_whatever_it_looks_like(tmp_path: Path, book: ProviderBook) -> None:
    _repository(tmp_path / "lib", "the word is xyzzy-plugh-plover\n")
    refuse_secrets_in_nested(tmp_path, Masks({}), temporary(), book)
    known = Masks({b"xyzzy-plugh-plover": b"yett_ph_0"})
    with pytest.raises(YettError, match="lib"):
        refuse_secrets_in_nested(tmp_path, known, temporary(), book)


def test_nested_repositories_without_credentials_and_the_workspaces_own_are_no_matter(
    tmp_path: Path, book: ProviderBook
) -> None:
    _repository(tmp_path / "work", LINE)
    _repository(tmp_path / "work/lib", "hello\n")
    _repository(tmp_path / "work/node_modules/dep", LINE)
    assert list(nested_repositories(tmp_path / "work")) == [tmp_path / "work/lib"]
    refuse_secrets_in_nested(tmp_path / "work", Masks({}), temporary(), book)


def test_reading_a_planted_repository_fetches_nothing(tmp_path: Path) -> None:
    """git fetches an object that a partial clone lacks, from wherever the repository's configuration says."""
    planted, mark = _repository(tmp_path / "lib", LINE), tmp_path / "ran-outside"
    settings = {
        "core.repositoryFormatVersion": "1",
        "extensions.partialClone": "origin",
        "remote.origin.url": f"ext::sh -c touch% {mark}",
        "remote.origin.promisor": "true",
        "protocol.ext.allow": "always",
    }
    for key, value in settings.items():
        git(planted, "config", key, value)
    tree = git(planted, "rev-parse", "HEAD^{tree}").strip()
    (planted / ".git/objects" / tree[:2] / tree[2:]).unlink()
    paths_of(planted, {"0" * 40})
    assert not mark.exists()
