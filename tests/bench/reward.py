"""Reward models against their peers: training against stock TRL, scoring against the transformers pipeline.

Training arms alternate step by step in one process, over the same pairs from the same weights, stock TRL with its own
collator and random order and with gradient checkpointing off; an arm's time is that of whole steps (loading a batch,
forward, backward, optimiser). The lengths are drawn with a seed from named distributions:

* `dialogue`: multi-turn dialogue as in Anthropic HH; prompt mean 116 tokens, responses mean 48, log-normal;
* `short`: one short question; prompt mean 24 tokens, responses mean 48, log-normal.

`ratio` is stock seconds / our seconds over all steps, with a 95 % bootstrap interval over pairs of steps.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

VOCABULARY = 4096
MAX_LENGTH = 512
BATCH_SIZE = 16
N_PAIRS = 160
DISTRIBUTIONS = {"dialogue": (116, 48), "short": (24, 48)}
WORDS = "people say that a good answer is clear and exact while others think it should be kind too"
SPREAD = {"prompt": 0.85, "response": 0.75}
"""Standard deviation of the logarithm of the lengths."""


def measurements() -> Iterator[dict[str, Any]]:
    """Training on a causal model and an encoder, then scoring."""
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    yield from _training("causal", "dialogue", share=True)
    yield from _training("causal", "short", share=True)
    yield from _training("encoder", "dialogue", share=False)
    yield from _scoring()


def draw_pairs(distribution: str, *, n: int, seed: int) -> list[dict[str, Any]]:
    """Pairs of random tokens with the lengths of a named distribution; one of 40 tokens decides which is chosen."""
    rng = np.random.default_rng(seed)
    prompt_mean, response_mean = DISTRIBUTIONS[distribution]
    pairs = []
    for _ in range(n):
        n_prompt = _length(rng, prompt_mean, SPREAD["prompt"], MAX_LENGTH // 2)
        sides = [_length(rng, response_mean, SPREAD["response"], MAX_LENGTH // 2 - 2) for _ in range(2)]
        prompt = rng.integers(100, VOCABULARY, n_prompt).tolist()
        good, bad = (rng.integers(100, VOCABULARY, size).tolist() for size in sides)
        good[-1], bad[-1] = int(rng.integers(10, 30)), int(rng.integers(30, 50))
        row = {"chosen_ids": [*prompt, *good, 2], "rejected_ids": [*prompt, *bad, 2]}
        pairs.append({**row, "length": max(len(row["chosen_ids"]), len(row["rejected_ids"]))})
    return pairs


def _length(rng: np.random.Generator, mean: float, spread: float, limit: int) -> int:
    return int(np.clip(round(rng.lognormal(np.log(mean) - spread**2 / 2, spread)), 3, limit))


def _model(kind: str) -> Any:
    """A random causal model (4 layers of 256) or encoder (6 layers of 384, the shape of MiniLM), seeded."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Qwen3Config, Qwen3ForSequenceClassification

    torch.manual_seed(0)
    common = {"vocab_size": VOCABULARY, "max_position_embeddings": 1024, "num_labels": 1, "pad_token_id": 0}
    if kind == "causal":
        shape = {"hidden_size": 256, "num_hidden_layers": 4, "intermediate_size": 1024, "head_dim": 64}
        heads = {"num_attention_heads": 4, "num_key_value_heads": 4}
        return Qwen3ForSequenceClassification(Qwen3Config(**common, **shape, **heads))
    shape = {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536, "num_attention_heads": 12}
    return BertForSequenceClassification(BertConfig(**common, **shape))


