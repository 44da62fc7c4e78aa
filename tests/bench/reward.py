"""Reward models against their peers: training against stock TRL, scoring against the transformers pipeline.

Training arms alternate step by step in one process, over the same pairs from the same weights, stock TRL with its own
collator and random order and with gradient checkpointing off; an arm's time is that of whole steps (loading a batch,
forward, backward, optimiser), counted in CPU time (wall time on a GPU), so that other work on the machine does not
enter. The lengths are drawn with a seed from named distributions:

* `dialogue`: multi-turn dialogue as in Anthropic HH; prompt mean 116 tokens, responses mean 48, log-normal;
* `short`: one short question; prompt mean 24 tokens, responses mean 48, log-normal;
* `long`: prompt mean 900 tokens, responses mean 350, for the 0.6B model of `tests.bench._gpu`, which runs on a GPU.

`ratio` is stock time / our time over a whole epoch (both arms then did the same work), the geometric mean over epochs
that each have their own pairs, weights and order, with a 95 % t interval over the epochs.

`loss curve` lines train both arms for the same number of steps on the same pairs from the same weights and measure both
on the same held-out pairs along the way: mean difference of the curves with a t interval over seeds, beside the spread
between seeds of stock TRL alone.

`planted flips` lines plant 5 % of wrong labels and say which share of them the top tenth of the list of likely label
errors holds, by models that never saw the label (held-out folds).
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

VOCABULARY = 4096
MAX_LENGTH = 512
BATCH_SIZE = 16
N_PAIRS = 160
N_EPOCHS = 5
DISTRIBUTIONS = {"dialogue": (116, 48), "short": (24, 48), "long": (900, 350)}
WORDS = "people say that a good answer is clear and exact while others think it should be kind too"
SPREAD = {"prompt": 0.85, "response": 0.75}
"""Standard deviation of the logarithm of the lengths."""


def measurements() -> Iterator[dict[str, Any]]:
    """Scoring, planted flips, loss curves, training on a causal model and an encoder, on a GPU where there is one."""
    from tests.bench import _gpu

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    yield from _scoring()
    yield from _flips()
    yield from _curves("causal", share=True)
    yield from _curves("encoder", share=False)
    yield from _training("causal", "dialogue", share=True)
    yield from _training("causal", "short", share=True)
    yield from _training("encoder", "dialogue", share=False)
    yield from _gpu.measurements()


def clock() -> float:
    """CPU time of this process; on a GPU wall time, once its work is done."""
    import torch

    if not torch.cuda.is_available():
        return time.process_time()
    torch.cuda.synchronize()
    return time.perf_counter()


def mean_interval(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of a few independent values and its 95 % t interval."""
    from scipy.stats import t

    found = np.asarray(values, dtype=float)
    half = t.ppf(0.975, len(found) - 1) * found.std(ddof=1) / np.sqrt(len(found))
    return float(found.mean()), float(found.mean() - half), float(found.mean() + half)


def ratio_interval(ratios: Sequence[float]) -> dict[str, float]:
    """The geometric mean of a few ratios with its 95 % t interval."""
    names = ("ratio", "ratio_low", "ratio_high")
    return {name: round(float(np.exp(x)), 2) for name, x in zip(names, mean_interval(np.log(ratios)), strict=True)}


