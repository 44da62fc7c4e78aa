"""Pairs -> a tokenised `datasets.Dataset` for the trainer, cached by content, with a count of everything cut.

Tokenising is ours, because TRL would drop pairs that are too long without a word, end encoder texts twice and strip
our columns. The columns are `chosen_ids`, `rejected_ids`, `length` (the longer of the two), `soft_label`, `weight`
(divided by the mean weight of the split, so that the loss is a plain mean) and `margin` where every pair has one.
Where a comparison has more than one pair, all rows are whole comparisons instead: see `reward.elements`.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.stats.words import counted
from reward.contract import content_hash
from reward.errors import RewardError
from reward.pairs import Pair
from reward.rendering import RENDERING_VERSION, Renderer
from reward.targets import TARGETS

if TYPE_CHECKING:
    import pyarrow as pa
    from datasets import Dataset
    from transformers import PreTrainedTokenizerFast

CHUNK_PAIRS = 4096
ELEMENTS_VERSION = 2
"""Raised when the same pairs would give other rows."""


@dataclass(frozen=True)
class CutReport:
    """What tokenising a set of texts cut; nothing is ever dropped.

    Attributes:
        n_pairs: pairs in, which are also the pairs out.
        n_texts: rendered texts, two per pair.
        n_tokens: tokens kept, special tokens included.
        n_prompts_cut: texts whose prompt lost tokens at its beginning.
        n_prompt_tokens_cut: how many tokens these were.
        n_responses_cut: texts whose response lost tokens at its end.
        n_response_tokens_cut: how many tokens these were.
        n_empty_responses: texts with an empty or white-space response.
        max_length_tokens: the longest text allowed.
    """

    n_pairs: int = 0
    n_texts: int = 0
    n_tokens: int = 0
    n_prompts_cut: int = 0
    n_prompt_tokens_cut: int = 0
    n_responses_cut: int = 0
    n_response_tokens_cut: int = 0
    n_empty_responses: int = 0
    max_length_tokens: int = 0

    def plus(self, other: CutReport) -> CutReport:
        """The sum of two reports over the same length."""
        counts = {f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        return CutReport(**{**counts, "max_length_tokens": max(self.max_length_tokens, other.max_length_tokens)})

    def sentence(self) -> str:
        """The report in words, for the terminal and the model card."""
        if not self.n_prompts_cut and not self.n_responses_cut:
            return f"{counted(self.n_pairs, 'pair')}, none dropped, nothing cut at {self.max_length_tokens} tokens."
        return (
            f"{counted(self.n_pairs, 'pair')}, none dropped; at {self.max_length_tokens} tokens the beginning of the "
            f"prompt was cut in {self.n_prompts_cut:,} of {counted(self.n_texts, 'text')} "
            f"({counted(self.n_prompt_tokens_cut, 'token')}) and the end of the response in {self.n_responses_cut:,} "
            f"({counted(self.n_response_tokens_cut, 'token')})."
        )


def tokenizer_hash(tokenizer: PreTrainedTokenizerFast) -> str:
    """sha256 over the tokenizer's state and chat template: other hash, other ids."""
    backend = json.loads(tokenizer.backend_tokenizer.to_str())
    state = {key: value for key, value in backend.items() if key not in ("truncation", "padding")}
    return content_hash({"state": state, "template": tokenizer.chat_template, "end": tokenizer.eos_token})


def tokenise_pairs(
    pairs: Sequence[Pair],
    *,
    renderer: Renderer,
    target: str,
    source_hashes: Sequence[str],
    cache_dir: Path,
) -> tuple[Dataset, CutReport]:
    """Tokenise pairs, or read the result from the cache.

    Args:
        pairs: what to tokenise.
        renderer: layout, tokenizer and length.
        target: what `reward.targets` made the labels of; 'hard' also sets every label above .5 to 1 (a tie stays .5).
        source_hashes: sha256 of the files that the pairs come from: with tokenizer and parameters, the key.
        cache_dir: where tokenised sets are kept; a set appears there complete or not at all.

    Returns:
        The dataset, and what was cut.

    Raises:
        RewardError: no pairs, or an unknown target.
    """
    from datasets import Dataset

    if target not in TARGETS:
        raise RewardError(f"The target {target!r} is not known; the targets are {', '.join(TARGETS)}.")
    if not pairs:
        raise RewardError("There are no pairs to tokenise.")
    entry = cache_dir / _cache_key(renderer, target, source_hashes)
    if not entry.is_dir():
        _fill_cache(entry, pairs, renderer=renderer, target=target)
    report = CutReport(**json.loads((entry / "cut.json").read_text()))
    return Dataset.from_parquet(str(entry / "pairs.parquet"), cache_dir=str(entry / "arrow")), report


def _cache_key(renderer: Renderer, target: str, source_hashes: Sequence[str]) -> str:
    return content_hash(
        {
            "sources": list(source_hashes),
            "tokenizer": tokenizer_hash(renderer.tokenizer),
            "layout": renderer.layout,
            "max_length_tokens": renderer.max_length_tokens,
            "target": target,
            "version": RENDERING_VERSION,
            "elements": ELEMENTS_VERSION,
        }
    )[:32]


