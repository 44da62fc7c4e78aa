"""Score a file of texts with a trained model, in chunks, in the order of the input.

A row may be a native comparison (`prompt`, `completions`), a preference row in TRL's form (`chosen`, `rejected`, with
or without `prompt`; both sides may be lists, as in RewardBench 2), or one text (`prompt`, `response`). One JSON line
comes out for each row that goes in:

    {"id": "x1", "model": "3f9c...", "scores": {"a": 1.21, "b": -0.30}, "trained_on": false}
    {"id": "line 2", "model": "3f9c...", "chosen_score": 0.8, "rejected_score": 0.1, "margin": 0.7, "trained_on": true}
    {"id": "line 3", "model": "3f9c...", "chosen_scores": [0.8], "rejected_scores": [0.1, 0.3], "margin": 0.5, ...}
    {"id": "line 4", "model": "3f9c...", "score": 0.42}

`margin` is the lowest chosen score minus the highest rejected one: the row is right where it is above 0, and the
summary says how often that is. `trained_on` says whether the model learned from two of the responses: such a row tells
nothing of what it is worth. With heads (`steelyard heads`) each line ends in `criteria`, the same fields by criterion:

    {"id": "x1", ..., "criteria": {"clarity": {"scores": {"a": 0.31, "b": -0.42}}, "tone": {"scores": {...}}}}
    {"id": "line 2", ..., "criteria": {"clarity": {"chosen_score": 0.9, "rejected_score": 0.4, "margin": 0.5}}}

A criterion's scores have a unit of their own (see `reward.heads`); `trained_on` speaks of the model, not of the heads.

The output appears complete or not at all: a row that cannot be read stops the work and names its line. Under
`accelerate launch -m reward score ...` every process scores its share of each chunk; the first one writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

from app.stats.words import counted
from reward import processes
from reward.errors import RewardError
from reward.metrics import pairwise_accuracy
from reward.overlap import FILE_NAME as FINGERPRINTS_NAME
from reward.overlap import Memory, Overlap, load_fingerprints
from reward.pairs import Messages, is_text_list, messages_of, pairs_of_row, read_rows, response_of

if TYPE_CHECKING:
    from reward.heads import CriterionScorer
    from reward.scorer import Scorer

Text = TypeVar("Text", bound=Sized)
CHUNK_ROWS = 2048
SIDES = ("chosen", "rejected")


@dataclass(frozen=True)
class ScoreSummary:
    """What `score_file` did.

    Attributes:
        n_rows: rows read and lines written.
        n_texts: texts scored.
        n_prompts_cut: texts whose prompt lost its beginning to the length limit.
        n_responses_cut: texts whose response lost its end to the length limit.
        accuracy: share of the preference rows, but those labelled a tie, in which each chosen response scores above
            each rejected one, as JSON with interval and counts; None where the file has no such row.
        n_trained_on: of those rows, the ones that the model learned from.
        model: run id of the model.
        output: where the scores lie.
        criteria: those that each line has scores of, too; none without heads.
    """

    n_rows: int
    n_texts: int
    n_prompts_cut: int
    n_responses_cut: int
    accuracy: Mapping[str, Any] | None
    n_trained_on: int
    model: str
    output: str
    criteria: Sequence[str] = ()

    def sentences(self, max_length_tokens: int) -> str:
        """All of it, in words; `max_length_tokens` is the model's limit."""
        cut = f"nothing cut at {max_length_tokens} tokens"
        if self.n_prompts_cut or self.n_responses_cut:
            cut = f"at {max_length_tokens} tokens the beginning of the prompt was cut in "
            cut += f"{counted(self.n_prompts_cut, 'text')}, the end of the response in {self.n_responses_cut:,}"
        lines = [
            f"Scored {counted(self.n_rows, 'row')} ({counted(self.n_texts, 'text')}) with model {self.model} into "
            f"{self.output}; {cut}."
        ]
        if self.criteria:
            lines.append(f"Beside each reward stand the scores by criterion: {', '.join(self.criteria)}.")
        if self.accuracy is not None:
            lines.append(self._agreement(self.accuracy))
        return "\n".join(lines)

    def _agreement(self, accuracy: Mapping[str, Any]) -> str:
        n_tied = accuracy["n_tied"]
        if accuracy["value"] is None:
            return f"Accuracy undefined: both sides have the same score ({counted(n_tied, 'tie')})."
        text = (
            f"Accuracy {accuracy['value']:.3f} (95 % interval {accuracy['low']:.3f} to {accuracy['high']:.3f}): the "
            f"chosen side scores higher in {accuracy['n_correct']:,} of {counted(accuracy['n'], 'row')}; "
            f"{counted(n_tied, 'tie')} apart. `steelyard evaluate` sets it beside its baselines."
        )
        caution = Overlap(self.n_trained_on, 0).caution(accuracy["n"] + n_tied)
        return f"{text}\n{caution}" if caution else text


