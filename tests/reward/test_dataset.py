"""Tokenised sets: nothing dropped, everything cut is counted, cached by content."""

from __future__ import annotations

import pytest

from reward.dataset import tokenise_pairs, tokenizer_hash
from reward.errors import RewardError
from reward.models import load_tokenizer
from reward.pairs import Pair
from reward.rendering import Renderer

USER = (("user", "question 1"),)


@pytest.fixture
def renderer(bert_dir):
    return Renderer(load_tokenizer(str(bert_dir)), layout="pair", max_length_tokens=32)


def tokenise(pairs, renderer, cache_dir, *, target="soft", source_hashes=("x",)):
    return tokenise_pairs(pairs, renderer=renderer, target=target, source_hashes=source_hashes, cache_dir=cache_dir)


def test_columns_counts_and_weights(renderer, tmp_path):
    pairs = [
        Pair(USER, "clear", "wrong and so on", soft_label=0.75, weight=1.0),
        Pair(USER, " ".join("1" * 40), "", soft_label=1.0, weight=3.0),
        Pair((("user", " ".join("0" * 40)),), "clear", "rude", soft_label=0.5, weight=2.0),
    ]
    dataset, report = tokenise(pairs, renderer, tmp_path)
    assert dataset.column_names == ["chosen_ids", "rejected_ids", "length", "soft_label", "weight"]
    assert dataset["weight"] == [0.5, 1.5, 1.0]  # divided by their mean, 2
    assert dataset["soft_label"] == [0.75, 1.0, 0.5]
    # [CLS] question 1 [SEP] clear [SEP] = 6; rejected has 4 words = 9; cut texts fill the 32
    assert dataset["length"] == [9, 32, 32]
    assert [len(ids) for ids in dataset["chosen_ids"]] == [6, 32, 32]
    # 32 - 3 - 2 of the prompt (under its floor of 4) = 27 of 40 kept; twice 32 - 3 - 1 = 28 of 40 kept
    assert (report.n_pairs, report.n_texts) == (3, 6)
    assert (report.n_responses_cut, report.n_response_tokens_cut) == (1, 13)
    assert (report.n_prompts_cut, report.n_prompt_tokens_cut) == (2, 24)
    assert report.n_empty_responses == 1
    assert report.n_tokens == sum(len(ids) for name in ("chosen_ids", "rejected_ids") for ids in dataset[name])
    assert "the beginning of the prompt was cut in 2 of 6 texts (24 tokens)" in report.sentence()


def test_hard_targets_keep_ties(renderer, tmp_path):
    pairs = [Pair(USER, "clear", "wrong", soft_label=p) for p in (0.6, 1.0, 0.5)]
    assert tokenise(pairs, renderer, tmp_path, target="hard")[0]["soft_label"] == [1.0, 1.0, 0.5]


def test_the_cache_is_used_and_its_key_holds_all_that_matters(renderer, bert_dir, tmp_path, monkeypatch):
    pairs = [Pair(USER, "clear", "wrong")]
    first, report = tokenise(pairs, renderer, tmp_path)
    longer = Renderer(renderer.tokenizer, layout="pair", max_length_tokens=48)
    for other in ({"target": "hard"}, {"source_hashes": ("y",)}):
        tokenise(pairs, renderer, tmp_path, **other)
    tokenise(pairs, longer, tmp_path)
    assert len([path for path in tmp_path.iterdir() if not path.name.startswith(".")]) == 4

    monkeypatch.setattr(Renderer, "render", lambda *_: pytest.fail("tokenised again"))
    again, report_again = tokenise(
        pairs, Renderer(load_tokenizer(str(bert_dir)), layout="pair", max_length_tokens=32), tmp_path
    )
    assert again.to_list() == first.to_list()
    assert report_again == report


def test_a_tokenizer_is_the_same_after_use(bert_dir):
    tokenizer = load_tokenizer(str(bert_dir))
    before = tokenizer_hash(tokenizer)
    tokenizer(["clear", "wrong answer"], padding=True, truncation=True, max_length=3)
    tokenizer(["clear"], split_special_tokens=True)
    assert tokenizer_hash(tokenizer) == before


def test_margins_are_on_all_pairs_or_none(renderer, tmp_path):
    pairs = [Pair(USER, "clear", "wrong", margin=0.5), Pair(USER, "clear", "rude", margin=1.0)]
    assert tokenise(pairs, renderer, tmp_path)[0]["margin"] == [0.5, 1.0]
    with pytest.raises(RewardError, match="1 of 2 pairs have a margin"):
        tokenise([pairs[0], Pair(USER, "clear", "rude")], renderer, tmp_path, source_hashes=("z",))
    with pytest.raises(RewardError, match="no pairs"):
        tokenise([], renderer, tmp_path)
    with pytest.raises(RewardError, match="'fuzzy' is not known"):
        tokenise(pairs, renderer, tmp_path, target="fuzzy")
