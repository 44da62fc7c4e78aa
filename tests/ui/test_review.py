"""The Review page: an attempt without a name, a word on it, and what a senior settles."""

from __future__ import annotations

import pytest

from app.domain import OVERALL, ReviewLevel, Role, RoundRules
from app.services.assigning import next_assignment
from app.services.campaigns import add_member, create_campaign
from app.services.importing import import_file
from app.services.judging import Submission, submit
from rubrics.answers import Answer
from rubrics.loader import load_library
from tests.services.house import line, write_lines
from tests.ui.designing import button, words

NAME = "layered"


@pytest.fixture
def layered(seeded, tmp_path):
    """A place with a round whose judgments are reviewed, the assignment of `rater` in it, and the judgment's number."""
    create_campaign(seeded.store, NAME, rubric=load_library("minimal"), rules=RoundRules(gold_rate=0, review_share=1))
    import_file(seeded.store, NAME, write_lines(tmp_path / "lines.jsonl", [line("x")]))
    for role in (Role.RATER, Role.REVIEWER, Role.DESIGNER):
        add_member(seeded.store, NAME, role.value, roles=[role])
    given = next_assignment(seeded.store, "rater", NAME)
    said = Submission({OVERALL: Answer(preferred="a", strength=2)}, "[response:a] has *more*")
    return seeded, given.id, submit(seeded.store, "rater", given.id, said).judgment_id


def test_nothing_to_review_says_when_something_will_be(seeded, open_page):
    at = open_page("review", login=seeded.log_in("designer"), campaign="small")
    assert "Nothing to review" in words(at)
    at.segmented_control(key="review-level").set_value(ReviewLevel.SENIOR).run()
    assert "Nothing to settle" in words(at)


def test_a_reviewer_changes_a_senior_settles_and_the_rater_reads_why(layered, open_page):
    place, assignment, number = layered
    at = open_page("review", login=place.log_in("reviewer"), campaign=NAME)
    said = words(at)
    assert "Waiting for you: 1" in said
    assert "Response A has <em>more</em>" in said
    assert "model-a" not in said
    assert "So far" not in said, "who reviews does not see how others fared"
    key = f"review-{number}"
    button(at, "Hand in and go on").click().run()
    assert "Say what should stand" in words(at)
    at.radio(key=f"word-{key}").set_value("other").run()
    at.segmented_control(key=f"review-{number}-overall").set_value("2:1").run()
    button(at, "Hand in and go on").click().run()
    assert "Say why" in words(at)
    at.text_area(key=f"why-{key}").set_value("b is right").run()
    button(at, "Hand in and go on").click().run()
    assert "Recorded" in words(at)
    assert "Nothing to review" in words(at)
    at = open_page("review", login=place.log_in("designer"), campaign=NAME)
    at.segmented_control(key="review-level").set_value(ReviewLevel.SENIOR).run()
    assert "b is right" in words(at)
    assert "reviewer" in words(at)
    at.radio(key=f"word-senior-{number}").set_value("reviewers").run()
    at.text_area(key=f"why-senior-{number}").set_value("it is").run()
    button(at, "Settle and go on").click().run()
    assert "1 of 1 attempts reviewed, 1 would be changed, 1 of these settled; in 1 other answers count." in words(at)
    at = open_page("my-work", login=place.log_in("rater"), campaign=NAME, assignment=str(assignment))
    assert "Reviewed: other answers count in the label; yours stay on record. it is" in words(at)