@dataclass(frozen=True, slots=True)
class Question:
    """One row's texts and how to write its line from their scores.

    Attributes:
        row_id: the row's own id, or its place.
        kind: 'comparison', 'pair', 'lists' (several responses on a side) or 'text'.
        texts: prompt and response of each text; of pairs and lists the chosen ones first.
        names: completion ids of a comparison.
        n_chosen: how many of the texts are chosen ones.
        is_tie: a preference row whose label prefers neither side.
    """

    row_id: str
    kind: str
    texts: tuple[tuple[Messages, str], ...]
    names: tuple[str, ...] = ()
    n_chosen: int = 0
    is_tie: bool = False

    def line(
        self, scores: Sequence[float], *, model: str, memory: Memory, criteria: Mapping[str, Sequence[float]]
    ) -> dict[str, Any]:
        """The row's line.

        Args:
            scores: those of `texts`, in order.
            model: run id of the model.
            memory: what it was trained on.
            criteria: criterion -> the scores of `texts` there; empty without heads.
        """
        line: dict[str, Any] = {"id": self.row_id, "model": model, **self._fields(scores)}
        if self.kind != "text":
            line["trained_on"] = self._is_known_to(memory)
        if criteria:
            line["criteria"] = {name: self._fields(found) for name, found in criteria.items()}
        return line

    def _fields(self, scores: Sequence[float]) -> dict[str, Any]:
        """Scores under the names that belong to this kind of row, with the margin of a preference row."""
        values = [float(score) for score in scores]
        if self.kind == "comparison":
            return {"scores": dict(zip(self.names, values, strict=True))}
        if self.kind == "text":
            return {"score": values[0]}
        chosen, rejected = values[: self.n_chosen], values[self.n_chosen :]
        margin = min(chosen) - max(rejected)
        if self.kind == "pair":
            return {"chosen_score": chosen[0], "rejected_score": rejected[0], "margin": margin}
        return {"chosen_scores": chosen, "rejected_scores": rejected, "margin": margin}

    def _is_known_to(self, memory: Memory) -> bool:
        """Whether the model was trained on any two of the responses."""
        if not memory.has_prompt(self.texts[0][0]):
            return False
        responses = [response for _, response in self.texts]
        return any(memory.has_pair(self.texts[0][0], *pair) for pair in combinations(responses, 2))


def question_of(row: Mapping[str, Any], *, place: str) -> Question:
    """What a row asks: all completions of a comparison, both sides of a pair, or one response.

    Raises:
        RewardError: the row is none of the three, or malformed.
    """
    row_id = str(row.get("id") or row.get("comparison_id") or place.rpartition(": ")[2])
    if "completions" in row:
        return _comparison(row, row_id=row_id, place=place)
    if "chosen" in row or "rejected" in row:
        return _preference(row, row_id=row_id, place=place)
    if "response" in row:
        prompt = messages_of(row.get("prompt"), place=f"{place}, prompt")
        return Question(row_id, "text", ((prompt, response_of(row["response"], place=f"{place}, response")),))
    raise RewardError(
        f"{place}: nothing to score among the fields {sorted(row)}; give prompt with completions, "
        "chosen with rejected, or prompt with response."
    )


def _preference(row: Mapping[str, Any], *, row_id: str, place: str) -> Question:
    pairs = pairs_of_row(row, place=place)
    sides = [
        list(dict.fromkeys((getattr(pair, f"{side}_id"), getattr(pair, side)) for pair in pairs)) for side in SIDES
    ]
    texts = tuple((pairs[0].prompt, text) for side in sides for _, text in side)
    kind = "lists" if any(is_text_list(row[side]) for side in SIDES) else "pair"
    return Question(row_id, kind, texts, n_chosen=len(sides[0]), is_tie=pairs[0].soft_label == 0.5)


