"""Policy files: what is loaded from where, and what is not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yett.policy import PolicyError, file_digest, load_policies

Make = Callable[..., Any]

NARROW_YAML = "layer: narrow\nrules:\n  - {rule: no-writes, verdict: deny, effects: [write]}\n"
WIDEN_YAML = (
    "layer: widen\nrules:\n  - {rule: deletes, verdict: may-hold, effects: [delete], where: {environment: staging}}\n"
)
NARROW_CEDAR = '// layer: narrow\n@id("no-writes") forbid (principal, action in Action::"write", resource);\n'
WIDEN_CEDAR = """// layer: widen
@id("ask") permit (principal, action == Action::"hold.delete", resource in Environment::"staging");
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "policy").mkdir()
    return tmp_path / "policy"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    (tmp_path / "repo" / ".yett" / "policy").mkdir(parents=True)
    return tmp_path / "repo"


def in_workspace(workspace: Path, name: str) -> Path:
    return workspace / ".yett" / "policy" / name


def test_without_a_folder_the_shipped_layers_decide(tmp_path: Path, ask: Make) -> None:
    for policies in (load_policies(None), load_policies(tmp_path / "none", workspace=tmp_path)):
        assert policies.decide(ask("write")).verdict == "allow"
        assert [layer.name for layer in policies.layers] == ["floor", "base"]


@pytest.mark.parametrize(("name", "text"), [("a.yaml", NARROW_YAML), ("a.cedar", NARROW_CEDAR)])
def test_the_organisation_narrows(folder: Path, ask: Make, name: str, text: str) -> None:
    (folder / name).write_text(text)
    decision = load_policies(folder).decide(ask("write"))
    assert decision.verdict == "deny"
    assert "a/no-writes" in decision.rules


def test_lines_may_end_as_they_do_on_windows(folder: Path, ask: Make) -> None:
    (folder / "a.cedar").write_bytes(NARROW_CEDAR.replace("\n", "\r\n").encode())
    assert load_policies(folder).decide(ask("write")).verdict == "deny"


@pytest.mark.parametrize(("name", "text"), [("a.yaml", NARROW_YAML), ("a.cedar", NARROW_CEDAR)])
def test_the_workspace_narrows(workspace: Path, ask: Make, name: str, text: str) -> None:
    in_workspace(workspace, name).write_text(text)
    decision = load_policies(None, workspace=workspace).decide(ask("write"))
    assert decision.verdict == "deny"
    assert "workspace.a/no-writes" in decision.rules


