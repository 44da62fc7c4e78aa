"""Score a file of texts with a trained model, in chunks, in the order of the input.

A row may be a native comparison (`prompt`, `completions`), a preference row in TRL's form (`chosen`, `rejected`, with
or without `prompt`), or one text (`prompt`, `response`). One JSON line comes out for each row that goes in:

    {"id": "x1", "model": "3f9c...", "scores": {"a": 1.21, "b": -0.30}, "trained_on": false}
    {"id": "line 2", "model": "3f9c...", "chosen_score": 0.8, "rejected_score": 0.1, "margin": 0.7, "trained_on": true}
    {"id": "line 3", "model": "3f9c...", "score": 0.42}

`trained_on` says whether the model learned from two of the responses: such a row tells nothing of what it is worth.

The output appears complete or not at all: a row that cannot be read stops the work and names its line. Under
`accelerate launch -m reward score ...` every process scores its share of each chunk; the first one writes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reward import processes
from reward.errors import RewardError
from reward.overlap import FILE_NAME as FINGERPRINTS_NAME
from reward.overlap import Memory, load_fingerprints
from reward.pairs import Messages, messages_of, pair_of_row, read_rows, response_of

if TYPE_CHECKING:
    from reward.scorer import Scorer

CHUNK_ROWS = 2048


@dataclass(frozen=True)
class ScoreSummary:
    """What `score_file` did.

    Attributes:
        n_rows: rows read and lines written.
        n_texts: texts scored.
        n_prompts_cut: texts whose prompt lost its beginning to the length limit.
        n_responses_cut: texts whose response lost its end to the length limit.
        model: run id of the model.
        output: where the scores lie.
    """

    n_rows: int
    n_texts: int
    n_prompts_cut: int
    n_responses_cut: int
    model: str
    output: str


@dataclass(frozen=True, slots=True)
class Question:
    """One row's texts and how to write its line from their scores."""

    row_id: str
    kind: str
    texts: tuple[tuple[Messages, str], ...]
    names: tuple[str, ...]

    def line(self, scores: Sequence[float], *, model: str, memory: Memory) -> str:
        """The row's JSON line; `scores` are those of `texts`, in order; `memory` is what the model was trained on."""
        values = [float(score) for score in scores]
        line: dict[str, Any] = {"id": self.row_id, "model": model}
        if self.kind == "comparison":
            line["scores"] = dict(zip(self.names, values, strict=True))
        elif self.kind == "pair":
            chosen, rejected = values
            line |= {"chosen_score": chosen, "rejected_score": rejected, "margin": chosen - rejected}
        else:
            line["score"] = values[0]
        if self.kind != "text":
            line["trained_on"] = self._is_known_to(memory)
        return json.dumps(line, ensure_ascii=False)

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
        pair = pair_of_row(row, place=place)
        return Question(row_id, "pair", ((pair.prompt, pair.chosen), (pair.prompt, pair.rejected)), ())
    if "response" in row:
        prompt = messages_of(row.get("prompt"), place=f"{place}, prompt")
        return Question(row_id, "text", ((prompt, response_of(row["response"], place=f"{place}, response")),), ())
    raise RewardError(
        f"{place}: nothing to score among the fields {sorted(row)}; give prompt with completions, "
        "chosen with rejected, or prompt with response."
    )


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
    scorer: Scorer, input_path: Path, output_path: Path, *, on_progress: Callable[[int], None] | None = None
) -> ScoreSummary:
    """Score every row of a `.jsonl` or `.parquet` file and write one JSON line for each, in order.

    Args:
        scorer: a loaded model.
        input_path: the rows.
        output_path: where the lines go; replaced when all is done.
        on_progress: called with the number of rows that each chunk finished.

    Raises:
        RewardError: a row cannot be read (file, line, reason), or the file has no rows; no output is written.
    """
    output_path.parent.mkdir(parents=True, exist_ok=True)
    partial = output_path.with_name(f".{output_path.name}.partial")
    memory = load_fingerprints(scorer.run.directory / FINGERPRINTS_NAME)
    n_rows = n_texts = n_prompts_cut = n_responses_cut = 0
    try:
        with (partial if processes.is_first() else Path(os.devnull)).open("w", encoding="utf-8") as file:
            for chunk in _chunks(input_path):
                rendered = scorer.renderer.render([text for question in chunk for text in question.texts])
                scores = _scores(scorer, [one.ids for one in rendered])
                start = 0
                for question in chunk:
                    end = start + len(question.texts)
                    file.write(question.line(scores[start:end], model=scorer.run.run_id, memory=memory) + "\n")
                    start = end
                n_rows += len(chunk)
                n_texts += len(rendered)
                n_prompts_cut += sum(one.n_prompt_cut > 0 for one in rendered)
                n_responses_cut += sum(one.n_response_cut > 0 for one in rendered)
                if on_progress is not None:
                    on_progress(len(chunk))
        if not n_rows:
            raise RewardError(f"{input_path}: the file has no rows.")
        if processes.is_first():
            os.replace(partial, output_path)
    finally:
        if processes.is_first():
            partial.unlink(missing_ok=True)
    return ScoreSummary(n_rows, n_texts, n_prompts_cut, n_responses_cut, scorer.run.run_id, str(output_path))


def _scores(scorer: Scorer, ids: Sequence[Sequence[int]]) -> Sequence[float]:
    """Rewards of a chunk, each process scoring its share of it."""
    if processes.count() == 1:
        return scorer.score_ids(ids)
    mine = processes.share([len(one) for one in ids])
    rewards = scorer.score_ids([ids[i] for i in mine])
    return processes.gather(dict(zip(mine, rewards.tolist(), strict=True)), len(ids))


def _chunks(path: Path) -> Iterator[list[Question]]:
    questions = (question_of(row, place=place) for place, row in read_rows(path))
    while chunk := list(islice(questions, CHUNK_ROWS)):
        yield chunk
