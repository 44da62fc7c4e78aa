"""Rubric tests: failing, ambiguous and untested criteria from votes of a campaign, a file and a program."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.services.rubric_test_votes import OTHER_MEANING, campaign_votes, file_votes, program_votes
from app.services.rubric_testing import Said, comparisons_of_tests, run_tests
from rubrics.model import Rubric
from tests.services.ledgers import make_campaign

PLAIN = {
    "key": "tested",
    "title": "Tested",
    "criteria": [
        {"key": "help", "name": "Help", "question": "Which helps?", "type": "preference_scale"},
        {"key": "safe", "name": "Safe", "question": "Is it safe?", "type": "check"},
    ],
    "tests": [
        {"prompt": "One?", "a": "first", "b": "second", "expect": {"help": "a", "safe": "tie", "overall": "a"}},
        {"prompt": "Two?", "a": "x", "b": "y", "expect": {"help": "b"}},
    ],
}
RUBRIC = Rubric.from_dict(PLAIN)


def said(rater: str, test: int = 0, kind: str = "human", **answers: str) -> Said:
    """A vote."""
    return Said(test, rater, kind, answers)


def statuses(report) -> dict[tuple[str, str], str]:
    """Status by criterion and kind."""
    return {(one.criterion, one.kind): one.status for one in report.criteria}


def test_failing_and_ambiguous_criteria_are_named():
    votes = [said("r1", help="b", safe="tie", overall="a"), said("r2", help="b", safe="a", overall="a")]
    report = run_tests(RUBRIC, votes)
    assert statuses(report) == {
        ("help", "human"): "fails",
        ("safe", "human"): "ambiguous",
        ("overall", "human"): "passes",
    }
    assert (report.failing, report.ambiguous, report.n_met) == (["help"], ["safe"], 1)
    share = next(check.share for check in report.checks if check.criterion == "safe")
    assert (share.n, share.value) == (2, 0.5)
    assert share.low < 0.5 < share.high
    assert [check.status for check in report.checks][-1] == "passes", "the worst stand first"
    assert json.loads(json.dumps(report.to_json()))["failing"] == ["help"]


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ("aaa", "passes"),
        ("aaab", "passes"),
        ("aab", "ambiguous"),
        ("bbb", "fails"),
        ("abbb", "fails"),
        ("ab", "ambiguous"),
    ],
)
def test_three_of_four_votes_are_clear(answers, status):
    votes = [said(f"r{place}", help=answer) for place, answer in enumerate(answers)]
    assert statuses(run_tests(RUBRIC, votes))["help", "human"] == status


def test_kinds_are_never_merged_and_no_votes_are_no_pass():
    people = [said(rater, help="a") for rater in ("r1", "r2")]
    report = run_tests(RUBRIC, [*people, *(said(f"m{k}", kind="model", help="b") for k in range(2))])
    assert statuses(report)["help", "human"] == "passes"
    assert statuses(report)["help", "model"] == "fails"
    one = run_tests(RUBRIC, people[:1])
    assert statuses(one)["help", "human"] == "too few votes", "one vote is nobody's agreement"
    assert (one.failing, one.ambiguous) == ([], [])
    empty = run_tests(RUBRIC, [])
    assert {check.status for check in empty.checks} == {"untested"}
    assert all(check.share.value is None and check.share.undefined_reason for check in empty.checks)


def native(prompt: str, a: str, b: str, **fields) -> dict:
    """A native line."""
    return {"id": prompt, "prompt": prompt, "completions": [{"id": "a", "text": a}, {"id": "b", "text": b}], **fields}


def test_votes_of_a_campaign_are_matched_by_content_in_either_order(store, tmp_path: Path):
    judged = {"rater": "r1", "preferred": "b", "criteria": {"help": {"preferred": "b"}}}
    lines = [
        native("One?", "second", "first \n", judgments=[judged]),
        native("Other?", "first", "second", judgments=[judged]),
    ]
    make_campaign(store, lines, tmp_path, rubric=RUBRIC)
    votes = campaign_votes(store, "c", RUBRIC)
    assert [one.answers for one in votes.said] == [{"help": "a", "overall": "a"}]
    other = Rubric.from_dict({**PLAIN, "criteria": [{**PLAIN["criteria"][0], "points": 5}, PLAIN["criteria"][1]]})
    left = campaign_votes(store, "c", other)
    assert [one.answers for one in left.said] == [{"overall": "a"}]
    assert left.left_out == {OTHER_MEANING: 1}


def test_votes_of_a_file_and_examples_for_a_pilot(tmp_path: Path):
    lines = comparisons_of_tests(RUBRIC)
    assert lines[0]["gold"] == {
        "accepted": ["a"], "criteria": {"help": "a", "safe": "tie"}, "explanation": "A worked example of the rubric.",
    }  # fmt: skip
    assert "gold" not in lines[1]
    lines[1]["judgments"] = [
        {"rater": name, "rater_kind": "model", "preferred": "a", "criteria": {"help": {"preferred": "b"}}}
        for name in ("m", "n")
    ]
    file = tmp_path / "votes.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = file_votes(file, RUBRIC).report(RUBRIC)
    assert statuses(report)["help", "model"] == "passes"
    with pytest.raises(InvalidInput, match="There is no file"):
        file_votes(tmp_path / "none", RUBRIC)


def program(tmp_path: Path, body: str) -> str:
    """A program that judges."""
    file = tmp_path / "judge.py"
    file.write_text(f"import json, sys\nfor line in sys.stdin:\n    one = json.loads(line)\n    {body}\n")
    return f"{sys.executable} {file}"


def test_a_program_is_asked_twice_so_that_an_answer_by_position_shows(tmp_path: Path):
    always_first = 'print(json.dumps({"id": one["id"], "criteria": {"help": {"preferred": "a"}}}))'
    report = program_votes(program(tmp_path, always_first), RUBRIC).report(RUBRIC)
    assert statuses(report)["help", "program"] == "ambiguous"
    by_text = (
        'side = next(c["id"] for c in one["completions"] if c["text"] in ("first", "y"))\n'
        '    print(json.dumps({"id": one["id"], "preferred": side, "criteria": {"help": {"preferred": side}}}))'
    )
    report = program_votes(program(tmp_path, by_text), RUBRIC).report(RUBRIC)
    assert statuses(report)["help", "program"] == "passes"


@pytest.mark.parametrize(
    ("body", "words"),
    [("print('no')", "line 1 of its output"), ("sys.exit('broken')", "status 1: broken"),
     ('print(json.dumps({"id": "other"}))', "the id that came in")],
)  # fmt: skip
def test_a_program_that_says_something_else_is_refused(tmp_path: Path, body, words):
    with pytest.raises(InvalidInput, match=words):
        program_votes(program(tmp_path, body), RUBRIC)


def test_a_program_that_is_not_there_is_refused():
    with pytest.raises(InvalidInput, match="cannot be run"):
        program_votes("/no/such/program", RUBRIC)