def _comparison(row: Mapping[str, Any], *, row_id: str, place: str) -> Question:
    if row.get("prompt") is None:
        raise RewardError(f"{place}: the field 'prompt' is missing.")
    prompt = messages_of(row["prompt"], place=f"{place}, prompt")
    completions = row["completions"]
    if not isinstance(completions, list) or not completions:
        raise RewardError(f"{place}: 'completions' must be a list of {{id, text}} with at least one entry.")
    names, texts = [], []
    for number, completion in enumerate(completions):
        where = f"{place}, completion {number + 1}"
        if not isinstance(completion, Mapping) or not isinstance(completion.get("text"), str):
            raise RewardError(f"{where}: 'text' must be text.")
        name = str(completion.get("id") or "abcdefghijklmnopqrstuvwxyz"[number : number + 1] or number)
        if name in names:
            raise RewardError(f"{where}: the id {name!r} occurs twice.")
        names.append(name)
        texts.append((prompt, completion["text"]))
    return Question(row_id, "comparison", tuple(texts), tuple(names))


def score_file(
    scorer: Scorer,
    input_path: Path,
    output_path: Path,
    *,
    heads: CriterionScorer | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> ScoreSummary:
    """Score every row of a `.jsonl` or `.parquet` file and write one JSON line for each, in order.

    Args:
        scorer: a loaded model.
        input_path: the rows.
        output_path: where the lines go; replaced when all is done.
        heads: give each line its scores by criterion, too.
        on_progress: called with the number of rows that each chunk finished.

    Raises:
        RewardError: a row cannot be read (file, line, reason), or the file has no rows; no output is written.
    """
    memory = load_fingerprints(scorer.run.directory / FINGERPRINTS_NAME)
    n_rows = n_texts = n_prompts_cut = n_responses_cut = n_trained_on = 0
    margins: list[float] = []
    with _complete_or_absent(output_path) as file:
        for chunk in _chunks(input_path):
            texts = [text for question in chunk for text in question.texts]
            rendered = scorer.renderer.render(texts)
            scores = _shared_out(scorer.score_ids, [one.ids for one in rendered])
            by_criterion = _by_criterion(heads, texts)
            start = 0
            for question in chunk:
                part = slice(start, start + len(question.texts))
                criteria = {name: found[part] for name, found in by_criterion.items()}
                line = question.line(scores[part], model=scorer.run.run_id, memory=memory, criteria=criteria)
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                if question.n_chosen and not question.is_tie:
                    margins.append(line["margin"])
                    n_trained_on += line["trained_on"]
                start = part.stop
            n_rows += len(chunk)
            n_texts += len(texts)
            n_prompts_cut += sum(one.n_prompt_cut > 0 for one in rendered)
            n_responses_cut += sum(one.n_response_cut > 0 for one in rendered)
            if on_progress is not None:
                on_progress(len(chunk))
        if not n_rows:
            raise RewardError(f"{input_path}: the file has no rows.")
    return ScoreSummary(
        n_rows,
        n_texts,
        n_prompts_cut,
        n_responses_cut,
        pairwise_accuracy(np.array(margins)).to_json() if margins else None,
        n_trained_on,
        scorer.run.run_id,
        str(output_path),
        heads.criteria if heads is not None else (),
    )


@contextmanager
def _complete_or_absent(path: Path) -> Iterator[IO[str]]:
    """A file that takes the place of `path` when all went well; only the first process has one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not processes.is_first():
        with Path(os.devnull).open("w", encoding="utf-8") as file:
            yield file
        return
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("w", encoding="utf-8") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _by_criterion(heads: CriterionScorer | None, texts: Sequence[tuple[Messages, str]]) -> dict[str, Sequence[float]]:
    """Criterion -> the scores of a chunk's responses; empty without heads."""
    if heads is None:
        return {}
    found = _shared_out(heads.score, [response for _, response in texts])
    return dict(zip(heads.criteria, np.asarray(found).T, strict=True))


def _shared_out(score: Callable[[Sequence[Text]], np.ndarray], texts: Sequence[Text]) -> Sequence[Any]:
    """Scores of a chunk's texts, each process scoring its share of them."""
    if processes.count() == 1:
        return score(texts)
    mine = processes.share([len(one) for one in texts])
    found = score([texts[i] for i in mine])
    return processes.gather(dict(zip(mine, found.tolist(), strict=True)), len(texts))


def _chunks(path: Path) -> Iterator[list[Question]]:
    questions = (question_of(row, place=place) for place, row in read_rows(path))
    while chunk := list(islice(questions, CHUNK_ROWS)):
        yield chunk
