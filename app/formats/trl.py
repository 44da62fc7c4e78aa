"""TRL preference rows (`trl`): `chosen` and `rejected`, with `prompt` or with the prompt as their shared beginning.

Texts or message lists; JSON Lines, a JSON array, or Parquet; `.gz` too. What becomes of a row:

- The two responses are named by the hash of their texts, because the file puts the better one first.
- The label is a label from outside: it becomes `reference` {"preferred": id}, with `margin` and the scores
  (`score_chosen`, `score_rejected`) where the row has them. It is never a gold key. Only a row that says who judged
  (`rater`, perhaps `rater_kind`) becomes a judgment instead.
- `chosen_model` and `rejected_model` name the models; `id` is the id; every other column goes to `meta`.
- Without `prompt`, the shared beginning is the prompt: whole messages, or text up to the last white space that both
  share. A shared beginning of two plain responses cannot be told from the prompt: give `prompt` where it matters.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from app.domain import ImportedComparison, Message
from app.formats import fields
from app.formats.base import Format, ReadLine, Refusal, kind_of
from app.formats.hh import is_transcript_pair
from app.formats.native import read_messages, read_prompt
from app.formats.pairs import labelled_pair
from app.formats.rows import first_object, map_rows, numbered_rows

_PICTURES = ("image", "images")


def read_row(line: int, row: dict[str, Any]) -> ImportedComparison:
    """One preference row as an imported comparison.

    Raises:
        Refusal: with the field and the reason.
    """
    for name in ("chosen", "rejected"):
        if row.get(name) is None:
            raise Refusal(name, "is missing; give a text or a list of messages")
    for name in _PICTURES:
        if row.get(name):
            raise Refusal(name, "has pictures; only texts can be compared")
    prompt, texts = _prompt_and_texts(row)
    return labelled_pair(line, row, prompt, texts)


def _prompt_and_texts(row: dict[str, Any]) -> tuple[tuple[Message, ...], tuple[str, str]]:
    chosen, rejected = row["chosen"], row["rejected"]
    if type(chosen) is not type(rejected):
        reason = f"is {kind_of(rejected)} while chosen is {kind_of(chosen)}; give both in one form"
        raise Refusal("rejected", reason)
    if type(chosen) is str:
        return _from_texts(row, fields.long_text(chosen, "chosen"), fields.long_text(rejected, "rejected"))
    if type(chosen) is not list:
        raise Refusal("chosen", f"must be text or a list of messages, is {kind_of(chosen)}")
    return _from_messages(row, read_messages(chosen, "chosen"), read_messages(rejected, "rejected"))


def _from_texts(row: dict[str, Any], chosen: str, rejected: str) -> tuple[tuple[Message, ...], tuple[str, str]]:
    if row.get("prompt") is not None:
        return read_prompt(row["prompt"]), (chosen, rejected)
    if chosen == rejected:
        raise Refusal("prompt", "is missing, and cannot be found because chosen and rejected are the same text")
    start = _end_of_shared_words(chosen, rejected)
    return (Message("user", chosen[:start]),), (chosen[start:], rejected[start:])


def _end_of_shared_words(first: str, second: str) -> int:
    """Where two texts part, moved back to the beginning of the word in which they do."""
    end = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))
    following = (first[end : end + 1], second[end : end + 1])
    if all(not letter or letter.isspace() for letter in following):
        return end
    while end and not first[end - 1].isspace():
        end -= 1
    return end


def _from_messages(
    row: dict[str, Any], chosen: tuple[Message, ...], rejected: tuple[Message, ...]
) -> tuple[tuple[Message, ...], tuple[str, str]]:
    n_shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(chosen, rejected, strict=False)))
    n_shared = min(n_shared, len(chosen) - 1, len(rejected) - 1)
    texts = (_last_answer(chosen, n_shared, "chosen"), _last_answer(rejected, n_shared, "rejected"))
    shared = chosen[:n_shared]
    if row.get("prompt") is None:
        if not shared:
            raise Refusal("prompt", "is missing, and chosen and rejected share no message that could be it")
        return shared, texts
    prompt = read_prompt(row["prompt"])
    if shared and prompt not in (shared[: len(prompt)], shared[-len(prompt) :]):
        raise Refusal("prompt", "differs from the messages that chosen and rejected share; leave one of them out")
    return shared or prompt, texts


def _last_answer(messages: tuple[Message, ...], n_shared: int, field: str) -> str:
    """The text of the one message behind the shared ones."""
    own = messages[n_shared:]
    if len(own) != 1:
        reason = f"parts from the other one {len(own)} messages before its end; they may differ in the last one only"
        raise Refusal(f"{field}[{n_shared}]", reason)
    if own[0].role != "assistant":
        raise Refusal(f"{field}[{n_shared}].role", f"is {own[0].role!r}; what is compared must be the assistant's")
    return own[0].content


def detect(path: Path) -> bool:
    """Whether the first object has `chosen` and `rejected` that are no HH transcripts."""
    row = first_object(path)
    return row is not None and {"chosen", "rejected"} <= row.keys() and not is_transcript_pair(row)


def read(path: Path) -> Iterator[ReadLine]:
    """The pairs of a file of preference rows, in its order.

    Raises:
        InvalidInput: there is no such file, or it cannot be read at all.
    """
    return map_rows(numbered_rows(path), read_row)


FORMAT = Format("trl", "TRL preference rows: chosen and rejected (JSONL, JSON or Parquet)", detect, read)
