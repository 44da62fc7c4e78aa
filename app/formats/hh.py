r"""HH-RLHF transcripts (`hh`): `chosen` and `rejected` as texts of turns "\n\nHuman: ...\n\nAssistant: ...".

The turns that both share become the prompt; the last turn of each, the Assistant's, is what is compared. Transcripts
that part earlier compare two conversations, not two responses, and are refused. Responses are named by the hash of
their texts and the label becomes `reference`, as in the `trl` format. JSONL, JSON array or Parquet; `.gz` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from app.domain import ImportedComparison, Message
from app.formats import fields
from app.formats.base import Format, ReadLine, Refusal
from app.formats.pairs import labelled_pair
from app.formats.rows import first_object, map_rows, numbered_rows

_TURN = re.compile(r"(?:\A|\n\n)(Human|Assistant):")
_ROLES = {"Human": "user", "Assistant": "assistant"}


def is_transcript_pair(row: dict[str, Any]) -> bool:
    """Whether both sides of a row are texts that begin with a turn and have no prompt of their own."""
    if row.get("prompt") is not None:
        return False
    return all(isinstance(row.get(side), str) and _TURN.match(row[side]) for side in ("chosen", "rejected"))


def read_turns(transcript: str, field: str) -> list[Message]:
    """The turns of a transcript; the one blank behind the colon is not part of what was said.

    Raises:
        Refusal: text before the first turn.
    """
    parts = _TURN.split(transcript)
    if parts[0].strip():
        raise Refusal(field, f'begins with {parts[0].strip()[:40]!r}, not with a turn such as "Human: ..."')
    if len(parts) == 1:
        raise Refusal(field, 'has no turns; a transcript is "Human: ..." and "Assistant: ..." with a blank line before')
    return [
        Message(_ROLES[speaker], said.removeprefix(" ")) for speaker, said in zip(parts[1::2], parts[2::2], strict=True)
    ]


def read_row(line: int, row: dict[str, Any]) -> ImportedComparison:
    """One pair of transcripts as an imported comparison.

    Raises:
        Refusal: a side missing, no turns, or transcripts that part before the last turn.
    """
    sides = []
    for name in ("chosen", "rejected"):
        if row.get(name) is None:
            raise Refusal(name, "is missing; give a transcript")
        sides.append(read_turns(fields.long_text(row[name], name), name))
    chosen, rejected = sides
    _refuse_early_parting(chosen, rejected)
    return labelled_pair(line, row, tuple(chosen[:-1]), (chosen[-1].content, rejected[-1].content))


def _refuse_early_parting(chosen: list[Message], rejected: list[Message]) -> None:
    for name, turns in (("chosen", chosen), ("rejected", rejected)):
        if turns[-1].role != "assistant":
            raise Refusal(name, "ends with a turn of Human; the last turn must be the Assistant's")
    if len(chosen) == 1 and len(rejected) == 1:
        raise Refusal("chosen", "has one turn only; there is no prompt before the response")
    for position in range(max(len(chosen), len(rejected)) - 1):
        if chosen[:-1][position : position + 1] != rejected[:-1][position : position + 1]:
            reason = (
                f"parts from chosen at turn {position + 1}; chosen has {len(chosen)} turns and rejected "
                f"{len(rejected)}: only the last response may differ"
            )
            raise Refusal("rejected", reason)


def detect(path: Path) -> bool:
    """Whether the first object is a pair of transcripts."""
    row = first_object(path)
    return row is not None and is_transcript_pair(row)


def read(path: Path) -> Iterator[ReadLine]:
    """The pairs of a file of transcripts, in its order.

    Raises:
        InvalidInput: there is no such file, or it cannot be read at all.
    """
    return map_rows(numbered_rows(path), read_row)


FORMAT = Format("hh", "HH-RLHF transcripts: chosen and rejected as Human and Assistant turns", detect, read)
