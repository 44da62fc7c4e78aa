"""Threads, and the tiny models that the tests of `reward` share."""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="the extra 'reward' is not installed")

from tests.reward.building import build_snapshot, pair_row
from tests.reward.tiny import save_bert, save_qwen

GOOD = ("clear", "exact", "kind")
BAD = ("vague", "wrong", "rude")


@pytest.fixture(scope="session")
def bert_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random encoder of two layers, with its tokenizer."""
    return save_bert(tmp_path_factory.mktemp("bert"))


@pytest.fixture(scope="session")
def qwen_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random causal model of two layers, with a tokenizer that has a chat template."""
    return save_qwen(tmp_path_factory.mktemp("qwen"))


def easy_rows(prompts: Sequence[int]) -> list[dict]:
    """Pairs that a word decides: the chosen response has a good one, the rejected a bad one."""
    return [
        pair_row(
            f"question {p}",
            f"the answer {p} is {GOOD[p % 3]}" + " and so on" * (p % 4),
            f"the answer {p} is {BAD[p % 3]}" + " and so on" * ((p + 2) % 4),
            soft_label=0.75 if p % 2 else 1.0,
            criteria=[{"key": "clarity", "value": 1.0 if p % 3 else -0.5}],
            tensions=[{"key": "clarity|length", "value": 0.5 if p % 5 == 0 else 0.0}],
        )
        for p in prompts
    ]


@pytest.fixture(scope="session")
def snapshot_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 easy training pairs and 16 held out, with a tie and a human ceiling."""
    return build_snapshot(
        tmp_path_factory.mktemp("snapshot") / "easy",
        {"train": easy_rows(range(48)), "test": easy_rows(range(48, 64))},
        ties={"train": [pair_row("question 99", "the answer is clear", "the answer is exact", soft_label=0.5)]},
        human_ceiling={"value": 0.9, "low": 0.8, "high": 0.95, "n": 100, "undefined_reason": None},
        aggregation={"method": "majority"},
    )
