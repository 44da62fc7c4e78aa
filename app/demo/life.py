"""The life of a rater, from end to end: applicant, certified, paused, certified again. Prints the trail of events.

`python -m app.demo.life` plays it in a database of its own, through the same services as the pages.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.domain import OVERALL, Calibration, RaterState, Role, RoundRules
from app.services import certifying, examining, raters
from app.services.administration import trail
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.database import Store, open_store
from app.services.importing import import_file
from app.services.judging import Submission, submit
from app.services.people import add_account
from app.settings import read_settings
from rubrics.answers import Answer
from rubrics.loader import load_library

NAME, RATER, DESIGNER = "life", "ann", "des"
START = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
KEYS = ("a", "b", "tie")


def play(store: Store, folder: Path, *, seed: int = 1) -> Iterator[str]:
    """Play the life; yields what happens, the trail of events last.

    Args:
        store: an empty database.
        folder: where the certificate's key and the comparisons go.
        seed: of every draw.
    """
    chance = random.Random(seed)
    _found(store, folder)
    yield f"{RATER} is {_state(store)}; the exam is {_exam(store, START)}"
    n = _sit(store, START, chance)
    yield f"after {n} questions {RATER} is {_state(store)}; the exam is {_exam(store, START)}"
    document = certifying.certificate_of(store, RATER, NAME, folder=folder)
    holds = certifying.verify(store, document, folder=folder, now=START).holds
    yield f"the certificate {'holds' if holds else 'does not hold'}"
    n_good = _work(store, START + DAY, chance, n=40, accuracy=1.0)
    n_bad = _work(store, START + 2 * DAY, chance, n=300, accuracy=0.1)
    yield f"{n_good} good judgments, then {n_bad} careless ones, and {RATER} is {_state(store)}"
    yield raters.decisions(store, RATER, NAME, RATER)[0].explanation
    holds = certifying.verify(store, document, folder=folder, now=START + 3 * DAY).holds
    yield f"the certificate {'holds' if holds else 'does not hold'}"
    n = _sit(store, START + 3 * DAY, chance)
    yield f"after {n} fresh questions {RATER} is {_state(store)}; the exam is {_exam(store, START + 3 * DAY)}"
    yield "the trail:"
    for event in trail(store, f"rater {RATER}"):
        figures = {key: event.detail[key] for key in ("n_right", "n", "cusum", "n_returned") if key in event.detail}
        said = ", ".join(f"{key} {value}" for key, value in figures.items())
        yield f"  {event.id:>4}  {event.actor:<8} {event.action:<16} {said}".rstrip()


def main() -> None:
    """Play it in a temporary folder, and print it."""
    with tempfile.TemporaryDirectory() as directory:
        store = open_store(read_settings({"STEELYARD_DATA_DIRECTORY": directory}))
        try:
            for line in play(store, Path(directory)):
                print(line)
        finally:
            store.close()


def _found(store: Store, folder: Path) -> None:
    """A campaign that calibrates, with gold and work, an applicant and a designer."""
    rules = RoundRules(overlap=1, calibration=Calibration(p0=0.65, p1=0.85, max_items=60))
    create_campaign(store, NAME, rubric=load_library("minimal"), rules=rules)
    file = folder / "life.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in _lines()), encoding="utf-8")
    import_file(store, NAME, file, format_name="native")
    add_account(store, RATER, state=RaterState.APPLICANT)
    add_account(store, DESIGNER, roles=[Role.DESIGNER])
    add_member(store, NAME, RATER, roles=[Role.RATER])
    add_member(store, NAME, DESIGNER, roles=[Role.DESIGNER])


def _lines() -> Iterator[dict[str, object]]:
    for number in range(600):
        name = f"gold-{number}" if number < 250 else f"work-{number}"
        completions = [{"id": slot, "text": f"answer {slot} to question {number}"} for slot in "ab"]
        line: dict[str, object] = {"id": name, "prompt": f"question {number}", "completions": completions}
        if number < 250:
            line["gold"] = {"accepted": [KEYS[number % 3]]}
        yield line


def _key(comparison_id: str) -> str:
    kind, _, number = comparison_id.partition("-")
    return KEYS[int(number) % 3] if kind == "gold" else "a"


def _answer(comparison_id: str, *, accuracy: float, chance: random.Random) -> Submission:
    right = _key(comparison_id)
    given = right if chance.random() < accuracy else {"a": "b", "b": "a", "tie": "b"}[right]
    return Submission({OVERALL: Answer(preferred=given)})


def _sit(store: Store, now: datetime, chance: random.Random) -> int:
    n = 0
    while (item := examining.next_item(store, RATER, NAME, now=now, chance=chance)) is not None:
        examining.answer(store, RATER, item.id, _answer(item.comparison_id, accuracy=1.0, chance=chance), now=now)
        n += 1
        if _exam(store, now) != "running":
            break
    return n


def _work(store: Store, now: datetime, chance: random.Random, *, n: int, accuracy: float) -> int:
    for done in range(n):
        at = now + done * MINUTE
        if _state(store) == RaterState.PAUSED.value:
            return done
        given = next_assignment(store, RATER, NAME, now=at, chance=chance)
        if given is None:
            return done
        submit(store, RATER, given.id, _answer(given.comparison_id, accuracy=accuracy, chance=chance), now=at)
    return n


def _state(store: Store) -> str:
    return raters.state_in(store, RATER, NAME).value


def _exam(store: Store, now: datetime) -> str:
    return examining.exam_status(store, RATER, NAME, now=now).state


if __name__ == "__main__":
    main()
