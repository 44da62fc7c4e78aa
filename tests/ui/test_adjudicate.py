"""Adjudicate: a view first, then the votes, then a decision that stands beside them."""

from __future__ import annotations

import pytest
from streamlit.util import calc_hash

from app.domain import Cause
from app.errors import NotAllowed
from app.services import adjudicating, quality
from app.ui.components.decision import CAUSES
from app.ui.components.votes import in_letters
from rubrics.answers import Answer
from tests.ui.designing import NAME, bring_torn, button, words

ANSWER = "view-torn-pair-00"


@pytest.fixture
def torn(seeded, tmp_path):
    """The seeded place with the campaign of two people who weigh differently."""
    bring_torn(seeded.store, tmp_path)
    return seeded


@pytest.fixture
def first_case(torn, open_page):
    """The page with a contested pair whose texts are hostile."""
    return open_page("adjudicate", login=torn.log_in("designer"), campaign=NAME, comparison="pair-00")


def test_nothing_contested_says_when_something_will_be(seeded, open_page):
    at = open_page("adjudicate", login=seeded.log_in("designer"), campaign="small")
    assert "Nothing is contested" in words(at)


def test_votes_stay_hidden_until_there_is_a_view(first_case):
    said = words(first_case)
    assert "4 contested, 4 undecided" in said
    assert "ann" not in said
    assert "secret-model" not in said
    assert button(first_case, "Show the votes").disabled
    first_case.segmented_control(key=ANSWER).set_value("1:2").run()
    assert "ann" not in words(first_case)
    button(first_case, "Show the votes").click().run()
    said = words(first_case)
    for part in ("ann", "bob", "human", "your first view was A2", "Torn between clear and help; help prevailed"):
        assert part in said
    assert "Response A decided" in said or "Response B decided" in said


def test_marked_errors_and_reports_are_shown_with_the_vote(first_case):
    first_case.segmented_control(key=ANSWER).set_value("tie").run()
    assert "Marked in" not in words(first_case)
    button(first_case, "Show the votes").click().run()
    said = words(first_case)
    assert "Marked in B, clear: “Text”: &lt;b&gt;no&lt;/b&gt; text" in said
    assert "Flagged as not rankable: a file is missing" in said


def test_texts_of_people_and_models_are_literal(first_case):
    first_case.segmented_control(key=ANSWER).set_value("tie").run()
    button(first_case, "Show the votes").click().run()
    shown = " ".join(element.value for element in first_case.get("html"))
    assert "<script>" not in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in shown
    assert "$5 and $6 :red[x] :material/home: a -&gt; b" in shown


def test_a_decision_needs_a_cause_and_a_reason_and_leads_to_the_next(torn, first_case):
    at = first_case
    votes = quality.open_case(torn.store, "designer", NAME, "pair-00").judgments
    at.segmented_control(key=ANSWER).set_value("2:3").run()
    button(at, "Show the votes").click().run()
    button(at, "Decide and go on").click().run()
    assert "choose a cause" in at.error[0].value
    at.radio(key="cause-torn-pair-00").set_value(Cause.ERROR).run()
    button(at, "Decide and go on").click().run()
    assert "needs a reason" in at.error[0].value
    at.text_area(key="reason-torn-pair-00").set_value("b is <right>")
    button(at, "Decide and go on").click().run()
    assert "Decided: pair-00 is B3" in words(at)
    assert "4 contested, 3 undecided" in words(at)
    assert at.selectbox(key="case-choice").value != "pair-00"
    case = quality.open_case(torn.store, "designer", NAME, "pair-00")
    assert case.judgments == votes
    (decision,) = case.decisions
    assert (decision.answer, decision.cause, decision.by) == (
        Answer(preferred="b", strength=3),
        Cause.ERROR,
        "designer",
    )
    at.toggle(key="undecided-only").set_value(False).run()
    assert "pair-00 (decided)" in at.selectbox(key="case-choice").options


