"""Machine raters at the exam: items out as a file, answers in as a file, the same sequential exam in between.

A model, or a program that stands in for one, answers every gold comparison beforehand; the exam then asks as many of
them as it needs, one at a time, as it asks a person.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select

from app.domain import OVERALL, RefusedLine
from app.errors import InvalidInput, NotFound
from app.formats.lines import json_lines
from app.policy import Action
from app.services import examining
from app.services.examining import ExamStatus
from app.services.judging import Submission
from app.services.lookup import find_account, find_campaign, require
from app.store import tables
from app.store.engine import Store
from app.store.queries import comparison_ids, read_comparisons
from rubrics.answers import Answer


def write_items(store: Store, actor_name: str, campaign_name: str, file: Path) -> int:
    """Write the gold comparisons of a campaign without their keys, one JSON object a line; returns how many.

    Raises:
        NotFound: no such account or campaign.
        NotAllowed: the account may not manage gold here.
    """
    with store.read() as connection:
        campaign = find_campaign(connection, campaign_name)
        require(connection, find_account(connection, actor_name), Action.MANAGE_RATERS, campaign=campaign)
        key = tables.gold_key
        measuring = set(connection.scalars(select(key.c.comparison_id).where(key.c.suspended_at.is_(None))))
        row_ids = [row for row in comparison_ids(connection, campaign.id).values() if row in measuring]
        lines = [
            {
                "id": stored.id,
                "prompt": [{"role": turn.role, "content": turn.content} for turn in stored.comparison.prompt],
                "completions": [{"id": one.id, "text": one.text} for one in stored.comparison.completions],
            }
            for stored in read_comparisons(connection, row_ids)
            if not stored.erased
        ]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
    return len(lines)


def take_exam(
    store: Store,
    rater_name: str,
    campaign_name: str,
    file: Path,
    *,
    now: datetime | None = None,
    chance: random.Random | None = None,
) -> ExamStatus:
    """Let a machine rater take the exam with the answers of a file; returns where it is then.

    A line has `id` and `answers`: criterion key (and "overall") -> an answer in the native form, such as
    `{"preferred": "a", "strength": 2}`; `justification` and `confidence` may stand beside them. A comparison that the
    file does not answer is answered `cannot_judge`, which is wrong.

    Raises:
        NotFound: no such account, campaign or file.
        InvalidInput: a line is no answer.
        Conflict: no exam is open to the rater.
        RefusedSubmission: an answer breaks the rubric.
    """
    answers = read_answers(file)
    chance = chance or random.Random()
    while (item := examining.next_item(store, rater_name, campaign_name, now=now, chance=chance)) is not None:
        given = answers.get(item.comparison_id)
        examining.answer(store, rater_name, item.id, given or _silent(item.criteria_shown), now=now)
        if examining.exam_status(store, rater_name, campaign_name, now=now).state != "running":
            break
    return examining.exam_status(store, rater_name, campaign_name, now=now)


def read_answers(file: Path) -> dict[str, Submission]:
    """Comparison -> submission, from a file of answers.

    Raises:
        NotFound: no such file.
        InvalidInput: a line is no answer.
    """
    if not file.is_file():
        raise NotFound(f"There is no file {file}.")
    found: dict[str, Submission] = {}
    for number, row in json_lines(file):
        if isinstance(row, RefusedLine):
            raise InvalidInput(f"{file}: {row}")
        try:
            found[str(row["id"])] = _submission(row)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{file}, line {number}: {error}. Write id and answers.") from error
    return found


def _submission(row: Mapping[str, Any]) -> Submission:
    answers = {key: Answer.from_dict(value, field=key) for key, value in row["answers"].items()}
    return Submission(answers, justification=row.get("justification", ""), confidence=row.get("confidence"))


def _silent(criteria: tuple[str, ...]) -> Submission:
    """What stands for an answer that the machine did not give."""
    missing = Answer(preferred="cannot_judge")
    return Submission({**dict.fromkeys(criteria, missing), OVERALL: missing}, justification="(no answer)")
