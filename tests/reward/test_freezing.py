"""From a file of one's own, in any of TRL's forms, to a scored test set."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from reward.__main__ import main
from reward.contract import read_manifest
from reward.errors import RewardError
from reward.freezing import freeze_file, split_pairs
from reward.pairs import open_snapshot, read_pair_file, read_pairs

N = 40


def message(role, content):
    return {"role": role, "content": content}


def rows(form):
    """Pairs that one word decides, in a form of TRL's preference data."""
    made = []
    for i in range(N):
        prompt, good, bad = f"question {i}", f"the answer {i} is clear", f"the answer {i} is vague"
        user = [message("user", prompt)]
        sides = {"chosen": [message("assistant", good)], "rejected": [message("assistant", bad)]}
        made.append(
            {
                "explicit text": {"prompt": prompt, "chosen": good, "rejected": bad},
                "explicit messages": {"prompt": user, **sides},
                "implicit messages": {name: user + side for name, side in sides.items()},
                "implicit text": {"chosen": f"User: {prompt}\n{good}", "rejected": f"User: {prompt}\n{bad}"},
            }[form]
        )
    return made


def write(path, form):
    if path.suffix == ".parquet":
        pd.DataFrame(rows(form)).to_parquet(path)
    elif path.suffix == ".json":
        path.write_text(json.dumps(rows(form), indent=1))
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows(form)))
    return path


@pytest.mark.parametrize("form", ["explicit text", "explicit messages", "implicit messages", "implicit text"])
@pytest.mark.parametrize("ending", ["jsonl", "json", "parquet"])
def test_every_form_is_frozen_with_a_tenth_of_the_prompts_to_test_on(tmp_path, form, ending):
    file = write(tmp_path / f"pairs.{ending}", form)
    snapshot = open_snapshot(freeze_file(file, tmp_path / "frozen"))
    pairs = {split: read_pairs(snapshot, split) for split in ("train", "validation", "test")}
    assert {split: len(found) for split, found in pairs.items()} == {"train": 32, "validation": 4, "test": 4}
    assert {pair.chosen for found in pairs.values() for pair in found} == {p.chosen for p in read_pair_file(file)}
    if form != "implicit text":
        assert all(pair.prompt[-1][1].startswith("question") for pair in pairs["test"])
    assert freeze_file(file, tmp_path / "frozen") == tmp_path / "frozen"  # the same file again changes nothing


def test_where_nothing_comes_of_a_run_nothing_is_left_of_its_data(tmp_path, capsys):
    file = write(tmp_path / "pairs.jsonl", "explicit text")
    arguments = ["train", "--data", str(file), "--output", str(tmp_path / "m")]
    assert main([*arguments, "--base", str(tmp_path / "nowhere")]) == 1
    assert "no such directory" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["pairs.jsonl"]
    frozen = freeze_file(file, tmp_path / "m.data")
    assert main([*arguments, "--base", str(tmp_path / "nowhere")]) == 1
    assert frozen.is_dir(), "what was there before stays"


def test_no_prompt_is_in_two_splits_and_few_are_not_split(tmp_path):
    path = tmp_path / "p.jsonl"
    many = [{"prompt": f"p{i % 12}", "chosen": f"a{i}", "rejected": f"b{i}"} for i in range(60)]
    path.write_text("".join(json.dumps(row) + "\n" for row in many))
    found = split_pairs(read_pair_file(path))
    prompts = [{pair.prompt for pair in pairs} for pairs in found.values()]
    assert [len(one) for one in prompts] == [10, 1, 1]
    assert len(set.union(*prompts)) == 12
    few = split_pairs(read_pair_file(path)[:9])
    assert {split: len(pairs) for split, pairs in few.items()} == {"train": 9, "validation": 0, "test": 0}


def test_ties_of_a_file_are_ties_of_the_snapshot(tmp_path):
    path = tmp_path / "p.jsonl"
    rows = [{"prompt": f"p{i}", "chosen": "a", "rejected": "b", "soft_label": 0.5 + 0.5 * (i % 2)} for i in range(40)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    snapshot = open_snapshot(freeze_file(path, tmp_path / "frozen"))
    assert sum(len(read_pairs(snapshot, split)) for split in ("train", "validation", "test")) == 20
    assert sum(map(snapshot.n_ties, ("train", "validation", "test"))) == 20
    assert len(read_pairs(snapshot, "train", include_ties=True)) == 32


def test_other_data_in_the_place_is_not_lost(tmp_path):
    freeze_file(write(tmp_path / "a.jsonl", "explicit text"), tmp_path / "frozen")
    other = write(tmp_path / "b.jsonl", "implicit text")
    with pytest.raises(RewardError, match="holds other data"):
        freeze_file(other, tmp_path / "frozen")
    freeze_file(other, tmp_path / "frozen", replace=True)
    assert read_manifest(tmp_path / "frozen").content["title"] == "b.jsonl"


def test_from_a_file_to_a_scored_test_set(bert_dir, tmp_path, capsys):
    """train --data, evaluate on the held-out split and on another file, score: the three commands of the README."""
    file = write(tmp_path / "pairs.jsonl", "explicit messages")
    model = str(tmp_path / "model")
    arguments = ["--base", str(bert_dir), "--epochs", "1", "--max-length-tokens", "32", "--frozen-baseline-pairs", "0"]
    assert main(["train", "--data", str(file), *arguments, "--output", model, "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["evaluation"]["n_pairs"] == 4
    assert report["evaluation"]["data"]["split"] == "test"
    assert report["evaluation"]["data"]["label_source"] == "the file's own labels"
    assert "a file of pairs has no votes" in report["evaluation"]["human_ceiling"]["undefined_reason"]
    assert "needs 20 of each" in report["curve"]["undefined_reason"]
    assert main(["evaluate", "--model", model, "--data", f"{model}.data", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["accuracy"] == report["evaluation"]["accuracy"]
    assert main(["evaluate", "--model", model, "--data", str(write(tmp_path / "x.parquet", "implicit text"))]) == 0
    told = capsys.readouterr().out.splitlines()
    assert max(map(len, told)) <= 100
    assert any(line.startswith("ceiling of human raters: a file of pairs has no votes") for line in told)
    assert main(["score", "--model", model, "--input", str(file), "--output", str(tmp_path / "s.jsonl")]) == 0
    told = capsys.readouterr().out
    assert "nothing cut at 32 tokens" in told
    assert "Accuracy" in told
    assert "trained on 32 of the" in told
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert sum(line["trained_on"] for line in lines) == 32
    second = [*arguments, "--test-data", str(file), "--against", model, "--output", str(tmp_path / "second"), "--json"]
    assert main(["train", "--data", str(file), *second]) == 0
    both = json.loads(capsys.readouterr().out.splitlines()[-1])["evaluation"]
    assert both["n_pairs"] == N
    assert both["against_model"]["run_id"] == report["run"]["run_id"]
    assert both["against_model"]["overlap"]["n_pairs_trained_on"] == 32
    assert main(["train", "--snapshot", "x", "--test-data", str(file), "--output", str(tmp_path / "third")]) == 1
    assert "--test-data belongs to --data" in capsys.readouterr().err
