"""Law 9. What lies in the workspace may be an agent's: it may only narrow, and is read once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from law_plane import LawPlane
from law_world import PROD_VOLUME, STAGING_VOLUME

from yett.model.errors import YettError
from yett.policy import load_policies
from yett.policy.errors import PolicyError
from yett.policy.layers import file_digest

PERMIT = '@id("mine")\npermit (principal, action in Action::"pass", resource);\n'
WIDEN = f"// layer: widen\n{PERMIT}".encode()
FORBID = b'// layer: narrow\n@id("mine")\nforbid (principal, action in [Action::"pass", Action::"hold"], resource);\n'


def workspace(folder: Path, content: bytes, name: str = "mine.cedar") -> Path:
    policies = folder / "ws" / ".yett" / "policy"
    policies.mkdir(parents=True)
    (policies / name).write_bytes(content)
    return folder / "ws"


def test_a_workspace_cannot_widen(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="may only narrow"):
        load_policies(None, workspace=workspace(tmp_path, WIDEN))


def test_nor_with_a_signature_that_was_given_to_the_same_text_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="may only narrow"):
        load_policies(None, workspace=workspace(tmp_path, WIDEN), signed=frozenset({file_digest(WIDEN)}))


@pytest.mark.parametrize(
    "head",
    ["// layer: narrow", "// layer: base", "// layer: floor", "// layer: WIDEN", "", "//layer:narrow // layer: widen"],
)
def test_a_permit_under_another_head_is_refused(tmp_path: Path, head: str) -> None:
    with pytest.raises(PolicyError):
        load_policies(None, workspace=workspace(tmp_path, f"{head}\n{PERMIT}".encode()))


@pytest.mark.parametrize("name", ["floor.cedar", "base.cedar", "../up.cedar", "Mine.cedar", "mine.txt"])
def test_a_workspace_takes_no_shipped_layers_place(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "ws" / ".yett" / "policy"
    folder.mkdir(parents=True)
    (folder / name).write_bytes(FORBID)
    if "/" in name:  # outside of the folder, so it is not read at all
        assert load_policies(None, workspace=tmp_path / "ws").digest == load_policies(None).digest
        return
    with pytest.raises(PolicyError):
        load_policies(None, workspace=tmp_path / "ws")


def test_a_workspace_that_narrows_is_heard(laws: LawPlane, tmp_path: Path) -> None:
    session = laws.session()
    attempts = [laws.get(session), laws.rename(session, STAGING_VOLUME)]
    for attempt in attempts:
        laws.send(attempt)
    laws.plane.maps.policies = load_policies(None, workspace=workspace(tmp_path, FORBID))
    for attempt in attempts:
        laws.refused(attempt)


def test_no_verdict_gets_milder_by_what_a_workspace_says(laws: LawPlane, tmp_path: Path) -> None:
    """The same attempts, before and after an agent wrote an obligation and a forbid that look like permits."""
    odd = b'// layer: narrow\n@id("a")\n@oblige("mask")\npermit (principal, action in Action::"owe", resource);\n'
    session = laws.session()
    attempts = [
        laws.get(session),
        laws.get(session, method="POST"),
        laws.rename(session, STAGING_VOLUME),
        laws.rename(session, PROD_VOLUME),
        laws.delete(session, PROD_VOLUME),
    ]

    def verdicts() -> list[int]:
        async def judged() -> list[int]:
            state = laws.checkpoint.state(session.id)
            assert state is not None
            found = [await laws.checkpoint._judging.judge(attempt, state, "d", fresh=False) for attempt in attempts]
            return [one.decision.verdict.strictness for one in found]

        return laws.do(judged())

    before = verdicts()
    laws.plane.maps.policies = load_policies(None, workspace=workspace(tmp_path, odd))
    assert all(after >= first for after, first in zip(verdicts(), before, strict=True))


def test_a_link_out_of_the_workspace_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.cedar").write_bytes(FORBID)
    (tmp_path / "ws" / ".yett").mkdir(parents=True)
    os.symlink(outside, tmp_path / "ws" / ".yett" / "policy")
    with pytest.raises(YettError):
        load_policies(None, workspace=tmp_path / "ws")


def test_a_pipe_in_the_workspace_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "ws" / ".yett" / "policy"
    folder.mkdir(parents=True)
    os.mkfifo(folder / "mine.cedar")
    with pytest.raises(PolicyError, match="ordinary file"):
        load_policies(None, workspace=tmp_path / "ws")


def test_what_was_read_is_frozen(laws: LawPlane, tmp_path: Path) -> None:
    session = laws.session()
    folder = workspace(tmp_path, FORBID)
    laws.plane.maps.policies = load_policies(None, workspace=folder)
    (folder / ".yett" / "policy" / "mine.cedar").unlink()
    laws.refused(laws.get(session))


def test_an_organisation_widens_only_by_what_was_signed_byte_for_byte(tmp_path: Path) -> None:
    (tmp_path / "mine.cedar").write_bytes(WIDEN)
    with pytest.raises(PolicyError, match="nobody has signed"):
        load_policies(tmp_path)
    load_policies(tmp_path, signed=frozenset({file_digest(WIDEN)}))
    (tmp_path / "mine.cedar").write_bytes(WIDEN + b"\n")
    with pytest.raises(PolicyError, match="nobody has signed"):
        load_policies(tmp_path, signed=frozenset({file_digest(WIDEN)}))


def test_no_file_of_a_workspace_makes_a_known_secret_pass(laws: LawPlane) -> None:
    """Allow comments and baselines hush reports; law 3 does not read them."""
    from law_plane import ELSEWHERE, REAL_TOKEN

    (laws.home / "workspace" / ".env").write_text(
        f"RAILWAY_TOKEN={REAL_TOKEN}  # yett:allow pragma: allowlist secret\n"
    )
    session = laws.session()
    port = laws.proxy(session)
    laws.lease(session)
    assert laws.over(port, "GET", f"/{REAL_TOKEN}", host=ELSEWHERE).status == 403
