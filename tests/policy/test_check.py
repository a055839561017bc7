"""`yett policy check`: errors by file and rule, and rules that are surely not meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from yett.policy import check


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def write(folder: Path, name: str, layer: str, *rules: str) -> None:
    (folder / name).write_text("\n".join([f"layer: {layer}", "rules:", *(f"  - {{{rule}}}" for rule in rules), ""]))


def test_a_sound_folder_has_no_problems(folder: Path) -> None:
    write(folder, "a.yaml", "narrow", "rule: a, verdict: hold, who: {team: x}, effects: [write]")
    write(folder, "b.yaml", "widen", "rule: b, verdict: may-hold, effects: [write], where: {environment: ci}")
    assert check(folder) == []
    assert check(None) == []


def test_each_files_error_is_listed_with_its_rule(folder: Path) -> None:
    write(folder, "a.yaml", "narrow", "rule: a, verdict: denny")
    write(folder, "b.yaml", "narrow", "rule: b, verdict: may-pass")
    (folder / "c.cedar").write_text(
        '// layer: narrow\n@id("c") forbid (principal, action in Action::"write", resource) when { context.rows > 1 };'
    )
    problems = check(folder)
    assert [(Path(p.file).name, p.rule.rpartition("/")[2], p.refused) for p in problems] == [
        ("a.yaml", "a", True),
        ("b.yaml", "b", True),
        ("c.cedar", "c", True),
    ]
    assert all(p.what and p.remedy for p in problems)


def test_an_unsigned_file_is_a_problem_when_signatures_are_given(folder: Path) -> None:
    write(folder, "b.yaml", "widen", "rule: b, verdict: may-hold, effects: [write], where: {environment: ci}")
    (problem,) = check(folder, signed=frozenset())
    assert problem.refused
    assert "signed" in problem.what


def test_a_strange_file_stops_the_check(folder: Path) -> None:
    (folder / "a.rego").write_text("")
    (problem,) = check(folder)
    assert problem.refused


@pytest.mark.parametrize(
    ("layer", "rules", "words"),
    [
        ("widen", ["rule: a, verdict: may-pass"], "widens for every agent and every resource and every effect"),
        ("widen", ["rule: a, verdict: may-hold, effects: [write]"], "widens for every agent and every resource"),
        ("widen", ["rule: a, verdict: may-pass, effects: [admin], where: {provider: x}"], "never pass silently"),
        (
            "narrow",
            ["rule: a, verdict: deny, effects: [write]", "rule: b, verdict: hold, effects: [write], who: {team: x}"],
            "changes nothing: n/a already forbids",
        ),
        (
            "narrow",
            ["rule: a, verdict: deny, effects: [write]", "rule: b, verdict: deny, effects: [write]"],
            "changes nothing: n/a already forbids",
        ),
        ("narrow", ["rule: a, verdict: hold, effects: [admin]"], "changes nothing: floor/never-silent"),
    ],
)
def test_a_rule_that_is_surely_not_meant_is_pointed_out(folder: Path, layer: str, rules: list[str], words: str) -> None:
    write(folder, "n.yaml", layer, *rules)
    problems = check(folder)
    assert words in "; ".join(problem.what for problem in problems)
    assert not any(problem.refused for problem in problems)


def test_a_permit_that_a_narrowing_rule_forbids_altogether_is_pointed_out(folder: Path) -> None:
    write(folder, "n.yaml", "narrow", "rule: a, verdict: deny, effects: [write], where: {environment: ci}")
    write(folder, "w.yaml", "widen", "rule: b, verdict: may-hold, effects: [write], where: {environment: ci}")
    (problem,) = check(folder)
    assert problem.rule == "w/b"
    assert "never lets anything through: n/a" in problem.what


def test_a_conditional_rule_hides_no_other(folder: Path) -> None:
    write(
        folder,
        "n.yaml",
        "narrow",
        "rule: a, verdict: deny, effects: [write], when: {rows_over: 5}",
        "rule: b, verdict: hold, effects: [write]",
    )
    assert check(folder) == []
