"""git configuration read as git reads it, written so that git reads the same; what enters and what leaves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yett.sandbox import gitconfig, gitkeys
from yett.sandbox.gitconfig import Entry, Malformed

SECTIONS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
KEYS = st.from_regex(r"[a-z][a-z0-9-]{0,8}", fullmatch=True)
SUBSECTIONS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_characters="\x7f"), max_size=8)
VALUES = st.none() | st.text(st.sampled_from("ab c\"\\#;=[]\t\n'é$!"), max_size=12)
ENTRIES = st.lists(st.builds(Entry, SECTIONS, SUBSECTIONS, KEYS, VALUES), max_size=8)


def read_by_git(path: Path) -> list[tuple[str, str | None]]:
    """(name, value) pairs as git itself lists them."""
    words = ["git", "config", "--file", str(path), "--no-includes", "--list", "-z"]
    out = subprocess.run(words, check=True, capture_output=True).stdout.decode("utf-8", "surrogateescape")
    pairs = []
    for item in out.split("\0")[:-1]:
        name, newline, value = item.partition("\n")
        pairs.append((name, value if newline else None))
    return pairs


SAMPLES = {
    "comments and spaces": "# top\n[core]\n\tbare = false ; not bare\n  fileMode=true   # yes\n",
    "quotes": '[a "b c"]\n\tx = " lead" and "tail "\n\ty = a \\"q\\" \\\\ \\t\n',
    "continued": "[a]\n\tx = one \\\n  two\n\ty = 1\n",
    "key on the section's line": "[a] x = 1\n[b]y=2\n",
    "no value": "[a]\n\tflag\n\tempty =\n",
    "old subsection": "[Branch.Main]\n\tRemote = Origin\n",
    "escaped subsection": '[remote "a\\"b\\\\c"]\n\turl = x\n',
    "inner spaces": "[a]\n\tx = one   two three  \n",
    "comment signs inside quotes": '[a]\n\tx = "a # b ; c"\n',
    "carriage returns": "[a]\r\n\tx = 1\r\n",
    "a byte order mark": "\ufeff[a]\n\tx = 1\n",
}


@pytest.mark.parametrize("sample", SAMPLES)
def test_it_reads_as_git_reads(sample: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_bytes(SAMPLES[sample].encode())
    assert [(entry.name, entry.value) for entry in gitconfig.parse(SAMPLES[sample])] == read_by_git(path)


@pytest.mark.parametrize(
    "text", ["[a\n", "[a]\n = 1\n", '[a "b]\n', '[a]\n\tx = "open\n', "[a]\n\tx = \\q\n", "[a]\n\t1x = 2\n"]
)
def test_what_git_refuses_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(Malformed):
        gitconfig.parse(text)
    assert (
        subprocess.run(["git", "config", "--file", str(path), "--list"], capture_output=True, check=False).returncode
        != 0
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ENTRIES)
def test_what_is_written_git_reads_back(tmp_path: Path, entries: list[Entry]) -> None:
    text = gitconfig.serialise(entries)
    assert gitconfig.parse(text) == entries
    path = tmp_path / "config"
    path.write_bytes(text.encode())
    assert read_by_git(path) == [(entry.name, entry.value) for entry in entries]


@given(st.text(st.sampled_from('[]"\\ab= \t\n#;.-1'), max_size=60))
def test_reading_never_breaks_otherwise(text: str) -> None:
    try:
        entries = gitconfig.parse(text)
    except Malformed:
        return
    assert gitconfig.parse(gitconfig.serialise(entries)) == entries


@pytest.mark.parametrize(
    "value",
    ["ext::sh -c id", "--upload-pack=id", "-oProxyCommand=id", "foo://x", "fd::3", "a::b", "https://x\n[core]"],
)
def test_an_address_that_could_run_something_does_not_leave(value: str) -> None:
    assert not gitkeys.may_leave(Entry("remote", "origin", "url", value))
    assert not gitkeys.may_leave(Entry("submodule", "x", "url", value))


@pytest.mark.parametrize("value", ["https://h.example/x.git", "git@h.example:x.git", "../sibling", "/srv/x.git"])
def test_an_ordinary_address_leaves(value: str) -> None:
    assert gitkeys.may_leave(Entry("remote", "origin", "url", value))


@given(st.builds(Entry, SECTIONS, SUBSECTIONS, KEYS, VALUES))
def test_nothing_leaves_but_branches_remotes_and_a_few_words(entry: Entry) -> None:
    if gitkeys.may_leave(entry):
        assert entry.section in ("remote", "branch", "submodule", "user", "push", "pull", "core", "lfs")
        assert entry.value is not None
        assert "\n" not in entry.value
