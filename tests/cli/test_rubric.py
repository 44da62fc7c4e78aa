"""`steelyard rubric`: begin, check, test, compare, publish, look back."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Steelyard


def test_a_rubric_from_its_beginning_to_its_history(steelyard: Steelyard, tmp_path: Path) -> None:
    steelyard("rubric", "new", "mine.yaml", "--from", "data_to_text")
    text = (tmp_path / "mine.yaml").read_text()
    assert "key: mine\n" in text
    assert "valid; Sentences from structured data, 3 criteria" in steelyard("rubric", "check", "mine.yaml").out
    version = steelyard("rubric", "publish", "mine.yaml").out.strip()
    (tmp_path / "mine.yaml").write_text(text.replace("maximum: 6", "maximum: 7", 1))
    found = steelyard("rubric", "diff", version[:12], "mine.yaml", "--json").json
    refused = steelyard("rubric", "diff", version[:5], "mine.yaml", status=1).err
    assert "no key of the library either" in refused, "five signs are too few"
    assert [(one["place"], one["effect"]) for one in found] == [("Informativeness: highest rating", "meaning")]
    assert "meaning: Informativeness: highest rating" in steelyard("rubric", "diff", "mine", "mine.yaml").out
    newer = steelyard("rubric", "publish", "mine.yaml").out.strip()
    rows = steelyard("rubric", "history", "mine", "--json").json
    assert [(row["version"], row["n_changes_of_meaning"]) for row in rows] == [(newer, 1), (version, None)]
    assert newer[:12] in steelyard("rubric", "history").out


def test_what_is_wrong_has_its_line_and_advice_is_no_failure(steelyard: Steelyard, tmp_path: Path) -> None:
    file = tmp_path / "wrong.yaml"
    file.write_text("key: wrong\ntitle: Wrong\noverall: {points: 6}\n")
    assert "wrong.yaml:3: overall.points" in steelyard("rubric", "check", "wrong.yaml", status=1).err
    criterion = "  - {key: q, name: Q, question: Which is better?, type: preference_scale, guidance: More.}\n"
    file.write_text(f"key: vague\ntitle: Vague\ncriteria:\n{criterion}")
    assert "wrong.yaml:4: advice: criteria[0].question: 'better'" in steelyard("rubric", "check", "wrong.yaml").out
    assert [one["kind"] for one in steelyard("rubric", "check", "wrong.yaml", "--json").json["advice"]] == ["vague"]


def test_tests_need_votes_and_fail_without(steelyard: Steelyard, tmp_path: Path) -> None:
    steelyard("rubric", "test", "minimal", "--write", "examples.jsonl")
    assert len((tmp_path / "examples.jsonl").read_text().splitlines()) == 3
    done = steelyard("rubric", "test", "minimal", "--votes", "examples.jsonl", status=1)
    assert "0 of 3 tests were judged" in done.out
    lines = (
        (tmp_path / "examples.jsonl")
        .read_text()
        .replace(
            '"gold": {"accepted": ["a"]',
            '"judgments": [{"rater": "r", "preferred": "b"}, {"rater": "s", "preferred": "b"}], '
            '"gold": {"accepted": ["a"]',
        )
    )
    (tmp_path / "votes.jsonl").write_text(lines)
    done = steelyard("rubric", "test", "minimal", "--votes", "votes.jsonl", "--json", status=1)
    assert done.json["failing"] == ["overall"]
    (tmp_path / "one.jsonl").write_text(lines.replace(', {"rater": "s", "preferred": "b"}', ""))
    done = steelyard("rubric", "test", "minimal", "--votes", "one.jsonl", status=1)
    assert "no test has 2 votes" in done.err


def test_a_brief_without_an_assistant_takes_the_nearest_template(steelyard: Steelyard, tmp_path: Path) -> None:
    done = steelyard("rubric", "new", "news.yaml", "--brief", "Summaries of news, faithful to the source")
    assert "nearest template is summarisation" in done.err
    assert (tmp_path / "news.yaml").read_text().startswith("# The brief:\n# Summaries of news")
    assert "exists already" in steelyard("rubric", "new", "news.yaml", status=1).err