class Arm:
    """One trainer, stepped from outside.

    Args:
        trainer: a `RewardTrainer`; its own loader gives the batches.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.seconds: list[float] = []
        self.losses: list[float] = []
        trainer.create_optimizer()
        trainer.model.train()
        self._batches = iter(trainer.get_train_dataloader())

    def step(self) -> bool:
        """Load a batch, train on it, note time and loss; False when the epoch is over."""
        start = time.perf_counter()
        batch = next(self._batches, None)
        if batch is None:
            return False
        loss = self.trainer.compute_loss(self.trainer.model, batch)
        loss.backward()
        self.trainer.optimizer.step()
        self.trainer.optimizer.zero_grad()
        self.seconds.append(time.perf_counter() - start)
        self.losses.append(loss.item())
        return True


def _arm(kind: str, pairs: Sequence[dict[str, Any]], folder: str, *, stock: bool, share: bool) -> Arm:
    import torch
    from datasets import Dataset
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast
    from trl import RewardConfig, RewardTrainer

    from reward.elements import PreferenceCollator
    from reward.prefix import enable_sharing
    from reward.trainer import PreferenceTrainer

    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 2}, unk_token="<pad>")),
        pad_token="<pad>",
        eos_token="<eos>",
    )
    model = _model(kind)
    if share:
        enable_sharing(model)
    config = RewardConfig(
        output_dir=folder,
        per_device_train_batch_size=BATCH_SIZE,
        learning_rate=1e-3,
        gradient_checkpointing=False,
        bf16=False,
        max_length=None,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
        seed=0,
    )
    rows = [{k: v for k, v in pair.items() if k != "length"} for pair in pairs] if stock else list(pairs)
    cls = RewardTrainer if stock else PreferenceTrainer
    collator = {} if stock else {"data_collator": PreferenceCollator(0, share_prefixes=share)}
    trainer = cls(
        model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, **collator
    )
    return Arm(trainer)


def _training(kind: str, distribution: str, *, share: bool, n_pairs: int = N_PAIRS) -> Iterator[dict[str, Any]]:
    """Stock TRL and ours, step by step; then ours without one of its levers."""
    pairs = draw_pairs(distribution, n=n_pairs, seed=0)
    with tempfile.TemporaryDirectory() as folder:
        arms = {"stock TRL": _arm(kind, pairs, folder, stock=True, share=False)}
        arms["length groups"] = _arm(kind, pairs, folder, stock=False, share=False)
        if share:
            arms["length groups and shared prefixes"] = _arm(kind, pairs, folder, stock=False, share=True)
        going = True
        while going:
            going = all([arm.step() for arm in arms.values()])  # noqa: C419  each arm steps every time
    stock = arms.pop("stock TRL")
    yield _line(f"train {kind}, {distribution}, stock TRL", stock, n_pairs)
    for name, arm in arms.items():
        yield _line(f"train {kind}, {distribution}, {name}", arm, n_pairs, **_ratio(stock, arm), **_losses(stock, arm))


def _line(name: str, arm: Arm, n_pairs: int, **more: Any) -> dict[str, Any]:
    rates = BATCH_SIZE / np.array(arm.seconds)
    figures = {"median": round(float(np.median(rates)), 2), "p95": round(float(np.percentile(rates, 5)), 2)}
    return {"name": name, "n": len(arm.seconds), **figures, "unit": "pairs/s", "n_pairs": n_pairs, **more}


def _ratio(stock: Arm, arm: Arm) -> dict[str, Any]:
    """Stock seconds over ours, whole epoch, with a bootstrap over the steps that alternated."""
    theirs, ours = np.array(stock.seconds), np.array(arm.seconds)
    drawn = np.random.default_rng(0).integers(0, len(ours), (2000, len(ours)))
    low, high = np.percentile(theirs[drawn].sum(1) / ours[drawn].sum(1), [2.5, 97.5])
    value = float(theirs.sum() / ours.sum())
    return {"ratio": round(value, 2), "ratio_low": round(float(low), 2), "ratio_high": round(float(high), 2)}


def _losses(stock: Arm, arm: Arm) -> dict[str, Any]:
    """Mean loss of the second half of the epoch in both arms, and their difference with its standard error."""
    theirs, ours = (np.array(one.losses)[len(one.losses) // 2 :] for one in (stock, arm))
    error = float(np.sqrt(theirs.var(ddof=1) / len(theirs) + ours.var(ddof=1) / len(ours)))
    return {
        "loss_stock": round(float(theirs.mean()), 4),
        "loss_ours": round(float(ours.mean()), 4),
        "loss_difference_standard_error": round(error, 4),
    }


SCORED = {"encoder": "MiniLM in shape and weights", "causal": "Qwen3 of 4 layers of 256, prompts shared"}
N_ROUNDS = 7
PIPELINE_BATCHES = (1, 2, 4, 8, 16, 32)


def _scoring(n_prompts: int = 64) -> Iterator[dict[str, Any]]:
    """Two responses to each prompt, lengths as in `dialogue`, through `Scorer` and the transformers pipeline.

    The pipeline gets every batch size, with the texts as they stand in the file and sorted by length as a careful user
    would; sizes that one round finds more than twice as slow as the best are left out. Rounds alternate; `ratio` is the
    best pipeline's seconds over ours, round by round, with a bootstrap interval; `ratio_batched` is against the best
    pipeline that batches at all.
    """
    for kind in SCORED:
        scorer, texts = (_encoder_scorer if kind == "encoder" else _causal_scorer)(n_prompts)
        peers = {(size, is_sorted): _pipeline(scorer, size) for size in PIPELINE_BATCHES for is_sorted in (False, True)}
        inputs = [_pipeline_input(scorer, text) for text in texts]
        ordered = sorted(inputs, key=_input_length)
        seconds: dict[Any, list[float]] = {"ours": [], **{peer: [] for peer in peers}}
        for number in range(N_ROUNDS):
            for name, found in seconds.items():
                if number and name != "ours" and seconds[name][0] > 2 * min(seconds[peer][0] for peer in peers):
                    continue
                start = time.perf_counter()
                if name == "ours":
                    scorer.score(texts)
                else:
                    given, limit = (ordered if name[1] else inputs), scorer.run.max_length_tokens
                    peers[name](given, batch_size=name[0], truncation=True, max_length=limit)
                found.append(time.perf_counter() - start)
        yield from _scoring_lines(kind, seconds, len(texts))


def _scoring_lines(kind: str, seconds: dict[Any, list[float]], n_texts: int) -> Iterator[dict[str, Any]]:
    whole = {name: found for name, found in seconds.items() if name != "ours" and len(found) == N_ROUNDS}
    best = min(whole, key=lambda name: np.median(whole[name]))
    batched = min((name for name in whole if name[0] > 1), key=lambda name: np.median(whole[name]), default=best)
    ratio, low, high = _round_ratio(whole[best], seconds["ours"])
    more = {
        "ratio": ratio,
        "ratio_low": low,
        "ratio_high": high,
        "ratio_batched": _round_ratio(whole[batched], seconds["ours"])[0],
    }
    order = "sorted" if best[1] else "as it stands"
    for name, title in ((best, f"transformers pipeline, batch {best[0]}, {order} (the best)"), ("ours", "Scorer")):
        rates = n_texts / np.array(seconds[name])
        yield {
            "name": f"score {SCORED[kind]}, {title}",
            "n": len(rates),
            "median": round(float(np.median(rates)), 1),
            "p95": round(float(rates.min()), 1),
            "unit": "texts/s",
            "n_texts": n_texts,
            **(more if name == "ours" else {}),
        }


def _round_ratio(theirs: list[float], ours: list[float]) -> tuple[float, float, float]:
    """Their seconds over ours, summed over rounds, with a bootstrap over rounds."""
    a, b = np.array(theirs), np.array(ours)
    drawn = np.random.default_rng(0).integers(0, len(b), (2000, len(b)))
    low, high = np.percentile(a[drawn].sum(1) / b[drawn].sum(1), [2.5, 97.5])
    return round(float(a.sum() / b.sum()), 2), round(float(low), 2), round(float(high), 2)


def _encoder_scorer(n_prompts: int) -> tuple[Any, list[Any]]:
    """The embedded base with an untrained head: the speed of scoring does not depend on the weights."""
    from reward.models import load_base, load_tokenizer, resolve_base

    folder, base = Path(tempfile.mkdtemp()), resolve_base("minilm")
    tokenizer = load_tokenizer(base.location)
    load_base(base, pooling="model", pad_token_id=tokenizer.pad_token_id, seed=0).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return _scorer(folder, "pair", 256), _texts(n_prompts)


def _causal_scorer(n_prompts: int) -> tuple[Any, list[Any]]:
    """A random causal model with a tokenizer of whole words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    folder = Path(tempfile.mkdtemp())
    names = ["<pad>", "<unk>", "<eos>", *WORDS.split(), "User", "Assistant", ":"]
    vocabulary = {name: i for i, name in enumerate(dict.fromkeys(names))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", unk_token="<unk>", eos_token="<eos>"
    )
    _model("causal").save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return _scorer(folder, "plain", MAX_LENGTH), _texts(n_prompts)


