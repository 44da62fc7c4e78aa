"""Commands that have labels looked at again: a model that judges first, and audits."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Steelyard, native, write_lines

N_JUDGED, N_WAITING = 60, 20


def test_a_model_judges_first_and_an_audit_looks_at_what_people_decided(tmp_path: Path, steelyard: Steelyard) -> None:
    judged = [native(f"j{number:02}") for number in range(N_JUDGED)]
    waiting = [native(f"p{number:02}", judgments=[]) for number in range(N_WAITING)]
    write_lines(tmp_path / "c.jsonl", *judged, *waiting)
    write_lines(
        tmp_path / "scores.jsonl",
        *({"id": row["id"], "model": "0123456789ab", "scores": {"a": 5.0, "b": 0.0}} for row in judged + waiting),
    )
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", "c.jsonl")
    steelyard("user", "add", "des", "--role", "designer", "--campaign", "c")
    started = steelyard("prejudge", "start", "c", "--scores", "scores.jsonl", "--seed", "1", "--json").json
    assert started["outcomes"]["accepted"] + started["outcomes"]["audit"] == N_WAITING
    assert steelyard("prejudge", "show", "c", "--json").json
    opened = steelyard("audit", "start", "c", "--as", "des", "--size", "50", "--json").json
    assert opened["n_items"] == 50
    assert [audit["state"] for audit in steelyard("audit", "status", "c", "--json").json["audits"]] == ["open"]


def test_reviews_say_how_far_they_are(tmp_path: Path, steelyard: Steelyard) -> None:
    write_lines(tmp_path / "c.jsonl", native("x1", judgments=[]))
    steelyard("campaign", "create", "c", "--rubric", "minimal")
    steelyard("import", "c", "c.jsonl")
    steelyard("user", "add", "des", "--role", "designer", "--campaign", "c")
    steelyard("user", "add", "rea", "--role", "reviewer", "--campaign", "c")
    found = steelyard("review", "status", "c", "--as", "des", "--json").json
    assert (found["waiting"], found["n_reviewed"], found["reviewers"]) == ({"review": 0, "senior": 0}, 0, [])
    assert "0 wait for a senior" in steelyard("review", "status", "c", "--as", "des").err
    assert "may not see quality" in steelyard("review", "status", "c", "--as", "rea", status=1).err