def _fill_cache(entry: Path, pairs: Sequence[Pair], *, renderer: Renderer, target: str) -> None:
    """Write one cache entry in a temporary directory beside its place, then rename it there."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    entry.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{entry.name}-", dir=entry.parent))
    elements = group_rankings(pairs)
    rankings = len(elements) < len(pairs)
    mean_weight = sum(pair.weight for pair in pairs) / len(elements)
    schema = _schema(with_margin=_all_have_margin(pairs), rankings=rankings)
    report, writer = CutReport(), None
    for chunk in _chunks(elements):
        flat = [pair for element in chunk for pair in element]
        rows, cut = tokenised_rows(flat, renderer=renderer, target=target, mean_weight=mean_weight)
        report = report.plus(cut)
        if rankings:
            parts = iter(rows)
            rows = [_ranking_row(element, [next(parts) for _ in element]) for element in chunk]
        table = pa.Table.from_pylist(rows, schema=schema)
        writer = writer or pq.ParquetWriter(partial / "pairs.parquet", table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
    (partial / "cut.json").write_text(json.dumps(asdict(report)))
    try:
        os.rename(partial, entry)
    except OSError:
        if not entry.is_dir():
            raise
        shutil.rmtree(partial)  # another process finished the same entry first


def group_rankings(pairs: Sequence[Pair]) -> list[list[Pair]]:
    """Pairs by comparison, in the order in which the comparisons first occur; a pair without an id stands alone."""
    groups: dict[object, list[Pair]] = {}
    for number, pair in enumerate(pairs):
        key = (pair.comparison_id, pair.prompt) if pair.comparison_id else number
        groups.setdefault(key, []).append(pair)
    return list(groups.values())


def _ranking_row(element: Sequence[Pair], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One row for the pairs of a comparison: each distinct text once, and for each pair the places of its texts."""
    places: dict[tuple[int, ...], int] = {}
    first, second = (
        [places.setdefault(tuple(row[name]), len(places)) for row in rows] for name in ("chosen_ids", "rejected_ids")
    )
    texts = [list(text) for text in places]
    values = {key: [row[key] for row in rows] for key in ("soft_label", "weight", "margin") if key in rows[0]}
    return {"texts_ids": texts, "first": first, "second": second, "length": max(map(len, texts)), **values}


def _schema(*, with_margin: bool, rankings: bool) -> pa.Schema:
    import pyarrow as pa

    ids, number = pa.list_(pa.int32()), pa.float64()
    if rankings:
        places = pa.list_(pa.int32())
        texts = [("texts_ids", pa.list_(ids)), ("first", places), ("second", places)]
        number = pa.list_(number)
    else:
        texts = [("chosen_ids", ids), ("rejected_ids", ids)]
    columns = [*texts, ("length", pa.int32()), ("soft_label", number), ("weight", number)]
    return pa.schema([*columns, ("margin", number)] if with_margin else columns)


def _all_have_margin(pairs: Sequence[Pair]) -> bool:
    """Whether margins are there; they must be on all pairs or on none."""
    n_margins = sum(pair.margin is not None for pair in pairs)
    if n_margins not in (0, len(pairs)):
        raise RewardError(f"{n_margins} of {len(pairs)} pairs have a margin; give it on all pairs or on none.")
    return n_margins > 0


def _chunks(elements: Sequence[Sequence[Pair]]) -> Iterator[Sequence[Sequence[Pair]]]:
    for start in range(0, len(elements), CHUNK_PAIRS):
        yield elements[start : start + CHUNK_PAIRS]


def tokenised_rows(
    pairs: Sequence[Pair], *, renderer: Renderer, target: str, mean_weight: float
) -> tuple[list[dict], CutReport]:
    """The trainer's rows for some pairs, one a pair, and what was cut."""
    texts = [(pair.prompt, text) for pair in pairs for text in (pair.chosen, pair.rejected)]
    rendered = renderer.render(texts)
    rows = []
    for pair, chosen, rejected in zip(pairs, rendered[::2], rendered[1::2], strict=True):
        hard = target == "hard" and pair.soft_label > 0.5
        row = {
            "chosen_ids": chosen.ids,
            "rejected_ids": rejected.ids,
            "length": max(len(chosen.ids), len(rejected.ids)),
            "soft_label": 1.0 if hard else pair.soft_label,
            "weight": pair.weight / mean_weight,
        }
        rows.append(row if pair.margin is None else {**row, "margin": pair.margin})
    report = CutReport(
        n_pairs=len(pairs),
        n_texts=len(texts),
        n_tokens=sum(len(one.ids) for one in rendered),
        n_prompts_cut=sum(one.n_prompt_cut > 0 for one in rendered),
        n_prompt_tokens_cut=sum(one.n_prompt_cut for one in rendered),
        n_responses_cut=sum(one.n_response_cut > 0 for one in rendered),
        n_response_tokens_cut=sum(one.n_response_cut for one in rendered),
        n_empty_responses=sum(not text.strip() for _, text in texts),
        max_length_tokens=renderer.max_length_tokens,
    )
    return rows, report