def _scorer(folder: Path, layout: str, limit: int) -> Any:
    from reward.runs import Run
    from reward.scorer import Scorer

    return Scorer(folder, run=Run(folder, "bench", layout, limit, {}))


def _texts(n_prompts: int) -> list[Any]:
    """Two responses to each prompt, in random words, lengths drawn as `dialogue`."""
    rng, words = np.random.default_rng(1), WORDS.split()
    prompt_mean, response_mean = DISTRIBUTIONS["dialogue"]

    def text(mean: float, spread: float) -> str:
        return " ".join(rng.choice(words, _length(rng, mean, spread, MAX_LENGTH // 2 - 8)))

    prompts = [(("user", text(prompt_mean, SPREAD["prompt"])),) for _ in range(n_prompts)]
    return [(prompt, text(response_mean, SPREAD["response"])) for prompt in prompts for _ in range(2)]


def _pipeline_input(scorer: Any, text: Any) -> Any:
    """What a user would hand to the pipeline: a pair of texts for an encoder, one text for a causal model."""
    prompt, response = text
    if scorer.run.layout == "pair":
        return {"text": prompt[0][1], "text_pair": response}
    return f"User: {prompt[0][1]}\n\nAssistant:\n{response}"


def _input_length(given: Any) -> int:
    return len(given) if isinstance(given, str) else len(given["text"]) + len(given["text_pair"])


def _pipeline(scorer: Any, batch_size: int) -> Any:
    from transformers import pipeline

    return pipeline(
        "text-classification",
        model=scorer.model,
        tokenizer=scorer.renderer.tokenizer,
        function_to_apply="none",
        device=scorer.device,
        batch_size=batch_size,
    )
