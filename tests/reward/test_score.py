"""Scoring files: three forms of rows, order kept, complete or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from reward import heads, score
from reward.embeddings import surface_features
from reward.errors import RewardError
from reward.overlap import FILE_NAME, save_fingerprints
from reward.pairs import Pair, messages_of
from reward.prefix import shared_rows
from reward.runs import Run
from reward.score import question_of, score_file
from reward.scorer import Scorer, length_batches, prefix_groups
from tests.reward.building import build_snapshot
from tests.reward.conftest import BAD, GOOD, easy_rows
from tests.reward.test_heads import NamedVectors


@pytest.fixture(scope="module")
def scorer(bert_dir) -> Scorer:
    document = {"base": {"name": "tiny"}, "target": "soft"}
    learned = Pair(prompt=messages_of("question 2", place="here"), chosen="rude", rejected="kind")
    save_fingerprints(bert_dir / FILE_NAME, [learned])
    return Scorer(bert_dir, run=Run(bert_dir, "abc", "pair", 32, document), tokens_per_batch=64)


def write_lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def one(scorer: Scorer, prompt: str | None, response: str) -> float:
    return float(scorer.score([(messages_of(prompt, place="here"), response)])[0])


def test_three_forms_of_rows_in_the_order_of_the_input(scorer, tmp_path):
    path = write_lines(
        tmp_path / "in.jsonl",
        {
            "id": "x1",
            "prompt": "question 1",
            "completions": [{"id": "a", "text": "clear"}, {"id": "b", "text": "wrong"}],
        },
        {"prompt": "question 2", "chosen": "kind", "rejected": "rude"},
        {"prompt": [{"role": "user", "content": "question 3"}], "response": "exact"},
        {"prompt": "question 4", "completions": [{"text": "so"}, {"text": ""}, {"text": "on " * 60}]},
    )
    summary = score_file(scorer, path, tmp_path / "deep" / "out.jsonl")
    lines = read_lines(tmp_path / "deep" / "out.jsonl")
    assert [line["id"] for line in lines] == ["x1", "line 2", "line 3", "line 4"]
    assert {line["model"] for line in lines} == {"abc"}
    assert lines[0]["scores"] == pytest.approx(
        {"a": one(scorer, "question 1", "clear"), "b": one(scorer, "question 1", "wrong")}, abs=1e-6
    )
    assert lines[1]["chosen_score"] == pytest.approx(one(scorer, "question 2", "kind"), abs=1e-6)
    assert lines[1]["margin"] == lines[1]["chosen_score"] - lines[1]["rejected_score"]
    assert [line.get("trained_on") for line in lines] == [False, True, None, False]
    assert lines[2]["score"] == pytest.approx(one(scorer, "question 3", "exact"), abs=1e-6)
    assert list(lines[3]["scores"]) == ["a", "b", "c"]
    assert (summary.n_rows, summary.n_texts) == (4, 8)
    assert (summary.n_prompts_cut, summary.n_responses_cut) == (0, 1)


def test_preference_rows_come_with_their_accuracy(scorer, tmp_path):
    """Right and wrong by the model's own scores, ties apart: equal texts tie; a label of .5 prefers neither side."""
    good, bad = sorted(("clear", "wrong"), key=lambda text: -one(scorer, "question 1", text))
    path = write_lines(
        tmp_path / "in.jsonl",
        *({"prompt": "question 1", "chosen": good, "rejected": bad} for _ in range(3)),
        {"prompt": "question 1", "chosen": bad, "rejected": good},
        {"prompt": "question 1", "chosen": good, "rejected": good},
        {"prompt": "question 1", "chosen": bad, "rejected": good, "soft_label": 0.5},
        {"prompt": "question 1", "response": good},
    )
    summary = score_file(scorer, path, tmp_path / "out.jsonl")
    found = summary.accuracy
    assert (found["n_correct"], found["n_wrong"], found["n_tied"], found["n"]) == (3, 1, 1, 4)
    assert found["value"] == 0.75
    assert (found["low"], found["high"]) == pytest.approx((0.3006, 0.9544), abs=1e-4)  # Wilson, 3 of 4
    assert "Accuracy 0.750 (95 % interval 0.301 to 0.954)" in summary.sentences(32)
    assert "3 of 4 rows; 1 tie apart" in summary.sentences(32)
    alone = write_lines(tmp_path / "one.jsonl", {"prompt": "question 2", "chosen": "kind", "rejected": "rude"})
    summary = score_file(scorer, alone, tmp_path / "out.jsonl")
    assert summary.n_trained_on == 1
    assert summary.sentences(32).startswith("Scored 1 row (2 texts)")
    assert "trained on 1 of the 1 pair;" in summary.sentences(32)
    same = write_lines(tmp_path / "same.jsonl", {"chosen": "kind", "rejected": "kind"})
    assert "Accuracy undefined" in score_file(scorer, same, tmp_path / "out.jsonl").sentences(32)