def draw_pairs(distribution: str, *, n: int, seed: int, limit: int = MAX_LENGTH) -> list[dict[str, Any]]:
    """Pairs of random tokens with the lengths of a named distribution; one of 40 tokens decides which is chosen."""
    rng = np.random.default_rng(seed)
    prompt_mean, response_mean = DISTRIBUTIONS[distribution]
    pairs = []
    for _ in range(n):
        n_prompt = _length(rng, prompt_mean, SPREAD["prompt"], limit // 2)
        sides = [_length(rng, response_mean, SPREAD["response"], limit // 2 - 2) for _ in range(2)]
        prompt = rng.integers(100, VOCABULARY, n_prompt).tolist()
        good, bad = (rng.integers(100, VOCABULARY, size).tolist() for size in sides)
        good[-1], bad[-1] = int(rng.integers(10, 30)), int(rng.integers(30, 50))
        row = {"chosen_ids": [*prompt, *good, 2], "rejected_ids": [*prompt, *bad, 2]}
        pairs.append({**row, "length": max(len(row["chosen_ids"]), len(row["rejected_ids"]))})
    return pairs


def _length(rng: np.random.Generator, mean: float, spread: float, limit: int) -> int:
    return int(np.clip(round(rng.lognormal(np.log(mean) - spread**2 / 2, spread)), 3, limit))


SHAPES = {
    "causal": "Qwen3, 4 layers of 256",
    "encoder": "BERT, 4 layers of 256",
    "small causal": "Qwen3, 2 layers of 64",
    "small encoder": "BERT, 2 layers of 64",
}


def _model(kind: str, *, seed: int = 0) -> Any:
    """A random model of one of SHAPES, seeded."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Qwen3Config, Qwen3ForSequenceClassification

    torch.manual_seed(seed)
    width, n_layers = (64, 2) if kind.startswith("small") else (256, 4)
    common = {"vocab_size": VOCABULARY, "max_position_embeddings": 1024, "num_labels": 1, "pad_token_id": 0}
    shape = {"hidden_size": width, "num_hidden_layers": n_layers, "intermediate_size": 4 * width}
    if kind.endswith("causal"):
        heads = {"head_dim": 64 if width == 256 else 32, "num_attention_heads": 4, "num_key_value_heads": 4}
        return Qwen3ForSequenceClassification(Qwen3Config(**common, **shape, **heads))
    return BertForSequenceClassification(BertConfig(**common, **shape, num_attention_heads=4))


class Arm:
    """One trainer, stepped from outside.

    Args:
        trainer: a `RewardTrainer`; its own loader gives the batches, epoch after epoch.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer
        self.seconds: list[float] = []
        trainer.create_optimizer()
        self._loader = trainer.get_train_dataloader()
        self._batches = iter(self._loader)
        self._epoch = 0

    def step(self) -> None:
        """Load a batch, train on it, note its time."""
        self.trainer.model.train()
        start = clock()
        batch = next(self._batches, None) or self._next_epoch()
        self.trainer.compute_loss(self.trainer.model, batch).backward()
        self.trainer.optimizer.step()
        self.trainer.optimizer.zero_grad()
        self.seconds.append(clock() - start)

    def _next_epoch(self) -> Any:
        self._epoch += 1
        sampler = getattr(self._loader, "batch_sampler", None)
        for one in (self._loader, getattr(sampler, "sampler", None)):
            if hasattr(one, "set_epoch"):
                one.set_epoch(self._epoch)
        self._batches = iter(self._loader)
        return next(self._batches)

    def held_out_loss(self, pairs: Sequence[dict[str, Any]]) -> float:
        """Mean negative log-likelihood of pairs that it never trains on."""
        import torch

        model = self.trainer.model.eval()
        margins = []
        with torch.inference_mode():
            for start in range(0, len(pairs), BATCH_SIZE):
                part = pairs[start : start + BATCH_SIZE]
                rows = [row[name] for name in ("chosen_ids", "rejected_ids") for row in part]
                longest = max(map(len, rows))
                ids = torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], device=model.device)
                mask = torch.tensor([[1] * len(r) + [0] * (longest - len(r)) for r in rows], device=model.device)
                chosen, rejected = model(input_ids=ids, attention_mask=mask).logits.squeeze(-1).chunk(2)
                margins.append((chosen - rejected).float())
        return float(torch.nn.functional.softplus(-torch.cat(margins)).mean())


def _arm(kind: str, pairs: Sequence[dict[str, Any]], folder: str, *, stock: bool, share: bool, seed: int = 0) -> Arm:
    return make_arm(_model(kind, seed=seed), pairs, folder, stock=stock, share=share, seed=seed)


def make_arm(
    model: Any,
    pairs: Sequence[dict[str, Any]],
    folder: str,
    *,
    stock: bool,
    share: bool,
    seed: int = 0,
    batch_size: int = BATCH_SIZE,
) -> Arm:
    """Stock TRL's trainer of a model, or ours, over the same pairs."""
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
    if share:
        enable_sharing(model)
    config = RewardConfig(
        output_dir=folder,
        per_device_train_batch_size=batch_size,
        learning_rate=1e-3,
        gradient_checkpointing=False,
        bf16=False,
        max_length=None,
        use_cpu=not torch.cuda.is_available(),
        dataloader_pin_memory=False,
        report_to="none",
        disable_tqdm=True,
        seed=seed,
    )
    rows = [{k: v for k, v in pair.items() if k != "length"} for pair in pairs] if stock else list(pairs)
    cls = RewardTrainer if stock else PreferenceTrainer
    collator = {} if stock else {"data_collator": PreferenceCollator(0, share_prefixes=share)}
    trainer = cls(
        model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer, **collator
    )
    return Arm(trainer)


def _training(kind: str, distribution: str, *, share: bool) -> Iterator[dict[str, Any]]:
    """Stock TRL and ours, step by step, epoch after epoch; then ours without one of its levers."""
    seconds: dict[str, list[list[float]]] = {}
    for seed in range(N_EPOCHS):
        pairs = draw_pairs(distribution, n=N_PAIRS, seed=seed)
        with tempfile.TemporaryDirectory() as folder:
            arms = {"stock TRL": _arm(kind, pairs, folder, stock=True, share=False, seed=seed)}
            arms["length groups"] = _arm(kind, pairs, folder, stock=False, share=False, seed=seed)
            if share:
                both = _arm(kind, pairs, folder, stock=False, share=True, seed=seed)
                arms["length groups and shared prefixes"] = both
            for _ in range(N_PAIRS // BATCH_SIZE):
                for arm in arms.values():
                    arm.step()
        for name, arm in arms.items():
            seconds.setdefault(name, []).append(arm.seconds)
    stock = seconds.pop("stock TRL")
    yield _line(kind, distribution, "stock TRL", stock)
    for name, found in seconds.items():
        ratios = [sum(theirs) / sum(ours) for theirs, ours in zip(stock, found, strict=True)]
        yield _line(kind, distribution, name, found, **ratio_interval(ratios), ratios=[round(r, 2) for r in ratios])


def _line(kind: str, distribution: str, arm: str, seconds: list[list[float]], **more: Any) -> dict[str, Any]:
    steps = np.concatenate(seconds)
    rates = BATCH_SIZE / steps
    return {
        "name": f"train {SHAPES[kind]}, {distribution}, {arm}",
        "n": len(steps),
        "median": round(float(np.median(rates)), 2),
        "p95": round(float(np.percentile(rates, 5)), 2),
        "unit": "pairs per second of CPU time",
        "n_epochs": len(seconds),
        "n_pairs": N_PAIRS,
        **more,
    }


CURVE = {"n_train": 256, "n_held_out": 256, "n_steps": 96, "every": 16}


def _curves(kind: str, *, share: bool, n_seeds: int = 3) -> Iterator[dict[str, Any]]:
    """Held-out loss along the way, stock TRL and ours with all its levers; `difference` is ours minus stock."""
    theirs, ours = (
        np.array(curve) for curve in zip(*(_curve_pair(kind, share, s) for s in range(n_seeds)), strict=True)
    )
    value, low, high = mean_interval((ours - theirs).mean(axis=1))
    last, last_low, last_high = mean_interval((ours - theirs)[:, -1])
    yield {
        "name": f"loss curve {SHAPES[f'small {kind}']}, dialogue, ours beside stock TRL",
        "n": n_seeds,
        "unit": "held-out negative log-likelihood",
        "n_steps": CURVE["n_steps"],
        "n_held_out": CURVE["n_held_out"],
        "stock": theirs.mean(axis=0).round(4).tolist(),
        "ours": ours.mean(axis=0).round(4).tolist(),
        "median": round(float(np.median(ours[:, -1])), 4),
        "p95": round(float(ours[:, -1].max()), 4),
        "difference": round(value, 4),
        "difference_low": round(low, 4),
        "difference_high": round(high, 4),
        "last_difference": [round(x, 4) for x in (last, last_low, last_high)],
        "stock_spread_between_seeds": round(float(theirs.std(axis=0, ddof=1).mean()), 4),
        "equal_within_noise": bool(low <= 0 <= high),
    }


def _curve_pair(kind: str, share: bool, seed: int) -> tuple[list[float], list[float]]:
    pairs = draw_pairs("dialogue", n=CURVE["n_train"] + CURVE["n_held_out"], seed=100 + seed)
    train, held_out = pairs[: CURVE["n_train"]], pairs[CURVE["n_train"] :]
    with tempfile.TemporaryDirectory() as folder:
        arms = [
            _arm(f"small {kind}", train, folder, stock=stock, share=share and not stock, seed=seed)
            for stock in (True, False)
        ]
        curves: tuple[list[float], list[float]] = ([], [])
        for step in range(CURVE["n_steps"]):
            for arm, curve in zip(arms, curves, strict=True):
                arm.step()
                if (step + 1) % CURVE["every"] == 0:
                    curve.append(arm.held_out_loss(held_out))
    return curves


N_FLIP_SEEDS = 20
N_FLIP_PAIRS = 1000


def _flips() -> Iterator[dict[str, Any]]:
    """5 % wrong labels, planted in a simulation and in real votes: how many of them head the list."""
    from tests.reward.building import data_folder
    from tests.reward.flips import simulated_labels

    yield _flips_line("simulation", lambda seed: simulated_labels(N_FLIP_PAIRS, seed=seed))
    path = data_folder() / "ukp_arguments.jsonl"
    if path.is_file():
        real = _ukp_labels(path)
        yield _flips_line("ukp_arguments, by topic", lambda _: real)


def _ukp_labels(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of pairs on which the votes lean, their topics, and the side of the majority."""
    from reward.embeddings import Embedder
    from reward.experiments import read_voted_pairs

    cache = os.environ.get("STEELYARD_BENCH_CACHE")
    embedder = Embedder(cache_dir=Path(cache) if cache else None)
    data = read_voted_pairs(path, group_key="topic", embedder=embedder)
    leans = data.truth != 0.5
    drawn = np.random.default_rng(0).permutation(np.flatnonzero(leans))[:N_FLIP_PAIRS]
    return data.differences[drawn], data.group[drawn], np.sign(data.truth[drawn] - 0.5)


def _flips_line(where: str, draw: Callable[[int], tuple[np.ndarray, ...]]) -> dict[str, Any]:
    from tests.reward.flips import share_in_top_tenth

    shares = [share_in_top_tenth(*draw(seed), seed=seed) for seed in range(N_FLIP_SEEDS)]
    value, low, high = mean_interval(shares)
    return {
        "name": f"planted flips, {where}: share of them in the top tenth of the list",
        "n": N_FLIP_SEEDS,
        "median": round(float(np.median(shares)), 3),
        "p95": round(float(np.percentile(shares, 5)), 3),
        "unit": "share",
        "value": round(value, 3),
        "low": round(low, 3),
        "high": round(high, 3),
        "n_pairs": N_FLIP_PAIRS,
        "n_flipped": round(0.05 * N_FLIP_PAIRS),
        "by_chance": 0.1,
    }


SCORED = {"encoder": "MiniLM in shape and weights", "causal": "Qwen3 of 4 layers of 256, prompts shared"}
N_ROUNDS = 7
PIPELINE_BATCHES = (1, 2, 4, 8, 16, 32)
CLOSE = 1.15
"""Calls of the pipeline that the first round finds slower than the best by more than this are not timed again."""


def _scoring(n_prompts: int = 24) -> Iterator[dict[str, Any]]:
    """Two responses to each prompt, lengths as in `dialogue`, through `Scorer` and the transformers pipeline.

    The pipeline has a model of its own and gets every batch size, with the texts as they stand in the file and sorted
    by length as a careful user would. Rounds alternate; `ratio` is the time of the best of these calls over ours, the
    geometric mean over rounds with a t interval; `ratio_batched` is against the best call that batches at all,
    `ratio_unsorted` against the best that batches the texts as they stand. Both start from texts: tokenising counts.
    """
    for kind in SCORED:
        scorer, texts = (_encoder_scorer if kind == "encoder" else _causal_scorer)(n_prompts)
        inputs = [_pipeline_input(scorer, text) for text in texts]
        calls = _pipeline_calls(scorer, inputs)
        spent: dict[Any, list[float]] = {"ours": [], **{call: [] for call in calls}}
        calls["ours"] = lambda scorer=scorer, texts=texts: scorer.score(texts)
        rewards = {}
        calls["ours"]()  # not timed: what a process does once
        for number in range(N_ROUNDS):
            best = min((found[0] for name, found in spent.items() if number and name != "ours"), default=0.0)
            for name, found in spent.items():
                if number and name != "ours" and found[0] > CLOSE * best:
                    continue
                start = clock()
                rewards[name] = calls[name]()
                found.append(clock() - start)
        yield from _scoring_lines(kind, spent, len(texts), _largest_difference(scorer, texts, inputs, rewards))


def _pipeline_calls(scorer: Any, inputs: list[Any]) -> dict[tuple[int, bool], Callable[[], Any]]:
    """The pipeline's calls by batch size and whether the texts are sorted."""
    from reward.models import load_reward_model

    model = load_reward_model(scorer.run.directory).to(scorer.device)
    ordered = sorted(inputs, key=_input_length)
    limit = scorer.run.max_length_tokens

    def call(size: int, is_sorted: bool) -> Callable[[], Any]:
        peer, given = _pipeline(scorer, model, size), ordered if is_sorted else inputs
        given_alike = {"truncation": True, "max_length": limit, "return_token_type_ids": False}  # as we train and score
        return lambda: peer(given, batch_size=size, **given_alike)

    return {(size, is_sorted): call(size, is_sorted) for size in PIPELINE_BATCHES for is_sorted in (False, True)}


def _largest_difference(scorer: Any, texts: list[Any], inputs: list[Any], rewards: dict[Any, Any]) -> float:
    """Largest difference between rewards of the pipeline and ours, over texts that neither had to cut."""
    theirs = np.array([one["score"] for one in rewards[1, False]])
    whole = [one.n_prompt_cut + one.n_response_cut == 0 for one in scorer.renderer.render(texts)]
    return float(np.abs(theirs - rewards["ours"])[whole].max())


def _scoring_lines(
    kind: str, spent: dict[Any, list[float]], n_texts: int, difference: float
) -> Iterator[dict[str, Any]]:
    whole = {name: found for name, found in spent.items() if name != "ours" and len(found) == N_ROUNDS}
    best = min(whole, key=lambda name: np.median(whole[name]))
    more: dict[str, Any] = ratio_interval(np.divide(whole[best], spent["ours"]))
    first = {name: found[0] for name, found in spent.items() if name != "ours"}
    for title, fits in (("batched", lambda name: name[0] > 1), ("unsorted", lambda name: name[0] > 1 and not name[1])):
        name = min((name for name in first if fits(name)), key=first.__getitem__)
        n = len(spent[name])
        more[f"ratio_{title}"] = round(float(np.exp(np.log(np.divide(spent[name], spent["ours"][:n])).mean())), 2)
    more |= {"largest_difference": float(f"{difference:.1e}")}
    order = "sorted" if best[1] else "as it stands"
    for name, title in ((best, f"transformers pipeline, batch {best[0]}, {order} (the best)"), ("ours", "Scorer")):
        rates = n_texts / np.array(spent[name])
        yield {
            "name": f"score {SCORED[kind]}, {title}",
            "n": len(rates),
            "median": round(float(np.median(rates)), 1),
            "p95": round(float(rates.min()), 1),
            "unit": "texts per second of CPU time",
            "n_texts": n_texts,
            **(more if name == "ours" else {}),
        }


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
    return f"User: {prompt[0][1]}\n\nAssistant:\n{response}<eos>"


def _input_length(given: Any) -> int:
    return len(given) if isinstance(given, str) else len(given["text"]) + len(given["text_pair"])


def _pipeline(scorer: Any, model: Any, batch_size: int) -> Any:
    from transformers import pipeline

    return pipeline(
        "text-classification",
        model=model,
        tokenizer=scorer.renderer.tokenizer,
        function_to_apply="none",
        device=scorer.device,
        batch_size=batch_size,
    )