def test_a_view_waits_while_another_page_is_open(first_case):
    at = first_case
    at.segmented_control(key=ANSWER).set_value("2:3").run()
    button(at, "Show the votes").click().run()
    at.radio(key="cause-torn-pair-00").set_value(Cause.ERROR).run()
    here = at._page_hash
    at._page_hash = calc_hash("account")
    at.run()
    at._page_hash = here
    at.run()
    assert at.segmented_control(key=ANSWER).value == "2:3"
    assert not button(at, "Decide and go on").disabled
    at.segmented_control(key=ANSWER).set_value(None).run()
    assert button(at, "Decide and go on").disabled
    assert "Give an answer above to decide." in words(at)


def test_a_decided_case_shows_the_earlier_decision_after_a_view(torn, open_page):
    answer = Answer(preferred="tie")
    adjudicating.decide(torn.store, "admin", NAME, "pair-00", answer=answer, cause=Cause.STYLE, reason="both fine")
    at = open_page("adjudicate", login=torn.log_in("designer"), campaign=NAME, comparison="pair-00")
    assert "both fine" not in words(at)
    at.segmented_control(key=ANSWER).set_value("1:1").run()
    button(at, "Show the votes").click().run()
    assert "both fine" in words(at)
    assert "this one holds" in words(at)


def test_a_ranking_is_adjudicated_by_places(torn, open_page):
    at = open_page("adjudicate", login=torn.log_in("designer"), campaign=NAME, comparison="ranking-1")
    key = "view-torn-ranking-1"
    at.segmented_control(key=f"{key}-1").set_value(1).run()
    assert "Give every response its place" in words(at)
    at.segmented_control(key=f"{key}-2").set_value(1)
    at.segmented_control(key=f"{key}-3").set_value(3).run()
    button(at, "Show the votes").click().run()
    assert "A = B &gt; C" in words(at) or "A = B > C" in words(at)
    at.radio(key="cause-torn-ranking-1").set_value(Cause.VALUE_CONFLICT).run()
    at.text_area(key="reason-torn-ranking-1").set_value("first two alike")
    button(at, "Decide and go on").click().run()
    (decision,) = quality.open_case(torn.store, "designer", NAME, "ranking-1").decisions
    assert decision.answer == Answer(ranking=(("a", "b"), ("c",)))
    assert decision.round == "ranking"


def test_the_next_button_goes_round(torn, open_page):
    at = open_page("adjudicate", login=torn.log_in("designer"), campaign=NAME)
    seen = []
    for _ in range(5):
        seen.append(at.selectbox(key="case-choice").value)
        button(at, "Next").click().run()
    assert len(set(seen)) == 4
    assert seen[4] == seen[0]


def test_another_campaign_opens_at_its_own_first_case(torn, open_page):
    at = open_page("adjudicate", login=torn.log_in("designer"), campaign=NAME, comparison="not-of-this-campaign")
    assert not at.error
    assert at.selectbox(key="case-choice").value in {"pair-00", "pair-01", "pair-02", "ranking-1"}


def test_votes_of_a_case_are_for_those_who_see_quality(torn):
    with pytest.raises(NotAllowed):
        quality.open_case(torn.store, "rater", NAME, "pair-00")
    with pytest.raises(NotAllowed):
        adjudicating.decide(
            torn.store, "researcher", NAME, "pair-00", answer=Answer(preferred="a"), cause=Cause.ERROR, reason="x"
        )


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(preferred="a", strength=2), "A2"),
        (Answer(preferred="b"), "B"),
        (Answer(preferred="both_bad"), "both bad"),
        (Answer(scores={"a": 4, "b": 2.5}), "A 4, B 2.5"),
        (Answer(checks={"a": True, "b": False}), "A yes, B no"),
        (Answer(ranking=(("b",), ("a",))), "B > A"),
    ],
)
def test_answers_are_short_in_the_readers_letters(answer, said):
    assert in_letters(answer, ("a", "b")) == said


def test_every_cause_has_words():
    assert set(CAUSES) == set(Cause)