def test_a_row_with_lists_is_right_where_each_chosen_text_beats_each_rejected_one(scorer, tmp_path):
    """RewardBench 2's form: one chosen text against three, or several chosen ones."""
    ranked = sorted(("clear", "exact", "vague", "wrong"), key=lambda text: -one(scorer, "question 1", text))
    path = write_lines(
        tmp_path / "in.jsonl",
        {"prompt": "question 1", "chosen": ranked[:1], "rejected": ranked[1:]},
        {"prompt": "question 1", "chosen": [ranked[0], ranked[2]], "rejected": [ranked[1], ranked[3]]},
        {"prompt": "question 1", "chosen": ranked[0], "rejected": ranked[1]},
    )
    summary = score_file(scorer, path, tmp_path / "out.jsonl")
    first, second, third = read_lines(tmp_path / "out.jsonl")
    assert first["chosen_scores"] == pytest.approx([one(scorer, "question 1", ranked[0])], abs=1e-6)
    assert first["margin"] == first["chosen_scores"][0] - max(first["rejected_scores"]) > 0
    assert second["margin"] == min(second["chosen_scores"]) - max(second["rejected_scores"]) < 0
    assert "chosen_score" in third
    assert (summary.accuracy["n_correct"], summary.accuracy["n_wrong"]) == (2, 1)
    texts = write_lines(tmp_path / "texts.jsonl", {"response": "clear"})
    assert score_file(scorer, texts, tmp_path / "out.jsonl").accuracy is None


def test_with_heads_each_line_has_its_scores_by_criterion(scorer, tmp_path, monkeypatch):
    """The same fields as of the reward, each score h . phi(response); on its own criterion the better word wins."""
    monkeypatch.setattr(heads, "Embedder", NamedVectors)
    rows = [
        row | {"criteria": [{"key": "clarity", "value": 1.0}, {"key": "brevity", "value": (-1.0) ** i}]}
        for i, row in enumerate(easy_rows(range(48)))
    ]
    heads.train_heads(build_snapshot(tmp_path / "s", {"train": rows}), output_dir=tmp_path / "h")
    path = write_lines(
        tmp_path / "in.jsonl",
        {"prompt": "q", "completions": [{"id": "a", "text": "it is clear"}, {"id": "b", "text": "it is wrong"}]},
        {"prompt": "q", "chosen": "it is clear", "rejected": "it is wrong"},
        {"prompt": "q", "chosen": ["it is clear"], "rejected": ["it is wrong", "it is rude"]},
        {"response": "it is rude"},
    )
    summary = score_file(scorer, path, tmp_path / "out.jsonl", heads=heads.CriterionScorer(tmp_path / "h"))
    lines = read_lines(tmp_path / "out.jsonl")
    assert summary.criteria == ("brevity", "clarity") == tuple(lines[0]["criteria"])
    assert "stand the scores by criterion: brevity, clarity." in summary.sentences(32)
    with np.load(tmp_path / "h" / "heads.npz") as arrays:
        head = arrays["coefficients"][1]
    texts = ["it is clear", "it is wrong", "it is rude"]
    clear, wrong, rude = np.hstack([NamedVectors().embed(texts), surface_features(texts)]) @ head
    assert clear > wrong
    comparison, pair, lists, text = (line["criteria"]["clarity"] for line in lines)
    assert comparison["scores"] == pytest.approx({"a": clear, "b": wrong})
    assert pair == pytest.approx({"chosen_score": clear, "rejected_score": wrong, "margin": clear - wrong})
    assert lists["rejected_scores"] == pytest.approx([wrong, rude])
    assert lists["margin"] == pytest.approx(clear - max(wrong, rude))
    assert text == {"score": pytest.approx(rude)}
    score_file(scorer, path, tmp_path / "plain.jsonl")
    plain = [{key: value for key, value in line.items() if key != "criteria"} for line in lines]
    assert read_lines(tmp_path / "plain.jsonl") == plain, "the rewards are the same with heads and without"