@pytest.mark.parametrize(("name", "text"), [("a.yaml", WIDEN_YAML), ("a.cedar", WIDEN_CEDAR)])
def test_what_widens_is_loaded_only_as_it_was_signed(folder: Path, ask: Make, name: str, text: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_policies(folder)
    assert file_digest(text.encode()) in str(caught.value)
    assert "yett policy sign" in caught.value.remedy
    signed = frozenset({file_digest(text.encode())})
    assert load_policies(folder, signed=signed).decide(ask("delete", "elsewhere")).verdict == "hold"
    (folder / name).write_text(text.replace("staging", "prod"))
    with pytest.raises(PolicyError):
        load_policies(folder, signed=signed)


@pytest.mark.parametrize(("name", "text"), [("a.yaml", WIDEN_YAML), ("a.cedar", WIDEN_CEDAR)])
def test_the_workspace_never_widens_signed_or_not(workspace: Path, name: str, text: str) -> None:
    in_workspace(workspace, name).write_text(text)
    with pytest.raises(PolicyError, match="only narrow"):
        load_policies(None, workspace=workspace, signed=frozenset({file_digest(text.encode())}))


@pytest.mark.parametrize(
    "text",
    [
        NARROW_CEDAR + '@id("b") permit (principal, action in Action::"delete", resource);',
        NARROW_CEDAR.replace("forbid", "permit"),
    ],
)
def test_a_head_that_says_narrow_does_not_let_a_permit_in(workspace: Path, text: str) -> None:
    in_workspace(workspace, "a.cedar").write_text(text)
    with pytest.raises(PolicyError, match="no place in a narrow layer"):
        load_policies(None, workspace=workspace)


def test_a_workspace_cannot_take_an_organisations_names(folder: Path, workspace: Path) -> None:
    (folder / "a.yaml").write_text(NARROW_YAML)
    in_workspace(workspace, "a.yaml").write_text(NARROW_YAML)
    assert {"a/no-writes", "workspace.a/no-writes"} <= set(load_policies(folder, workspace=workspace).rules)


@pytest.mark.parametrize(
    "name", ["workspace.a.yaml", "floor.yaml", "base.cedar", "A.yaml", "a b.yaml", "ä.yaml", "-.yaml"]
)
def test_a_file_with_an_improper_name_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text(NARROW_YAML)
    with pytest.raises(PolicyError):
        load_policies(folder)


@pytest.mark.parametrize("name", ["a.yml", "a.json", "a", "a.yaml.bak", "a.cedar~", "a.rego"])
def test_a_file_that_is_no_policy_is_an_error_not_passed_over(folder: Path, name: str) -> None:
    (folder / name).write_text(NARROW_YAML)
    with pytest.raises(PolicyError, match="not a policy file"):
        load_policies(folder)


def test_notes_and_hidden_files_are_passed_over(folder: Path) -> None:
    (folder / "README.md").write_text("what our policies are for")
    (folder / ".gitkeep").write_text("")
    assert len(load_policies(folder).layers) == 2


@pytest.mark.parametrize(
    "text",
    [
        NARROW_CEDAR.partition("\n")[2],
        "\n" + NARROW_CEDAR,
        NARROW_CEDAR.replace("narrow", "floor"),
        NARROW_CEDAR.replace("narrow", "base"),
        NARROW_CEDAR.replace("narrow", "narrow widen"),
    ],
)
def test_a_cedar_file_says_its_layer_in_its_first_line(folder: Path, text: str) -> None:
    (folder / "a.cedar").write_text(text)
    with pytest.raises(PolicyError, match="layer"):
        load_policies(folder)


def test_one_bad_file_loads_nothing_and_is_named(folder: Path) -> None:
    (folder / "a.yaml").write_text(NARROW_YAML)
    (folder / "b.yaml").write_text("layer: narrow\nrules:\n  - {rule: x, verdict: nay}\n")
    with pytest.raises(PolicyError) as caught:
        load_policies(folder)
    assert "b.yaml" in str(caught.value)
    assert "x" in caught.value.rule


def test_what_cannot_be_read_is_an_error(folder: Path) -> None:
    (folder / "a.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(PolicyError, match="UTF-8"):
        load_policies(folder)
    (folder / "a.yaml").write_bytes(b"#" * 1_000_001)
    with pytest.raises(PolicyError, match="larger"):
        load_policies(folder)
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to("nowhere")
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(folder)
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").mkdir()
    with pytest.raises(PolicyError, match="not an ordinary file"):
        load_policies(folder)


def test_a_folder_that_is_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "policy").write_text(NARROW_YAML)
    with pytest.raises(PolicyError):
        load_policies(tmp_path / "policy")


def test_a_pipe_in_the_workspace_does_not_stop_the_daemon(workspace: Path) -> None:
    os.mkfifo(in_workspace(workspace, "a.yaml"))
    with pytest.raises(PolicyError, match="not an ordinary file"):
        load_policies(None, workspace=workspace)


def test_no_link_in_a_workspace_is_followed(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_text(NARROW_YAML)
    in_workspace(workspace, "a.yaml").symlink_to(tmp_path / "outside.yaml")
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(None, workspace=workspace)
    in_workspace(workspace, "a.yaml").unlink()
    (workspace / ".yett" / "policy").rmdir()
    (workspace / ".yett" / "policy").symlink_to(tmp_path)
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(None, workspace=workspace)
    (workspace / ".yett" / "policy").unlink()
    (workspace / ".yett").rmdir()
    (workspace / ".yett").symlink_to(tmp_path)
    (tmp_path / "policy").mkdir()
    with pytest.raises(PolicyError, match="cannot be read"):
        load_policies(None, workspace=workspace)


def test_a_workspace_of_very_many_files_is_refused(workspace: Path) -> None:
    for number in range(21):
        in_workspace(workspace, f"a{number}.yaml").write_text(NARROW_YAML)
    with pytest.raises(PolicyError, match="more than 20"):
        load_policies(None, workspace=workspace)


def test_what_is_loaded_does_not_change_when_the_file_does(workspace: Path, ask: Make) -> None:
    in_workspace(workspace, "a.yaml").write_text(NARROW_YAML)
    policies = load_policies(None, workspace=workspace)
    in_workspace(workspace, "a.yaml").unlink()
    assert policies.decide(ask("write")).verdict == "deny"