def test_a_causal_model_computes_a_shared_prompt_once(qwen_dir, monkeypatch):
    """Four responses to one prompt are one row; rewards equal those of each text alone, within 1e-5."""
    run = Run(qwen_dir, "abc", "template", 192, {"base": {"name": "tiny"}, "target": "soft"})
    scorer = Scorer(qwen_dir, run=run)
    prompts = ["question " + "and so on " * n for n in (4, 7)]
    texts = [
        (messages_of(p, place="here"), f"the answer {i} is {w}") for p in prompts for i, w in enumerate(GOOD + BAD)
    ]
    alone = np.array([scorer.score([text])[0] for text in texts])
    n_tokens: list[int] = []
    plain = shared_rows
    monkeypatch.setattr(
        "reward.scorer.shared_rows",
        lambda rows, **more: n_tokens.append(plain(rows, **more)["input_ids"].numel()) or plain(rows, **more),
    )
    assert scorer.score(texts) == pytest.approx(alone, abs=1e-5)
    assert 0 < sum(n_tokens) < 0.6 * sum(len(one.ids) for one in scorer.renderer.render(texts))


def test_texts_without_a_common_beginning_stand_alone():
    texts = [(1, 2, 3, 4), (5, 6), (1, 2, 3, 9), (1, 7, 8, 9), *((4, 4, 4, 4, i) for i in range(10))]
    groups = prefix_groups(texts)
    assert sorted(i for group in groups for i in group) == list(range(len(texts)))
    assert [0, 2] in groups
    assert [3] in groups
    assert sorted(map(len, groups)) == [1, 1, 2, 2, 8]


def test_chunks_change_nothing(scorer, tmp_path, monkeypatch):
    rows = [{"prompt": f"question {i}", "response": "and so on " * (i % 7)} for i in range(23)]
    path = write_lines(tmp_path / "in.jsonl", *rows)
    score_file(scorer, path, tmp_path / "whole.jsonl")
    monkeypatch.setattr(score, "CHUNK_ROWS", 5)
    done: list[int] = []
    score_file(scorer, path, tmp_path / "chunks.jsonl", on_progress=done.append)
    assert done == [5, 5, 5, 5, 3]
    whole, chunks = read_lines(tmp_path / "whole.jsonl"), read_lines(tmp_path / "chunks.jsonl")
    assert [line["id"] for line in whole] == [line["id"] for line in chunks]
    assert [line["score"] for line in whole] == pytest.approx([line["score"] for line in chunks], abs=1e-6)


def test_each_distinct_text_is_scored_once(scorer):
    seen: list[int] = []
    rewards = scorer.score([((), "clear"), ((), "wrong"), ((), "clear")], on_progress=seen.append)
    assert sum(seen) == 2
    assert rewards[0] == rewards[2] != rewards[1]
    assert scorer.score([]).shape == (0,)


def test_batches_keep_to_the_budget():
    lengths = [*np.random.default_rng(0).integers(1, 60, 200).tolist(), 500]
    batches = length_batches(lengths, 120)
    assert sorted(i for batch in batches for i in batch) == list(range(201))
    assert all(len(batch) * max(lengths[i] for i in batch) <= 120 for batch in batches if len(batch) > 1)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "q"}, "line 2: nothing to score"),
        ({"prompt": "q", "chosen": "a"}, "line 2: the field 'rejected' is missing"),
        ({"prompt": "q", "response": None}, "line 2, response: the response is missing"),
        ({"prompt": "q", "completions": []}, "line 2: 'completions' must be a list"),
        ({"prompt": "q", "completions": [{"id": "a"}]}, "line 2, completion 1: 'text' must be text"),
        ({"prompt": "q", "completions": [{"id": "a", "text": ""}] * 2}, "completion 2: the id 'a' occurs twice"),
        ({"completions": [{"text": "x"}]}, "line 2: the field 'prompt' is missing"),
    ],
)
def test_a_bad_row_stops_the_work_and_leaves_the_old_output(scorer, tmp_path, row, reason):
    path = write_lines(tmp_path / "in.jsonl", {"response": "fine"}, row)
    output = tmp_path / "out.jsonl"
    output.write_text("old\n")
    with pytest.raises(RewardError, match=reason):
        score_file(scorer, path, output)
    assert output.read_text() == "old\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.jsonl", "out.jsonl"]


def test_an_empty_file_is_refused(scorer, tmp_path):
    with pytest.raises(RewardError, match="no rows"):
        score_file(scorer, write_lines(tmp_path / "in.jsonl"), tmp_path / "out.jsonl")


def test_a_place_becomes_the_id_where_a_row_has_none():
    assert question_of({"response": "x"}, place="some: file.jsonl: line 7").row_id == "line 7"
